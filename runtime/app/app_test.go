package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/google/go-cmp/cmp"
)

// A journal notes what happens, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// A part is a runner, initializer or finalizer that notes its calls.
type part struct {
	*journal
	name   string
	listen error
	init   error
	run    func(ctx context.Context) error
	final  error
}

func (p *part) Listen() error     { p.note("listen %s", p.name); return p.listen }
func (p *part) Close() error      { p.note("close %s", p.name); return nil }
func (p *part) Initialize() error { p.note("init %s", p.name); return p.init }
func (p *part) Finalize() error   { p.note("final %s", p.name); return p.final }
func (p *part) Run(ctx context.Context) error {
	err := p.run(ctx)
	p.note("end %s", p.name)
	return err
}

func (p *part) Enabled(gateway.Level) bool { return true }
func (p *part) WriteLine([]byte)           {}
func (p *part) Log(_ *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	p.note("log %d %s", level, msg)
	for _, a := range attrs[0].Members() {
		p.note("  %s %s=%s", attrs[0].Key, a.Key, a.Text())
	}
}

func untilDone(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// call runs a command with a program, and returns the exit code and the outputs.
func call(p Program, signals <-chan os.Signal, args ...string) (code int, out, err string) {
	var o, e strings.Builder
	c := &command{program: &p, name: "gw", out: &o, err: &e, vars: func() *env.Env { return env.New([]string{"PORT=80"}) }}
	code = c.run(args, signals)
	return code, o.String(), e.String()
}

func TestFlags(t *testing.T) {
	p := Program{
		Version: "v1.2.3", Digest: "abc", Config: "kind: Entrypoint\n", Resources: []string{"core/v1/HTTPServer/default/a"},
		Env: []Variable{{"HOST", "a.yaml:1:2", true}, {"PORT", "a.yaml:3:4", false}}, Embedded: []string{"site/a b.txt"},
		Wire: func(*env.Env) (*Gateway, error) { return nil, errors.New("nothing may be wired") },
	}
	for _, tt := range []struct {
		args string
		code int
		out  string
		err  string
	}{
		{"--version --info", 0, "gw, compiled by aileronc v1.2.3\n", ""},
		{"-config", 0, "kind: Entrypoint\n", ""},
		{"-h", 0, fmt.Sprintf(usage, "gw"), ""},
		{"--check --help", 0, fmt.Sprintf(usage, "gw"), ""},
		{"--frob", 2, "", "gw: flag provided but not defined: -frob\n" + fmt.Sprintf(usage, "gw")},
		{"--env", 2, "", "gw: flag needs an argument: -env\n" + fmt.Sprintf(usage, "gw")},
		{"serve", 2, "", "gw: unexpected argument \"serve\"\n" + fmt.Sprintf(usage, "gw")},
		{"--env /gone/x.env", 2, "", "gw: reading environment variables: open /gone/x.env: no such file or directory\n"},
		{"", 2, "", "gw: nothing may be wired\n"},
		{"--check", 2, "", "gw: nothing may be wired\n"},
	} {
		code, out, err := call(p, nil, strings.Fields(tt.args)...)
		if d := cmp.Diff([]any{tt.code, tt.out, tt.err}, []any{code, out, err}); d != "" {
			t.Errorf("%q: %s", tt.args, d)
		}
	}
	code, out, _ := call(p, nil, "--info")
	for _, want := range []string{"compiler\taileronc v1.2.3\n", "config\tabc\n", "resource\tcore/v1/HTTPServer/default/a\n", "embedded\tsite/a b.txt\n", "variable\tHOST\ta.yaml:1:2\trequired\n", "variable\tPORT\ta.yaml:3:4\n", "\ngo\tgo1."} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("--info lacks %q:\n%s", want, out)
		}
	}
}

func TestEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.env")
	if err := os.WriteFile(file, []byte("PORT=81\nB=${PORT}x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got string
	p := Program{Wire: func(vars *env.Env) (*Gateway, error) {
		got = vars.String("a:1:1", "${PORT} ${B}")
		return &Gateway{}, nil
	}}
	if code, out, err := call(p, nil, "--check"); code != 0 || out != "ok\n" || err != "" || got != "80 " {
		t.Error(code, out, err, got)
	}
	if code, _, err := call(p, nil, "--env", file, "--env="+file); code != 0 || err != "" || got != "81 81x" {
		t.Error(code, err, got)
	}
	p.Wire = func(vars *env.Env) (*Gateway, error) {
		vars.String("a.yaml:1:1", "${HOST:?}")
		vars.Int("a.yaml:2:1", "${PORT}", 1, 0, 9)
		return nil, errors.New("a consequence")
	}
	p.Env = []Variable{{"HOST", "a.yaml:1:1", true}, {"PORT", "a.yaml:2:1", true}, {"KEY", "a.yaml:9:1", true}, {"OPTION", "a.yaml:9:2", false}}
	want := "gw: a.yaml:1:1: HOST is not set, or empty\ngw: a.yaml:2:1: ${PORT} is \"80\"; it must be from 0 to 9\ngw: a.yaml:9:1: KEY is not set\n"
	if code, _, err := call(p, nil); code != 2 || err != want {
		t.Errorf("%d, got %q", code, err)
	}
}

func TestLife(t *testing.T) {
	boom := errors.New("boom")
	for _, tt := range []struct {
		name  string
		make  func(j *journal) *Gateway
		code  int
		want  string
		err   string
		waits bool // for a signal
	}{{
		name: "no runners",
		make: func(j *journal) *Gateway {
			p := &part{journal: j, name: "a", init: boom}
			return &Gateway{Initializers: []Initializer{p}, Finalizers: []Finalizer{p}}
		},
	}, {
		name: "one ends well, the others are told to",
		make: func(j *journal) *Gateway {
			a := &part{journal: j, name: "a", run: func(context.Context) error { return nil }}
			b := &part{journal: j, name: "b", run: untilDone}
			return &Gateway{Logger: a, Runners: []Runner{b, a}, Initializers: []Initializer{a, b}, Finalizers: []Finalizer{a, b}}
		},
		want: "listen b\nlisten a\ninit a\ninit b\nend a\nend b\nfinal b\nfinal a",
	}, {
		name: "one fails",
		make: func(j *journal) *Gateway {
			a := &part{journal: j, name: "a", run: func(context.Context) error { return boom }}
			b := &part{journal: j, name: "b", run: untilDone}
			return &Gateway{Logger: a, Runners: []Runner{b, a}, Finalizers: []Finalizer{b}}
		},
		code: 1,
		want: "listen b\nlisten a\nend a\nlog 3 error returned from runner\n  error code=E2060\n  error kind=CoreEntrypointRun\n" +
			"  error msg=E2060.CoreEntrypointRun error returned from runner [boom]\n  error stack=\nend b\nfinal b",
	}, {
		name: "no logger",
		make: func(j *journal) *Gateway {
			return &Gateway{Runners: []Runner{&part{journal: j, name: "a", run: func(context.Context) error { return boom }}}}
		},
		code: 1, want: "listen a\nend a", err: "gw: error returned from runner: boom\n",
	}, {
		name: "an address is taken",
		make: func(j *journal) *Gateway {
			a, b := &part{journal: j, name: "a"}, &part{journal: j, name: "b", listen: boom}
			return &Gateway{Runners: []Runner{a, b, a}, Initializers: []Initializer{a}, Finalizers: []Finalizer{a, b}}
		},
		code: 2, want: "listen a\nlisten b\nclose a\nfinal b\nfinal a", err: "gw: boom\n",
	}, {
		name: "initialization fails",
		make: func(j *journal) *Gateway {
			a, b := &part{journal: j, name: "a", init: boom}, &part{journal: j, name: "b"}
			return &Gateway{Runners: []Runner{a}, Initializers: []Initializer{a, b}, Finalizers: []Finalizer{a, b}}
		},
		code: 2, want: "listen a\ninit a\nclose a\nfinal b\nfinal a", err: "gw: initialization failed: boom\n",
	}, {
		name: "finalizers fail, the others run",
		make: func(j *journal) *Gateway {
			a, b := &part{journal: j, name: "a", final: boom}, &part{journal: j, name: "b", final: boom}
			a.run = func(context.Context) error { return nil }
			return &Gateway{Runners: []Runner{a}, Finalizers: []Finalizer{a, b}}
		},
		code: 1, want: "listen a\nend a\nfinal b\nfinal a", err: "gw: error returned from finalizer: boom\ngw: error returned from finalizer: boom\n",
	}, {
		name: "one doesn't end in time",
		make: func(j *journal) *Gateway {
			a := &part{journal: j, name: "a", run: func(context.Context) error { return nil }}
			b := &part{journal: j, name: "b", run: func(context.Context) error { select {} }}
			return &Gateway{Runners: []Runner{a, b}, Finalizers: []Finalizer{a}, StopTimeout: time.Nanosecond}
		},
		code: 1, want: "listen a\nlisten b\nend a\nfinal a", err: "gw: runners didn't end: 1 are still running after 1ns\n",
	}, {
		name: "a signal",
		make: func(j *journal) *Gateway {
			a, b := &part{journal: j, name: "a", run: untilDone}, &part{journal: j, name: "b"}
			b.run = func(ctx context.Context) error { <-ctx.Done(); return nil }
			return &Gateway{Logger: a, Runners: []Runner{a}, Finalizers: []Finalizer{b}}
		},
		waits: true,
		want:  "listen a\nend a\nfinal b",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			j := &journal{}
			signals := make(chan os.Signal, 1)
			if tt.waits {
				signals <- syscall.SIGTERM
			}
			code, _, err := call(Program{Wire: func(*env.Env) (*Gateway, error) { return tt.make(j), nil }}, signals)
			if d := cmp.Diff([]any{tt.code, tt.want, tt.err}, []any{code, j.String(), err}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSecondSignal(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	signals := make(chan os.Signal, 2)
	p := Program{Wire: func(*env.Env) (*Gateway, error) {
		return &Gateway{Runners: []Runner{&part{journal: &journal{}, run: func(ctx context.Context) error {
			<-ctx.Done() // after the first signal
			signals <- os.Interrupt
			<-release
			return nil
		}}}}, nil
	}}
	signals <- os.Interrupt
	if code, _, err := call(p, signals); code != 1 || err != "gw: stopped at once by a second signal\n" {
		t.Errorf("got %d, %q", code, err)
	}
}
