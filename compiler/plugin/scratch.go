package plugin

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// runtimeDir is where the runtime stands in the scratch module, as in an emitted one.
const runtimeDir = "third_party/aileronc"

// A scratch is a module like the one that will be emitted, in a temporary folder.
type scratch struct {
	at      *location
	dir     string
	local   *sources // nil for a fetched package
	core    *modfile.File
	embeds  []string        // embedded files, relative to the root
	modules map[string]bool // modules that the packages which are reached belong to
	// coreSums and userSums are the lines of the go.sum files of the runtime and the user.
	coreSums, userSums map[string]bool
	runtime            []string // packages of the runtime that are reached
}

func newScratch(src fs.FS, at *location) (w *scratch, err error) {
	w = &scratch{at: at}
	if at.isLocal() {
		if w.local, err = scan(at); err != nil {
			return nil, err
		}
	}
	text, err := fs.ReadFile(src, "go.mod")
	if err != nil {
		return nil, err
	}
	if w.core, err = modfile.Parse("go.mod", text, nil); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "aileronc-plugin-"); err != nil {
		return nil, err
	}
	if err := w.fill(src); err != nil {
		w.remove()
		return nil, err
	}
	return w, nil
}

func (w *scratch) remove() { _ = os.RemoveAll(w.dir) }

// fill writes the module.
func (w *scratch) fill(src fs.FS) error {
	imports, err := unpack(src, w.path(runtimeDir))
	if err != nil {
		return err
	}
	main, core := newMod("gateway", w.core), newMod(ir.Module, w.core)
	_ = main.AddRequire(ir.Module, "v0.0.0")
	_ = main.AddReplace(ir.Module, "", "./"+runtimeDir, "")
	needs := w.coreModules(imports)
	for _, m := range needs {
		_ = core.AddRequire(m.Path, m.Version)
		_ = main.AddRequire(m.Path, m.Version)
	}
	sums, err := fs.ReadFile(src, "go.sum")
	if err != nil {
		return err
	}
	w.coreSums = lineSet(sums)
	if w.at.mod != nil {
		user := w.addUser(main)
		w.userSums = lineSet(user)
		sums = append(append(sums, '\n'), user...)
	}
	if w.at.isBare() {
		if err := w.local.copyTo(w.bareDir()); err != nil {
			return err
		}
	}
	return errors.Join(
		writeFile(w.path("go.mod"), modfile.Format(main.Syntax)),
		writeFile(w.path("go.sum"), sums),
		writeFile(w.path(runtimeDir+"/go.mod"), modfile.Format(core.Syntax)),
	)
}

// addUser adds what the user's go.mod requires and, if the package is local, its module. It
// returns the user's go.sum.
func (w *scratch) addUser(main *modfile.File) []byte {
	for _, r := range w.at.mod.Require {
		v := newer(r.Mod.Version, versionOf(w.core, r.Mod.Path))
		if r.Mod.Path == ir.Module {
			v = newer(v, "v0.0.0")
		}
		_ = main.AddRequire(r.Mod.Path, v)
	}
	if w.at.isLocal() {
		p := w.at.mod.Module.Mod.Path
		_ = main.AddRequire(p, zeroVersion(p))
		_ = main.AddReplace(p, "", w.at.root, "")
	}
	sums, _ := os.ReadFile(filepath.Join(w.at.modDir, "go.sum")) // there may be none
	return sums
}

func newMod(path string, like *modfile.File) *modfile.File {
	f := &modfile.File{}
	_ = f.AddModuleStmt(path)
	_ = f.AddGoStmt(like.Go.Version)
	return f
}

func (w *scratch) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

// bareDir is where a package without a module stands.
func (w *scratch) bareDir() string { return w.path(w.at.target) }

// unpack writes the packages of the runtime, and returns what each imports.
func unpack(src fs.FS, to string) (map[string][]string, error) {
	imports := make(map[string][]string)
	err := fs.WalkDir(src, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "testdata":
			return fs.SkipDir
		case e.IsDir() || strings.HasSuffix(name, "_test.go") || !strings.Contains(name, "/"):
			return nil
		}
		content, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		pkg := ir.Module + "/" + path.Dir(name)
		if strings.HasSuffix(name, ".go") {
			imports[pkg] = append(imports[pkg], importsOf(content)...)
		}
		return writeFile(filepath.Join(to, filepath.FromSlash(name)), content)
	})
	return imports, err
}

// coreModules are the modules that packages of the runtime need: those that a plugin
// imports if it needs nothing else, so that nothing has to be fetched for it; else all.
func (w *scratch) coreModules(imports map[string][]string) []module.Version {
	var queue []string
	all := !w.at.isLocal() || len(w.local.foreign) > 0
	for p := range imports {
		if all || w.local.runtime[p] {
			queue = append(queue, p)
		}
	}
	seen := make(map[string]bool)
	var needs []module.Version
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if seen[p] {
			continue
		}
		seen[p] = true
		queue = append(queue, imports[p]...)
		if m := moduleOf(w.core, p); m.Path != "" && !slices.Contains(needs, m) {
			needs = append(needs, m)
		}
	}
	module.Sort(needs)
	return needs
}

// moduleOf is the module that f requires for a package.
func moduleOf(f *modfile.File, pkg string) (m module.Version) {
	for _, r := range f.Require {
		if _, ok := within(pkg, r.Mod.Path); ok && len(r.Mod.Path) > len(m.Path) {
			m = r.Mod
		}
	}
	return m
}

func versionOf(f *modfile.File, path string) string {
	for _, r := range f.Require {
		if r.Mod.Path == path {
			return r.Mod.Version
		}
	}
	return ""
}

func newer(a, b string) string {
	if semver.Compare(a, b) < 0 {
		return b
	}
	return a
}

// zeroVersion is the version of a module that has none: v0.0.0, or v2.0.0 for example.com/x/v2.
func zeroVersion(path string) string {
	_, major, ok := module.SplitPathVersion(path)
	if major = strings.TrimPrefix(module.PathMajorPrefix(major), "/"); !ok || major == "" {
		return "v0.0.0"
	}
	return major + ".0.0"
}

func lineSet(text []byte) map[string]bool {
	set := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		set[strings.Join(strings.Fields(line), " ")] = true
	}
	return set
}
