package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/freeport"
)

// engines are those that a gateway can be built with, see aileronc build.
var engines = []string{"wire", "nethttp"}

// A gateway is a running one, and the addresses that its config names.
type gateway struct {
	addrs     map[string]string
	cert, key string // files
}

// The names of the addresses: of four servers, by how clients and upstreams are spoken to, and of the upstreams.
const (
	clearToClear   = "CLEAR_TO_CLEAR"
	clearToSecure  = "CLEAR_TO_SECURE"
	secureToClear  = "SECURE_TO_CLEAR"
	secureToSecure = "SECURE_TO_SECURE"
	clearUpstream  = "CLEAR_UPSTREAM"
	secureUpstream = "SECURE_UPSTREAM"
	refusing       = "REFUSING" // a server that has no upstream
	nobody         = "NOBODY"   // an upstream that isn't there
)

// start builds the gateway of config.yaml for engine and runs it until the test ends.
func start(t *testing.T, engine string) *gateway {
	t.Helper()
	g := &gateway{addrs: make(map[string]string)}
	g.certify(t)
	env := append(os.Environ(), "CERT="+g.cert, "KEY="+g.key)
	for _, name := range []string{clearToClear, clearToSecure, secureToClear, secureToSecure, refusing, clearUpstream, secureUpstream, nobody} {
		g.addrs[name] = freeport.Addr(t)
		env = append(env, name+"="+g.addrs[name])
	}
	run(t, exec.Command(build(t, "config.yaml", engine)), env,
		g.addrs[clearToClear], g.addrs[clearToSecure], g.addrs[secureToClear], g.addrs[secureToSecure], g.addrs[refusing])
	return g
}

// compiler builds aileronc, once.
var compiler = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aileronc")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "aileronc")
	cmd := exec.Command("go", "build", "-o", file, "./cmd/aileronc")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/aileronc: %w\n%s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(clientCase) != "" {
		runCase()
		return
	}
	code := m.Run()
	if file, err := compiler(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// build makes the binary of a config.
func build(t *testing.T, config, engine string) (binary string) {
	t.Helper()
	aileronc, err := compiler()
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(t.TempDir(), "gateway")
	cmd := exec.Command(aileronc, "build", "-f", filepath.Base(config), "--engine", engine, "-o", binary)
	cmd.Dir = filepath.Dir(config)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("aileronc build: %v\n%s", err, out)
	}
	return binary
}

// run starts a program, waits until it listens on addrs, and stops it when the test ends.
func run(t *testing.T, cmd *exec.Cmd, env []string, addrs ...string) {
	t.Helper()
	var output strings.Builder
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if text := output.String(); t.Failed() || strings.Contains(text, "panic") {
			t.Errorf("what %s printed:\n%.20000s", filepath.Base(cmd.Path), text)
		}
	})
	for _, addr := range addrs {
		waitFor(t, addr, ended)
	}
}

// waitFor waits until something listens on addr.
func waitFor(t *testing.T, addr string, ended <-chan struct{}) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens on %s: %v", addr, err)
		}
		select {
		case <-ended:
			t.Fatal("the program has ended")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// certify makes a certificate of 127.0.0.1, which vouches for itself.
func (g *gateway) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"},
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
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	g.cert, g.key = write("server.crt", "CERTIFICATE", der), write("server.key", "PRIVATE KEY", keyDER)
}
