package torture

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/toolchain"
	"github.com/aileron-gateway/aileronc/internal/replay"
)

//go:embed config.yaml
var config string

// A process is a running gateway.
type process struct {
	engine kinds.Engine
	ports  replay.Ports
	cmd    *exec.Cmd
	log    string // the file that it prints to
	output *os.File
	done   chan error

	quiet usage // when nothing is going on

	certificate tls.Certificate // of the gateway, and of the upstream that has one
	trusting    *tls.Config     // of clients
}

// The servers of the gateway, by their names in its config, and the upstreams.
const (
	public    = "127.0.0.1:8080"
	operators = "127.0.0.1:8082"
	bare      = "127.0.0.1:8084"
	secure    = "127.0.0.1:8086"
	guarded   = "127.0.0.1:8088"
	strict    = "127.0.0.1:8090"

	plainUpstream    = "127.0.0.1:8081"
	http2Upstream    = "127.0.0.1:8083"
	strictUpstream   = "127.0.0.1:8085"
	tlsUpstream      = "127.0.0.1:8087"
	unsteadyUpstream = "127.0.0.1:8089"
)

// start compiles, builds and runs the gateway.
func start(t *testing.T, engine kinds.Engine) *process {
	dir := t.TempDir()
	g := &process{engine: engine, ports: make(replay.Ports), done: make(chan error, 1), log: filepath.Join(dir, "log")}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(g.ports.Rewrite(t, config)), 0o644); err != nil {
		t.Fatal(err)
	}
	g.certify(t, dir)
	g.cmd = exec.Command(build(t, dir, file, engine))
	// Nobody reads where memory comes from, and to tell it takes a second once there has been much.
	g.cmd.Env = append(os.Environ(), "GODEBUG=memprofilerate=0")
	if *keep != "" {
		g.log = *keep + "." + string(engine)
	}
	var err error
	if g.output, err = os.Create(g.log); err != nil {
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
	for _, name := range []string{public, operators, bare, secure, guarded, strict} {
		if err := replay.WaitFor(g.ports[name], 10*time.Second, ended); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// build makes the binary of a config.
func build(t *testing.T, dir, file string, engine kinds.Engine) (binary string) {
	r, err := compiler.Compile(compiler.Input{Files: []string{file}, Dir: dir, Freeze: &decode.Freezer{}, Engine: engine, Version: "test"})
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
	return binary
}

// certify makes the certificate of 127.0.0.1, which vouches for itself.
func (g *process) certify(t *testing.T, dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	for name, b := range map[string][]byte{"server.crt": certPEM, "server.key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if g.certificate, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	g.trusting = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

// A usage is what a gateway holds.
type usage struct{ goroutines, descriptors, heap int }

// rest waits until nothing is going on, and nothing is left of what has been.
func (g *process) rest(t *testing.T) usage {
	t.Helper()
	u := g.settled(t, g.quiet)
	if g.quiet == (usage{}) {
		g.quiet = u
	}
	return u
}

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
		if last = u; before == (usage{}) && calm > 20 || before != (usage{}) && u.goroutines <= before.goroutines && u.descriptors <= before.descriptors {
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
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.ports[operators]+"/debug/pprof/"+name, nil)
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
		g.done <- err
	case <-time.After(20 * time.Second):
		t.Error("the gateway doesn't end")
	}
	log, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		for _, bad := range []string{"DATA RACE", "panic", "fatal error", "E2132", "superfluous"} {
			if strings.Contains(line, bad) {
				t.Errorf("the gateway says: %.400s", line)
			}
		}
	}
}
