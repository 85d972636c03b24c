package toolchain

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// plugins copies the packages of the user, and notes what they reach of the runtime.
func (r *reach) plugins(list []ir.Plugin) error {
	for _, p := range list {
		// A package in the tree of our own module is none of the runtime.
		r.queue = slices.DeleteFunc(r.queue, func(q string) bool { return q == p.ImportPath })
		for _, q := range p.Runtime {
			if !r.seen[q] {
				r.seen[q] = true
				r.queue = append(r.queue, q)
			}
		}
		if err := r.copyPlugin(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *reach) copyPlugin(p ir.Plugin) error {
	for _, name := range p.Files {
		content, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		target := path.Join(p.Target, name)
		if have, ok := r.files[target]; ok && !bytes.Equal(have, content) {
			return fmt.Errorf("two plugins have a file %s; keep them below the working folder", target)
		}
		r.files[target] = content
	}
	// Of several packages of a module, the one that needs most decides.
	if mod := path.Join(p.Target, "go.mod"); p.GoMod != "" && len(r.files[mod]) < len(p.GoMod) {
		r.files[mod] = []byte(p.GoMod)
	}
	return nil
}

// addPlugins adds the modules of plugins, and those that they need, to the main go.mod.
// The versions of the runtime's modules are the ones that it was tested with.
func addPlugins(main *modfile.File, plugins []ir.Plugin) error {
	core := make(map[string]string)
	for _, r := range main.Require {
		core[r.Mod.Path] = r.Mod.Version
	}
	delete(core, ir.Module)
	versions := make(map[string]string)
	for _, p := range plugins {
		for _, need := range p.Requires {
			mod, version, _ := strings.Cut(need, " ")
			if have := core[mod]; have != "" && semver.Compare(version, have) > 0 {
				return fmt.Errorf("the plugin %s needs %s %s, and this version of the runtime goes with %s", p.ImportPath, mod, version, have)
			}
			if semver.Compare(version, versions[mod]) > 0 {
				versions[mod] = version
			}
		}
	}
	for _, p := range plugins {
		if p.Module == "" {
			continue
		}
		if v := versions[p.Module]; v != "" {
			p.Version = v
		}
		versions[p.Module] = p.Version
		core[p.Module] = p.Version
		if err := main.AddRequire(p.Module, p.Version); err != nil {
			return err
		}
		if p.Target == "" {
			continue
		}
		if err := main.AddReplace(p.Module, "", "./"+p.Target, ""); err != nil {
			return err
		}
	}
	if v := versions[ir.Module]; v != "" {
		core[ir.Module] = v
		if err := main.AddRequire(ir.Module, v); err != nil {
			return err
		}
	}
	for _, mod := range slices.Sorted(maps.Keys(versions)) {
		if core[mod] == "" {
			main.AddNewRequire(mod, versions[mod], true)
		}
	}
	return nil
}

// pluginSums adds the lines of go.sum that plugins need.
func (r *reach) pluginSums(plugins []ir.Plugin) {
	lines := strings.Split(strings.TrimSpace(string(r.files["go.sum"])), "\n")
	for _, p := range plugins {
		lines = append(lines, p.Sums...)
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	slices.SortFunc(lines, compareSums)
	if lines = slices.Compact(lines); len(lines) > 0 {
		r.files["go.sum"] = []byte(strings.Join(lines, "\n") + "\n")
	}
}
