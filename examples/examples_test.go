package examples

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/emit"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/toolchain"
	"github.com/aileron-gateway/aileronc/internal/replay"
)

// An example is a copy of an example's folder whose addresses are free ones, for one engine.
type example struct {
	name, dir string
	engine    kinds.Engine
	script    []*replay.Entry
	ports     replay.Ports
}

// pkg is the package of the example, and what its binary is called.
func (e *example) pkg() string {
	if e.engine == kinds.Engines[0] {
		return e.name
	}
	return e.name + otherEngine + string(e.engine)
}

// otherEngine stands in the names of packages that are not for the default engine.
const otherEngine = "_on_"

func TestExamples(t *testing.T) {
	configs, err := filepath.Glob("*/config.yaml")
	if err != nil || len(configs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	root := t.TempDir()
	var all []*example
	var files []emit.File
	var plugins []ir.Plugin
	for _, engine := range kinds.Engines {
		for _, c := range configs {
			e := prepare(t, root, filepath.Dir(c), engine)
			emitted, ps := e.compile(t)
			for _, f := range emitted {
				files = append(files, emit.File{Name: e.pkg() + "/" + f.Name, Content: f.Content})
			}
			if engine == kinds.Engines[0] {
				plugins = append(plugins, ps...)
			}
			all = append(all, e)
		}
	}
	if t.Failed() {
		return
	}
	t.Run("packages", func(t *testing.T) { comparePackages(t, build(t, root, files, plugins)) })
	if t.Failed() {
		return
	}
	for _, e := range all {
		t.Run(e.pkg(), func(t *testing.T) { e.run(t, filepath.Join(root, "bin", e.pkg())) })
	}
}

// prepare copies the folder of an example and gives it addresses of its own.
func prepare(t *testing.T, root, name string, engine kinds.Engine) *example {
	t.Helper()
	e := &example{name: name, engine: engine, ports: make(replay.Ports)}
	e.dir = filepath.Join(root, "work", e.pkg())
	if err := os.CopyFS(e.dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"config.yaml", "requests.http"} {
		path := filepath.Join(e.dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rewritten := e.ports.Rewrite(t, string(text))
		if err := os.WriteFile(path, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
		if file == "requests.http" {
			if e.script, err = replay.Parse(rewritten); err != nil {
				t.Fatalf("%s/%s: %v", name, file, err)
			}
		}
	}
	if len(e.script) == 0 {
		t.Errorf("%s/requests.http has no requests", name)
	}
	if _, err := fs.Stat(os.DirFS(name), "README.md"); err != nil {
		t.Errorf("%s has no README.md", name)
	}
	return e
}

func (e *example) compile(t *testing.T) ([]emit.File, []ir.Plugin) {
	t.Helper()
	r, err := compiler.Compile(compiler.Input{
		Files: []string{filepath.Join(e.dir, "config.yaml")}, Dir: e.dir, Freeze: &decode.Freezer{}, Engine: e.engine, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Findings.Findings()); n > 0 {
		var b bytes.Buffer
		diag.Text(&b, r.Findings, r.Sources, false)
		t.Errorf("%s has findings:\n%s", e.pkg(), b.String())
	}
	if r.Program == nil {
		return nil, nil
	}
	return r.Files, r.Program.Plugins
}

// build builds all examples, for each engine, as packages of one module, with one command. It returns what
// the linker tells of each.
func build(t *testing.T, root string, files []emit.File, plugins []ir.Plugin) map[string]*linked {
	t.Helper()
	layout, err := toolchain.Module(aileronc.Source, files, plugins)
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(root, "src")
	if _, err := toolchain.Write(layout, src); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -dumpdep", "-o", filepath.Join(root, "bin")+"/", "./...")
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	binaries, others, err := readLinked(pipe)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("go build: %v\n%s", err, others)
	}
	return binaries
}

// run starts the gateway, replays the script, and stops the gateway, which must end well.
func (e *example) run(t *testing.T, binary string) {
	var output bytes.Buffer
	cmd := exec.Command(binary)
	cmd.Dir = e.dir
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var exit error
	go func() {
		exit = cmd.Wait()
		close(done)
	}()
	for _, entry := range e.script {
		if err := waitFor(entry, done); err != nil {
			t.Error(err)
		}
	}
	for _, entry := range e.script {
		for _, err := range entry.Do() {
			t.Errorf("requests.http:%d: %s: %v", entry.Line, entry.Title, err)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(40 * time.Second):
		_ = cmd.Process.Kill()
		<-done
		t.Error("the gateway doesn't end on SIGTERM")
	}
	if exit != nil {
		t.Errorf("the gateway ended with %v", exit)
	}
	if t.Failed() {
		t.Logf("what the gateway printed:\n%s", output.String())
	}
}

// waitFor waits until something listens where a request goes to.
func waitFor(e *replay.Entry, done <-chan struct{}) error {
	u, err := url.Parse(e.URL)
	if err != nil {
		return err
	}
	if e.Proto == "HTTP/3" {
		return replay.WaitForQUIC(u.Host, 10*time.Second, done)
	}
	return replay.WaitFor(u.Host, 10*time.Second, done)
}
