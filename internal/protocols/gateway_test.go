// Package protocols holds what gateways do between clients and upstreams of different protocols. Each test runs against
// a gateway of each engine.
package protocols

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// The servers and the upstreams, by their addresses in the config.
const (
	clearServer  = "127.0.0.1:8080"
	secureServer = "127.0.0.1:8443"
	hastyClear   = "127.0.0.1:8081"
	hastySecure  = "127.0.0.1:8444"
)

// patience bounds what would otherwise hang.
const patience = 20 * time.Second

// A gateway is a running one.
type gateway struct {
	ports       replay.Ports
	certificate tls.Certificate // of the gateway and of the upstreams
	roots       *x509.CertPool
}

// TestGateways runs all tests against a gateway of each engine.
func TestGateways(t *testing.T) {
	for _, engine := range kinds.Engines {
		t.Run(string(engine), func(t *testing.T) {
			g := start(t, engine)
			g.serveUpstreams(t)
			t.Run("matrix", g.testMatrix)
			t.Run("events", g.testEvents)
			t.Run("websocket", g.testWebSocket)
			t.Run("connect", g.testConnect)
		})
	}
}

// start compiles, builds and runs the gateway until the test ends.
func start(t *testing.T, engine kinds.Engine) *gateway {
	dir := t.TempDir()
	g := &gateway{ports: make(replay.Ports)}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(g.ports.Rewrite(t, config)), 0o644); err != nil {
		t.Fatal(err)
	}
	g.certify(t, dir)
	var output bytes.Buffer
	cmd := exec.Command(build(t, dir, file, engine))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var exit error
	go func() {
		exit = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the gateway doesn't end")
			_ = cmd.Process.Kill()
			<-ended
		}
		if log := output.String(); exit != nil || t.Failed() || strings.Contains(log, "panic") || strings.Contains(log, "E2132") {
			t.Errorf("the gateway ended with %v and printed\n%.10000s", exit, log)
		}
	})
	for _, name := range []string{clearServer, secureServer, hastyClear, hastySecure} {
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
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0")
	cmd.Dir = src
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// certify makes the certificate of 127.0.0.1, which vouches for itself.
func (g *gateway) certify(t *testing.T, dir string) {
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
	g.roots = x509.NewCertPool()
	g.roots.AppendCertsFromPEM(certPEM)
}

// receive returns what comes from c, and fails the test if nothing does.
func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("what is waited for never came")
	}
	return v
}
