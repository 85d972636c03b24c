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
	if err := w.settle(); err != nil {
		return nil, err
	}
	pkgs, err := packages.Load(w.config(packages.NeedName|packages.NeedFiles|packages.NeedEmbedFiles|
		packages.NeedImports|packages.NeedTypes|packages.NeedSyntax|packages.NeedModule), w.at.importPath)
	if err != nil {
		return nil, err
	}
	if len(pkgs) != 1 {
		return nil, fmt.Errorf("there is no package %s", w.at.show)
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
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if strings.HasPrefix(p.PkgPath, ir.Module+"/") {
			w.runtime = append(w.runtime, p.PkgPath)
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
		// Nothing is added to go.mod that settle has not put there.
		BuildFlags: []string{"-mod=readonly", "-trimpath", "-buildvcs=false"},
	}
}

// env is the environment of the go command, as it is for the later build.
func (w *scratch) env() []string {
	var flags []string
	for _, f := range strings.Fields(os.Getenv("GOFLAGS")) {
		if !strings.HasPrefix(strings.TrimLeft(f, "-"), "mod") {
			flags = append(flags, f)
		}
	}
	return append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+strings.Join(flags, " "), "PWD="+w.dir)
}

// settle makes the go.mod consistent: the versions that the runtime and the plugin's
// go.mod ask for may ask for other ones in turn. Packages that no module provides are not
// looked for: what is built must not depend on what is the latest version today.
func (w *scratch) settle() error {
	args := []string{"get", w.at.importPath + "@" + w.at.version}
	if w.at.version == "" { return nil }
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = w.dir, w.env()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		name := w.at.show
		if w.at.version != "" {
			name += "@" + w.at.version
		}
		return fmt.Errorf("the modules of %s can't be had: %s", name, w.own(firstLine(stderr.String())))
	}
	return nil
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

var noModule = regexp.MustCompile(`no required module provides package ([^;:\s]+)`)

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
		text = strings.ReplaceAll(text, folder, by)
		if rel, err := filepath.Rel(w.dir, folder); err == nil {
			text = strings.ReplaceAll(text, rel, by)
		}
	}
	switch {
	case w.at.isBare():
		replace(w.bareDir(), show)
	case w.at.isLocal():
		replace(w.at.dir+string(filepath.Separator), show+"/")
		replace(w.at.root+string(filepath.Separator), "")
	}
	return strings.ReplaceAll(text, w.dir+string(filepath.Separator), "")
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
