// Package torture has a gateway of all that holds on to requests meet clients and upstreams that
// keep to no rule. No byte of one exchange may get into another, none may get lost, and in
// the end nothing may be left of them.
package torture

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/toolchain"
	"github.com/aileron-gateway/aileronc/internal/replay"
)

//go:embed config.yaml
var config string

var (
	duration = flag.Duration("torture", 8*time.Second, "how long")
	clients  = flag.Int("clients", 32, "how many at a time")
	race     = flag.Bool("race-gateway", false, "build the gateway with the race detector")
	keep     = flag.String("log", "", "file for what the gateway prints")
)

func TestTorture(t *testing.T) {
	if testing.Short() {
		*duration = min(*duration, 2*time.Second)
	}
	ports := make(replay.Ports)
	text, err := ports.Rewrite(config)
	if err != nil {
		t.Fatal(err)
	}
	newBackend(t, ports["127.0.0.1:8081"])
	newBackend2(t, ports["127.0.0.1:8083"])
	g := start(t, text, ports)
	count := new(tally)
	g.torture(t, 0, count, *duration/4) // for all that is made once
	before := g.settled(t, usage{})
	g.torture(t, 1, count, *duration*3/4)
	after := g.settled(t, before)
	t.Logf("%d whole responses, %d refusals, %d cut, %d upgrades, %d abandoned", count.whole.Load(), count.refused.Load(),
		count.cut.Load(), count.upgraded.Load(), count.abandoned.Load())
	t.Logf("before %+v, after %+v", before, after)
	if after.heap > before.heap*3/2+(2<<20) {
		t.Errorf("the heap has grown from %d to %d bytes", before.heap, after.heap)
	}
	g.stop(t)
}

// torture lets clients loose on the gateway.
func (g *process) torture(t *testing.T, round int, count *tally, d time.Duration) {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: p}}
	defer client.CloseIdleConnections()
	end := time.Now().Add(d)
	var all sync.WaitGroup
	for i := range *clients {
		f := &fuzzer{t: t, addr: g.public, name: fmt.Sprintf("r%dc%d", round, i), tally: count}
		all.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				if i%4 == 3 {
					f.run2(client)
				} else {
					f.run()
				}
			}
		})
	}
	all.Wait()
}

// A process is a running gateway.
type process struct {
	cmd               *exec.Cmd
	public, operators string
	output            *os.File
	done              chan error
}

// start compiles, builds and runs the gateway of a config.
func start(t *testing.T, text string, ports replay.Ports) *process {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := compiler.Compile(compiler.Input{Files: []string{file}, Dir: dir, Freeze: &decode.Freezer{}, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Program == nil {
		var b bytes.Buffer
		diag.Text(&b, r.Findings, r.Sources, false)
		t.Fatal(b.String())
	}
	layout, err := toolchain.Module(aileronc.Source, r.Files, nil)
	if err != nil {
		t.Fatal(err)
	}
	src, binary := filepath.Join(dir, "src"), filepath.Join(dir, "gateway")
	if _, err := toolchain.Write(layout, src); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0")
	if *race {
		build.Args = append(build.Args[:2], append([]string{"-race"}, build.Args[2:]...)...)
		build.Env = append(build.Env, "CGO_ENABLED=1")
	}
	build.Dir = src
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	g := &process{cmd: exec.Command(binary), public: ports["127.0.0.1:8080"], operators: ports["127.0.0.1:8082"], done: make(chan error, 1)}
	if *keep == "" {
		*keep = filepath.Join(dir, "log")
	}
	if g.output, err = os.Create(*keep); err != nil {
		t.Fatal(err)
	}
	g.cmd.Stdout, g.cmd.Stderr, g.cmd.Dir = g.output, g.output, dir
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		g.done <- g.cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() { _ = g.cmd.Process.Kill(); <-ended; _ = g.output.Close() })
	for _, addr := range []string{g.public, g.operators} {
		if err := replay.WaitFor(addr, 10*time.Second, ended); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// A usage is what a gateway holds.
type usage struct{ goroutines, descriptors, heap int }

// settled waits until the gateway holds no more than before, or, if there is no before, until that
// no longer gets less.
func (g *process) settled(t *testing.T, before usage) usage {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	last, calm := usage{}, 0
	for {
		u := g.usage(t)
		if u.goroutines == last.goroutines && u.descriptors == last.descriptors {
			calm++
		} else {
			calm = 0
		}
		if last = u; before == (usage{}) && calm > 30 || before != (usage{}) && u.goroutines <= before.goroutines && u.descriptors <= before.descriptors {
			return u
		}
		if time.Now().After(deadline) {
			t.Errorf("before %+v, after %+v\n%s", before, u, g.profile(t, "goroutine?debug=1"))
			return u
		}
		time.Sleep(50 * time.Millisecond)
	}
}

var (
	total = regexp.MustCompile(`goroutine profile: total (\d+)`)
	inuse = regexp.MustCompile(`# HeapAlloc = (\d+)`)
)

func (g *process) usage(t *testing.T) usage {
	t.Helper()
	var u usage
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.cmd.Process.Pid))
	if err != nil {
		t.Skip("there is no /proc")
	}
	u.descriptors = len(fds)
	u.goroutines = number(t, total, g.profile(t, "goroutine?debug=1"))
	u.heap = number(t, inuse, g.profile(t, "heap?gc=1&debug=1"))
	return u
}

func number(t *testing.T, re *regexp.Regexp, text string) int {
	m := re.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %v in %q", re, text[max(0, len(text)-600):])
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// profile asks on a connection that it closes, to leave nothing behind.
func (g *process) profile(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}}
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.operators+"/debug/pprof/"+name, nil)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %d, %v", name, resp.StatusCode, err)
	}
	return string(b)
}

// stop ends the gateway, which must not complain.
func (g *process) stop(t *testing.T) {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-g.done:
		if err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the gateway doesn't end")
	}
	log, err := os.ReadFile(*keep)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		for _, bad := range []string{"DATA RACE", "panic", "fatal error", "E2132", "superfluous", "Unsolicited"} {
			if strings.Contains(line, bad) {
				t.Errorf("the gateway says: %.400s", line)
			}
		}
	}
}
