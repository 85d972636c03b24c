package plugin

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// sources are the local packages of a plugin: its own and those of its module that it
// imports, for every platform.
type sources struct {
	at       *location
	packages map[string][]string // folder below root -> names of its files
	runtime  map[string]bool     // packages of the runtime that are imported
	foreign  map[string]bool     // packages of other modules
}

// scan reads the sources of a local plugin.
func scan(at *location) (*sources, error) {
	s := &sources{at: at, packages: make(map[string][]string), runtime: make(map[string]bool), foreign: make(map[string]bool)}
	rel, err := filepath.Rel(at.root, at.dir)
	if err != nil {
		return nil, err
	}
	rel = filepath.ToSlash(rel)
	if err := s.add(rel); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(s.packages[rel], func(name string) bool { return path.Ext(name) == ".go" }) {
		return nil, fmt.Errorf("there are no Go files in %s", at.show)
	}
	return s, nil
}

// add reads the package in a folder, and those of its module that it imports.
func (s *sources) add(rel string) error {
	if _, ok := s.packages[rel]; ok {
		return nil
	}
	s.packages[rel] = nil
	dir := filepath.Join(s.at.root, filepath.FromSlash(rel))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			continue
		}
		switch path.Ext(name) {
		case ".go":
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			if err := s.imports(filepath.Join(dir, name)); err != nil {
				return err
			}
		case ".s", ".h", ".syso":
		default:
			continue
		}
		s.packages[rel] = append(s.packages[rel], name)
	}
	return nil
}

// imports notes what a file imports.
func (s *sources) imports(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, p := range importsOf(content) {
		first, _, _ := strings.Cut(p, "/")
		if s.at.mod != nil {
			if rel, ok := within(p, s.at.mod.Module.Mod.Path); ok {
				if err := s.add(rel); err != nil && !os.IsNotExist(err) {
					return err
				}
				continue
			}
		}
		switch {
		case strings.HasPrefix(p, ir.Module+"/"):
			s.runtime[p] = true
		case strings.Contains(first, "."):
			if s.at.mod == nil {
				return fmt.Errorf("%s imports %s; a plugin that needs other modules has to be in a module of its own: put a go.mod beside it", s.at.show, p)
			}
			s.foreign[p] = true
		}
	}
	return nil
}

// files lists all files, relative to the root of the module.
func (s *sources) files() []string {
	var list []string
	for _, rel := range slices.Sorted(maps.Keys(s.packages)) {
		for _, name := range s.packages[rel] {
			list = append(list, path.Join(rel, name))
		}
	}
	return list
}

// embeds tells if a file of the plugin's package embeds others.
func (s *sources) embeds() bool {
	for rel, names := range s.packages {
		for _, name := range names {
			content, err := os.ReadFile(filepath.Join(s.at.root, filepath.FromSlash(rel), name))
			if err == nil && bytes.Contains(content, []byte("//go:embed ")) {
				return true
			}
		}
	}
	return false
}

// copyTo copies the files, and what they may embed.
func (s *sources) copyTo(dir string) error {
	all := s.embeds()
	return filepath.WalkDir(s.at.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.at.dir, name)
		if err != nil || rel == "." {
			return err
		}
		if e.IsDir() {
			if !all || strings.HasPrefix(e.Name(), ".git") || e.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() || strings.HasSuffix(rel, "_test.go") || !all && !slices.Contains(s.packages["."], rel) {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, rel), content)
	})
}

func writeFile(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// importsOf lists what a Go file imports.
func importsOf(content []byte) []string {
	f, err := parser.ParseFile(token.NewFileSet(), "", content, parser.ImportsOnly)
	if err != nil {
		return nil // the type check tells
	}
	var list []string
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			list = append(list, p)
		}
	}
	return list
}
