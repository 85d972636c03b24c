package plugin

import (
	"go/types"
	"os"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// plugin is what the toolchain has to know to link the package in.
func (w *scratch) plugin(pkg *types.Package) (ir.Plugin, error) {
	p := ir.Plugin{ImportPath: w.at.importPath, Name: pkg.Name(), Runtime: w.runtime}
	if w.at.isLocal() {
		p.Dir = w.at.root
		p.Files = append(w.local.files(), w.embeds...)
		slices.Sort(p.Files)
		p.Files = slices.Compact(p.Files)
	}
	p.Target = w.at.target
	if w.at.isBare() {
		return p, nil
	}
	mod, err := w.readMod()
	if err != nil {
		return p, err
	}
	if w.at.isLocal() {
		p.Module = w.at.mod.Module.Mod.Path
		p.Version = zeroVersion(p.Module)
		p.GoMod = string(w.userMod())
	} else {
		m := moduleOf(mod, w.at.importPath)
		p.Module, p.Version = m.Path, m.Version
	}
	if w.at.isLocal() && len(w.local.foreign) == 0 {
		return p, nil
	}
	return p, w.requirements(&p, mod)
}

// readMod reads the go.mod of the scratch module, to which the go command has added what
// was missing.
func (w *scratch) readMod() (*modfile.File, error) {
	text, err := os.ReadFile(w.path("go.mod"))
	if err != nil {
		return nil, err
	}
	return modfile.Parse("go.mod", text, nil)
}

// userMod is the go.mod of a local module for the emitted one: without what counts in a main
// module only and, if the plugin needs nothing else, without requirements.
func (w *scratch) userMod() []byte {
	f := newMod(w.at.mod.Module.Mod.Path, w.core)
	if w.at.mod.Go != nil {
		_ = f.AddGoStmt(w.at.mod.Go.Version)
	}
	if len(w.runtime) > 0 {
		_ = f.AddRequire(ir.Module, "v0.0.0")
	}
	if len(w.local.foreign) > 0 {
		for _, r := range w.at.mod.Require {
			if r.Mod.Path != ir.Module {
				f.AddNewRequire(r.Mod.Path, r.Mod.Version, r.Indirect)
			}
		}
		f.SetRequireSeparateIndirect(f.Require)
	}
	f.Cleanup()
	return modfile.Format(f.Syntax)
}

// requirements notes the modules that the plugin needs, and the lines of go.sum for them
// and for what the go command reads on the way to them.
func (w *scratch) requirements(p *ir.Plugin, mod *modfile.File) error {
	var needs []module.Version
	for _, r := range mod.Require {
		if w.needs(r.Mod.Path) {
			needs = append(needs, r.Mod)
			p.Requires = append(p.Requires, r.Mod.Path+" "+r.Mod.Version)
		}
	}
	text, err := os.ReadFile(w.path("go.sum"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		version, isMod := strings.CutSuffix(f[1], "/go.mod")
		needed := slices.Contains(needs, module.Version{Path: f[0], Version: version})
		if line = strings.Join(f, " "); needed || isMod && (w.userSums[line] || !w.coreSums[line]) {
			p.Sums = append(p.Sums, line)
		}
	}
	slices.Sort(p.Sums)
	p.Sums = slices.Compact(p.Sums)
	return nil
}

// needs tells if the plugin needs a module that the scratch module requires.
func (w *scratch) needs(path string) bool {
	switch {
	case w.at.isLocal() && (path == ir.Module || path == w.at.mod.Module.Mod.Path):
		return false // rewritten, see userMod
	case w.at.mod != nil && versionOf(w.at.mod, path) != "":
		return true // maybe on another platform
	}
	return w.modules[path] || versionOf(w.core, path) == ""
}
