package plugin

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// A location is where a package is.
type location struct {
	show string // the package as the config names it
	// importPath is that of the package, in the emitted program.
	importPath string
	version    string // wanted version of a package that is fetched; "" is what mod says
	// dir is the folder of a local package, root that of its module; root equals dir if
	// there is no module. target is the folder in the emitted module that root is copied to.
	dir, root, target string
	mod               *modfile.File // of root or, for a fetched package, of the module around the working folder
	modDir            string        // where mod stands
}

// isLocal tells if the sources of the package are copied.
func (l *location) isLocal() bool { return l.dir != "" }

// isBare tells if the package is local and belongs to no module.
func (l *location) isBare() bool { return l.isLocal() && l.mod == nil }

// locate finds the package that a config names.
func locate(dir, name string) (*location, error) {
	if strings.HasSuffix(name, ".so") {
		return nil, fmt.Errorf("%s is a shared object; a plugin is linked in as source: name the folder of its package, or its import path", name)
	}
	folder := filepath.FromSlash(name)
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(dir, folder)
	}
	info, err := os.Stat(folder)
	switch {
	case err == nil && info.IsDir():
		return local(dir, folder, name)
	case err == nil:
		return nil, fmt.Errorf("%s is a file; a plugin is a folder with a Go package, or an import path", name)
	case strings.HasPrefix(name, ".") || filepath.IsAbs(filepath.FromSlash(name)):
		return nil, fmt.Errorf("there is no folder %s", name)
	}
	return remote(dir, name)
}

// local locates the package in a folder.
func local(dir, folder, name string) (*location, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	at := &location{show: name, dir: folder, root: folder}
	mod, root, err := enclosing(folder)
	if err != nil {
		return nil, err
	}
	if mod == nil {
		at.target = thirdParty + slug(dir, folder)
		at.importPath = "gateway/" + at.target
		return at, nil
	}
	rel, err := filepath.Rel(root, folder)
	if err != nil {
		return nil, err
	}
	at.importPath = path.Join(mod.Module.Mod.Path, filepath.ToSlash(rel))
	if mod.Module.Mod.Path == ir.Module {
		// A package of our own, as in the examples: it goes where the runtime is.
		at.target = path.Join(runtimeDir, filepath.ToSlash(rel))
		return at, nil
	}
	at.mod, at.root, at.modDir = mod, root, root
	at.target = path.Join(thirdParty, mod.Module.Mod.Path)
	return at, at.check()
}

// check refuses modules that can't be linked in as they are.
func (l *location) check() error {
	mod := l.mod.Module.Mod.Path
	if mod == "gateway" {
		return fmt.Errorf("the module of %s is called gateway, like the one that is compiled; call it by another name", l.show)
	}
	if rel, _ := within(l.importPath, mod); slices.Contains(strings.Split(rel, "/"), "internal") {
		return fmt.Errorf("%s is an internal package of module %s, which other modules can't import; move it out of internal", l.show, mod)
	}
	for _, r := range l.mod.Replace {
		// They count in the main module only.
		if r.Old.Path != ir.Module {
			return fmt.Errorf("the go.mod of %s replaces %s, which has no effect where it's linked in; require the version that is meant", l.show, r.Old.Path)
		}
	}
	return nil
}

// thirdParty is where local packages stand in the emitted module.
const thirdParty = "third_party/plugins/"

// slug makes the path of a folder in the emitted module of that of the package, which is
// taken from the working folder, so that it's the same on every machine.
func slug(dir, folder string) string {
	rel := "."
	if abs, err := filepath.Abs(dir); err == nil {
		if r, err := filepath.Rel(abs, folder); err == nil {
			rel = r
		}
	}
	if rel == "." {
		return "plugin"
	}
	words := strings.Split(filepath.ToSlash(rel), "/")
	for i, word := range words {
		word = strings.Map(func(r rune) rune {
			if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
				return r
			}
			return '-'
		}, strings.Trim(word, "._"))
		switch word {
		case "":
			word = "parent" // ..
		case "internal", "vendor", "testdata":
			word += "_" // have a meaning of their own
		}
		words[i] = word
	}
	return strings.Join(words, "/")
}

// remote locates a package by its import path.
func remote(dir, name string) (*location, error) {
	p, version, versioned := strings.Cut(name, "@")
	at := &location{show: p, importPath: p, version: version}
	if err := module.CheckImportPath(p); err != nil || versioned && version == "" {
		return nil, fmt.Errorf("there is no folder %s, and it's no import path", name)
	}
	mod, modDir, err := enclosing(dir)
	if err != nil {
		return nil, err
	}
	if mod != nil {
		if rel, ok := within(p, mod.Module.Mod.Path); ok && mod.Module.Mod.Path != ir.Module {
			folder := filepath.Join(modDir, filepath.FromSlash(rel))
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				return nil, fmt.Errorf("module %s has no package %s: there is no folder %s", mod.Module.Mod.Path, p, rel)
			}
			return local(dir, folder, p)
		}
		at.mod, at.modDir = mod, modDir
	}
	first, _, _ := strings.Cut(p, "/")
	switch {
	case version != "" || at.required():
		return at, nil
	case !strings.Contains(first, "."):
		return nil, fmt.Errorf("there is no folder %s, and import paths of packages that can be plugins begin with a host name", name)
	}
	return nil, fmt.Errorf("%s needs a version: write %s@v1.2.3, or require it in a go.mod in this folder (go get %s)", name, name, name)
}

// required tells if a module that mod requires may have the package.
func (l *location) required() bool {
	if l.mod == nil {
		return false
	}
	for _, r := range l.mod.Require {
		if _, ok := within(l.importPath, r.Mod.Path); ok {
			return true
		}
	}
	return false
}

// within tells if an import path is that of a module or below it.
func within(p, mod string) (rel string, ok bool) {
	if p == mod {
		return ".", true
	}
	return strings.CutPrefix(p, mod+"/")
}

// enclosing finds the go.mod of the module that a folder belongs to.
func enclosing(folder string) (*modfile.File, string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, "", err
	}
	for {
		file := filepath.Join(folder, "go.mod")
		text, err := os.ReadFile(file)
		if err == nil {
			mod, err := modfile.Parse(file, text, nil)
			if err == nil && mod.Module == nil {
				err = errors.New("it has no module line")
			}
			if err != nil {
				return nil, "", fmt.Errorf("%s can't be read: %w", file, err)
			}
			return mod, folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return nil, "", nil
		}
		folder = parent
	}
}
