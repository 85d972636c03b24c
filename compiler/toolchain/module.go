// Package toolchain builds generated source: it lays out the module, with the part of
// the runtime that it needs, keeps it in a cache, and calls the go command.
package toolchain

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/aileron-gateway/aileronc/compiler/emit"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// third is where the runtime stands in a generated module.
const third = "third_party/aileronc"

// A Layout is a module that the go command can build as it is: file names, with
// slashes, and their contents.
type Layout struct {
	Files map[string][]byte
	// Docs are files beside the source that the build doesn't need. A user may have files of
	// the same name there instead.
	Docs map[string][]byte
	// Packages are the packages of the runtime that are reached.
	Packages []string
}

// Module lays out generated files together with the packages of the runtime that
// they reach in src, which holds go.mod, go.sum and the runtime's folders.
func Module(src fs.FS, files []emit.File, plugins []ir.Plugin) (*Layout, error) {
	l := &Layout{Files: make(map[string][]byte), Docs: make(map[string][]byte)}
	r := &reach{src: src, files: l.Files, seen: make(map[string]bool), modules: make(map[string]bool)}
	for _, f := range files {
		l.Files[f.Name] = f.Content
		if f.IsCarried() { // it may look like source
			continue
		}
		if err := r.imports(f.Name, f.Content); err != nil {
			return nil, err
		}
	}
	if err := r.plugins(plugins); err != nil {
		return nil, err
	}
	if err := r.copyAll(); err != nil {
		return nil, err
	}
	if err := r.modFiles(plugins); err != nil {
		return nil, err
	}
	l.Packages = r.done
	return l, nil
}

// reach copies the packages that are imported, and those that they import.
type reach struct {
	src     fs.FS
	files   map[string][]byte
	queue   []string // packages of the runtime still to copy
	done    []string
	seen    map[string]bool
	modules map[string]bool // import paths of other modules' packages
}

// imports notes what a Go file imports.
func (r *reach) imports(name string, content []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(p, "/")
		switch {
		case strings.HasPrefix(p, ir.Module+"/"):
			if !r.seen[p] {
				r.seen[p] = true
				r.queue = append(r.queue, p)
			}
		case strings.Contains(first, "."):
			r.modules[p] = true
		}
	}
	return nil
}

func (r *reach) copyAll() error {
	for len(r.queue) > 0 {
		p := r.queue[0]
		r.queue = r.queue[1:]
		r.done = append(r.done, p)
		dir := strings.TrimPrefix(p, ir.Module+"/")
		entries, err := fs.ReadDir(r.src, dir)
		if err != nil {
			return fmt.Errorf("the runtime has no package %s: %w", p, err)
		}
		for _, e := range entries {
			if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			content, err := fs.ReadFile(r.src, path.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			r.files[path.Join(third, dir, e.Name())] = content
			if strings.HasSuffix(e.Name(), ".go") {
				if err := r.imports(e.Name(), content); err != nil {
					return err
				}
			}
		}
	}
	slices.Sort(r.done)
	return nil
}

// modFiles writes both go.mod files, and the lines of go.sum that are needed.
func (r *reach) modFiles(plugins []ir.Plugin) error {
	text, err := fs.ReadFile(r.src, "go.mod")
	if err != nil {
		return err
	}
	own, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	versions := make(map[string]string)
	for _, req := range own.Require {
		versions[req.Mod.Path] = req.Mod.Version
	}
	direct, indirect, sums := r.required(versions)

	runtime := &modfile.File{}
	_ = runtime.AddModuleStmt(ir.Module)
	_ = runtime.AddGoStmt(own.Go.Version)
	for _, m := range direct {
		runtime.AddNewRequire(m, versions[m], false)
	}
	for _, m := range indirect {
		runtime.AddNewRequire(m, versions[m], true)
	}
	if r.files[third+"/go.mod"], err = tidy(runtime); err != nil {
		return err
	}

	main := &modfile.File{}
	_ = main.AddModuleStmt("gateway")
	_ = main.AddGoStmt(own.Go.Version)
	main.AddNewRequire(ir.Module, "v0.0.0", false)
	for _, m := range append(direct, indirect...) {
		main.AddNewRequire(m, versions[m], true)
	}
	if err := addPlugins(main, plugins); err != nil {
		return err
	}
	if err := main.AddReplace(ir.Module, "", "./"+third, ""); err != nil {
		return err
	}
	if r.files["go.mod"], err = tidy(main); err != nil {
		return err
	}
	if len(sums) > 0 {
		r.files["go.sum"] = []byte(strings.Join(sums, ""))
	}
	r.pluginSums(plugins)
	return nil
}

// tidy prints f in the form that "go mod tidy" leaves alone.
func tidy(f *modfile.File) ([]byte, error) {
	out := &modfile.File{}
	_ = out.AddModuleStmt(f.Module.Mod.Path)
	_ = out.AddGoStmt(f.Go.Version)
	var require []*modfile.Require
	for _, r := range f.Require {
		require = append(require, &modfile.Require{Mod: r.Mod, Indirect: r.Indirect})
	}
	out.SetRequireSeparateIndirect(require)
	for _, r := range f.Replace {
		if err := out.AddReplace(r.Old.Path, r.Old.Version, r.New.Path, r.New.Version); err != nil {
			return nil, err
		}
	}
	out.Cleanup()
	out.SortBlocks()
	return out.Format()
}

// required are the modules of the packages that are reached, those that they need, and the lines of go.sum for all.
func (r *reach) required(versions map[string]string) (direct, indirect, sums []string) {
	imported := make(map[string]bool)
	for p := range r.modules {
		if m := moduleOf(p, versions); m != "" {
			imported[m] = true
		}
	}
	for _, p := range r.done {
		n := needs[strings.TrimPrefix(p, ir.Module+"/")]
		sums = append(sums, n.sums...)
		for _, m := range n.modules {
			if !imported[m] {
				indirect = append(indirect, m)
			}
		}
	}
	slices.Sort(indirect)
	slices.SortFunc(sums, compareSums)
	return slices.Sorted(maps.Keys(imported)), slices.Compact(indirect), slices.Compact(sums)
}

// compareSums is the order of go.sum: by module, and by version, of which v1.7.1 is before v1.12.1.
func compareSums(a, b string) int {
	pathA, restA, _ := strings.Cut(a, " ")
	pathB, restB, _ := strings.Cut(b, " ")
	versionA, fileA, _ := strings.Cut(strings.Fields(restA)[0], "/")
	versionB, fileB, _ := strings.Cut(strings.Fields(restB)[0], "/")
	return cmp.Or(strings.Compare(pathA, pathB), semver.Compare(versionA, versionB), strings.Compare(fileA, fileB), strings.Compare(a, b))
}

// moduleOf is the module that provides a package: the longest one that is a prefix.
func moduleOf(pkg string, versions map[string]string) string {
	for p := pkg; p != "."; p = path.Dir(p) {
		if versions[p] != "" {
			return p
		}
	}
	return ""
}
