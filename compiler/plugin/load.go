package plugin

import (
	"errors"
	"fmt"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// load type-checks the package.
func (w *scratch) load() (*types.Package, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errors.New("there's no go command in the PATH, which is needed to look into a plugin")
	}
	if w.at.version != "" {
		if err := w.get(); err != nil {
			return nil, err
		}
	}
	pkgs, err := packages.Load(w.config(packages.NeedName|packages.NeedFiles|packages.NeedEmbedFiles|
		packages.NeedImports|packages.NeedTypes|packages.NeedSyntax|packages.NeedModule), w.at.importPath)
	if err != nil {
		return nil, err
	}
	if len(pkgs) != 1 {
		return nil, w.nothing()
	}
	p := pkgs[0]
	if e := firstError(p); e != nil {
		return nil, w.explain(*e)
	}
	if p.Name == "main" {
		return nil, fmt.Errorf("package %s is a main package, which can't be linked in; call it by another name", w.at.show)
	}
	return p.Types, w.reach()
}

// reach finds out which packages of the runtime the package needs, and which files it embeds.
func (w *scratch) reach() error {
	pkgs, err := packages.Load(w.config(packages.NeedName|packages.NeedImports|packages.NeedDeps|
		packages.NeedFiles|packages.NeedEmbedFiles|packages.NeedModule), w.at.importPath)
	if err != nil {
		return err
	}
	root := w.at.root
	if w.at.isBare() {
		root = w.bareDir()
	}
	w.modules = make(map[string]bool)
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if strings.HasPrefix(p.PkgPath, ir.Module+"/") && p.PkgPath != w.at.importPath {
			w.runtime = append(w.runtime, p.PkgPath)
		}
		if p.Module != nil {
			w.modules[p.Module.Path] = true
		}
		for _, file := range p.EmbedFiles {
			if rel, err := filepath.Rel(root, file); err == nil && w.at.isLocal() && filepath.IsLocal(rel) {
				w.embeds = append(w.embeds, filepath.ToSlash(rel))
			}
		}
	})
	slices.Sort(w.runtime)
	return nil
}

func (w *scratch) config(mode packages.LoadMode) *packages.Config {
	return &packages.Config{
		Mode: mode,
		Dir:  w.dir,
		Env:  w.env(),
		// The flags of the later build, so that what is compiled here is not compiled again.
		// Modules that are missing are not looked for: what is built must not depend on what
		// is the latest version today.
		BuildFlags: []string{"-mod=readonly", "-trimpath", "-buildvcs=false"},
	}
}

// env is the environment of the go command, as it is for the later build.
func (w *scratch) env() []string {
	var flags []string
	for f := range strings.FieldsSeq(os.Getenv("GOFLAGS")) {
		if !strings.HasPrefix(strings.TrimLeft(f, "-"), "mod") {
			flags = append(flags, f)
		}
	}
	return append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+strings.Join(flags, " "), "PWD="+w.dir)
}

// get adds the module of a package of a certain version to go.mod, and what it needs.
func (w *scratch) get() error {
	if err := w.command("get", w.at.importPath+"@"+w.at.version); err != nil {
		return fmt.Errorf("%s@%s can't be had: %w", w.at.show, w.at.version, err)
	}
	return nil
}

// command runs the go command. The error is the first line of what it complains of.
func (w *scratch) command(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = w.dir, w.env()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return errors.New(w.own(firstLine(stderr.String())))
	}
	return nil
}

// nothing explains why the go command finds no package at all: its modules can't be
// loaded, which is no error of the package for it.
func (w *scratch) nothing() error {
	err := w.command("list", "-mod=readonly", w.at.importPath)
	switch {
	case err == nil:
		return fmt.Errorf("there is no package %s", w.at.show)
	case strings.Contains(err.Error(), "updates to go.mod needed"):
		var have []string
		for _, r := range w.core.Require {
			have = append(have, r.Mod.Path+" "+r.Mod.Version)
		}
		return fmt.Errorf("the modules that %s requires don't go together with those of the runtime; require these in its go.mod, as far as it needs them, and run go mod tidy: %s", w.at.show, strings.Join(have, ", "))
	}
	return fmt.Errorf("package %s can't be built: %w", w.at.show, err)
}

// firstError is the error of p that says most: one of a package that it imports, which is
// why p itself is in error, or one with a position.
func firstError(p *packages.Package) *packages.Error {
	for _, name := range slices.Sorted(maps.Keys(p.Imports)) {
		if errs := p.Imports[name].Errors; len(errs) > 0 {
			return &errs[0]
		}
	}
	for i := range p.Errors {
		if p.Errors[i].Pos != "" {
			return &p.Errors[i]
		}
	}
	if len(p.Errors) > 0 {
		return &p.Errors[0]
	}
	return nil
}

var noModule = regexp.MustCompile(`(?:no required module provides|cannot find module providing) package ([^;:\s]+)`)

// explain makes a sentence of what the go command or the type checker reports.
func (w *scratch) explain(e packages.Error) error {
	// The go command puts what the Go compiler says behind a line with the package.
	if rest, ok := strings.CutPrefix(e.Msg, "# "); ok {
		_, e.Msg, _ = strings.Cut(rest, "\n")
		e.Pos = ""
	}
	msg := firstLine(strings.TrimPrefix(e.Msg, "-: "))
	if m := noModule.FindStringSubmatch(msg); m != nil {
		return fmt.Errorf("%s needs package %s, which no module in its go.mod provides", w.at.show, m[1])
	}
	if e.Pos != "" && e.Pos != "-" {
		msg = e.Pos + ": " + msg
	}
	return fmt.Errorf("package %s can't be built: %s", w.at.show, w.own(msg))
}

// own replaces folders of this machine by the name that the config has for the package.
func (w *scratch) own(text string) string {
	show := strings.TrimSuffix(w.at.show, "/")
	replace := func(folder, by string) {
		const separator = string(filepath.Separator)
		text = strings.ReplaceAll(text, folder+separator, by)
		if rel, err := filepath.Rel(w.dir, folder); err == nil {
			text = strings.ReplaceAll(text, rel+separator, by)
		}
	}
	switch {
	case w.at.isBare():
		replace(w.bareDir(), show+"/")
	case w.at.isLocal():
		replace(w.at.dir, show+"/")
		replace(w.at.root, "")
	}
	replace(w.dir, "")
	return text
}

func firstLine(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "go: "))
		if line != "" && !strings.HasPrefix(line, "downloading ") {
			return strings.TrimSuffix(line, ":")
		}
	}
	return "unknown error"
}
