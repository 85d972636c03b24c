package plugin

import (
	"errors"
	"fmt"
	"go/types"
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
		return nil, fmt.Errorf("there is no package %s", w.at.show)
	}
	p := pkgs[0]
	for _, e := range p.Errors { println(int(e.Kind), "|", e.Pos, "|", e.Msg) }
	for _, e := range p.Errors {
		return nil, w.explain(e)
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
		BuildFlags: []string{"-mod=mod", "-trimpath", "-buildvcs=false"},
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

// get adds the module of a package of a certain version.
func (w *scratch) get() error {
	cmd := exec.Command("go", "get", w.at.importPath+"@"+w.at.version)
	cmd.Dir, cmd.Env = w.dir, w.env()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s@%s can't be fetched: %s", w.at.show, w.at.version, firstLine(string(out)))
	}
	return nil
}

var noModule = regexp.MustCompile(`no required module provides package ([^;:\s]+)`)

// explain makes a sentence of what the go command or the type checker reports first.
func (w *scratch) explain(e packages.Error) error {
	msg := firstLine(strings.TrimPrefix(e.Msg, "-: "))
	if m := noModule.FindStringSubmatch(msg); m != nil {
		return fmt.Errorf("%s needs package %s, which no module in its go.mod provides", w.at.show, m[1])
	}
	pos := e.Pos
	if pos == "" || pos == "-" {
		return fmt.Errorf("package %s can't be linked in: %s", w.at.show, w.own(msg))
	}
	return fmt.Errorf("package %s does not compile: %s: %s", w.at.show, w.own(pos), w.own(msg))
}

// own replaces folders of this machine by the name that the config has for the package.
func (w *scratch) own(text string) string {
	if w.at.isBare() {
		text = strings.ReplaceAll(text, w.bareDir(), strings.TrimSuffix(w.at.show, "/"))
	}
	if w.at.isLocal() {
		text = strings.ReplaceAll(text, w.at.dir, strings.TrimSuffix(w.at.show, "/"))
		text = strings.ReplaceAll(text, w.at.root+string(filepath.Separator), "")
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
