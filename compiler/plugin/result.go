package plugin

import (
	"go/types"
	"os"
	"path"
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
	if w.at.isBare() {
		p.Target = strings.TrimPrefix(w.at.importPath, "gateway/")
		return p, nil
	}
	mod, err := w.readMod()
	if err != nil {
		return p, err
	}
	if w.at.isLocal() {
		p.Module = w.at.mod.Module.Mod.Path
		p.Version = zeroVersion(p.Module)
		p.Target = path.Join(thirdParty, p.Module)
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
		local := w.at.isLocal() && r.Mod.Path == p.Module
		if !local && r.Mod != (module.Version{Path: ir.Module, Version: "v0.0.0"}) {
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
		if len(f) == 3 && (strings.HasSuffix(f[1], "/go.mod") || slices.Contains(needs, module.Version{Path: f[0], Version: f[1]})) {
			p.Sums = append(p.Sums, strings.Join(f, " "))
		}
	}
	slices.Sort(p.Sums)
	p.Sums = slices.Compact(p.Sums)
	return nil
}
