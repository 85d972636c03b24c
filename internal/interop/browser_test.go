package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/aileron-gateway/aileronc/internal/freeport"
)

// TestBrowser opens the page of examples/websocket in Chromium, in the clear and by HTTP/2 over TLS. The page talks to its upstream over a
// WebSocket and by events.
func TestBrowser(t *testing.T) {
	chromium := findChromium(t)
	for _, engine := range engines {
		for _, scheme := range []string{"http", "https"} {
			t.Run(engine+" "+scheme, func(t *testing.T) {
				b := browse(t, chromium, scheme+"://"+startExample(t, engine, scheme == "https"))
				b.until(t, "document.getElementById('answer').textContent", "HELLO")
				b.until(t, "document.getElementById('event').textContent", "event 3")
				if scheme == "https" {
					b.until(t, "performance.getEntriesByType('navigation')[0].nextHopProtocol", "h2")
				}
			})
		}
	}
}

func findChromium(t *testing.T) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no chromium")
	}
	return chromium
}

// TestBrowserLogin logs in at the provider of examples/oauth-login, and comes to where the browser was going to.
func TestBrowserLogin(t *testing.T) {
	chromium := findChromium(t)
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			addr := runExample(t, "oauth-login", engine, func(config string) string { return config })
			b := browse(t, chromium, "http://"+addr+"/?from=here")
			b.until(t, "document.title + ', ' + document.readyState", "Log in, complete")
			b.evaluate(t, "document.forms[0].name.value = 'alice'; document.forms[0].password.value = 'wonderland'; document.forms[0].submit(); ''")
			b.until(t, "document.title + ', ' + document.readyState", "Welcome, complete")
			b.until(t, "location.host + location.pathname + location.search", addr+"/?from=here")
			b.evaluate(t, "document.querySelector('#welcome a').click(); ''")
			b.until(t, "location.pathname", "/me")
			b.until(t, "JSON.parse(document.body.textContent).sub", "alice")
		})
	}
}

// startExample runs a copy of examples/websocket, with or without TLS, and returns the address.
func startExample(t *testing.T, engine string, secure bool) (addr string) {
	t.Helper()
	return runExample(t, "websocket", engine, func(config string) string {
		if secure {
			g := &gateway{}
			g.certify(t)
			config = strings.Replace(config, "    writeTimeout: 0\n", fmt.Sprintf(
				"    writeTimeout: 0\n    listenConfig: {tlsConfig: {certKeyPairs: [{certFile: %q, keyFile: %q}]}}\n  http2Config: {}\n", g.cert, g.key), 1)
		}
		return config
	})
}

// runExample runs a copy of an example, whose config it changes, and returns the address.
func runExample(t *testing.T, name, engine string, change func(config string) string) (addr string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", name))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	addr, upstream := freeport.Addr(t), freeport.Addr(t)
	config := change(strings.NewReplacer("127.0.0.1:8080", addr, "127.0.0.1:8081", upstream).Replace(string(b)))
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(build(t, file, engine))
	cmd.Dir = dir
	run(t, cmd, os.Environ(), addr, upstream)
	return addr
}

// A browser is one page of Chromium.
type browser struct {
	conn *websocket.Conn
	ctx  context.Context
	id   int
}

// profile returns a folder that is removed when the test ends. Chromium has processes that still write there when its first one
// has ended already.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for deadline := time.Now().Add(20 * time.Second); os.RemoveAll(dir) != nil && time.Now().Before(deadline); {
			time.Sleep(50 * time.Millisecond)
		}
	})
	return dir
}

var devTools = regexp.MustCompile(`DevTools listening on ws://([^/]+)/`)

// browse opens url in a Chromium of its own until the test ends.
func browse(t *testing.T, chromium, url string) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--no-proxy-server", "--ignore-certificate-errors",
		"--remote-debugging-port=0", "--user-data-dir="+profile(t), url)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(stderr)
	var printed strings.Builder
	for lines.Scan() {
		printed.WriteString(lines.Text() + "\n")
		if m := devTools.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return &browser{conn: debug(ctx, t, m[1]), ctx: ctx}
		}
	}
	t.Fatalf("chromium has no DevTools:\n%s", printed.String())
	return nil
}

// debug connects to the first page.
func debug(ctx context.Context, t *testing.T, addr string) *websocket.Conn {
	t.Helper()
	for {
		if url := pageURL(ctx, addr); url != "" {
			conn, _, err := websocket.Dial(ctx, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetReadLimit(1 << 20)
			t.Cleanup(func() { _ = conn.CloseNow() })
			return conn
		}
		select {
		case <-ctx.Done():
			t.Fatal("chromium has no page")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func pageURL(ctx context.Context, addr string) string {
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/json/list", nil)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	var targets []struct{ Type, WebSocketDebuggerURL string }
	_ = json.NewDecoder(resp.Body).Decode(&targets)
	for _, target := range targets {
		if target.Type == "page" {
			return target.WebSocketDebuggerURL
		}
	}
	return ""
}

// until waits until an expression of JavaScript has a value.
func (b *browser) until(t *testing.T, expression, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(time.Minute); got != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %q, not %q", expression, got, want)
		}
		time.Sleep(50 * time.Millisecond)
		got = b.evaluate(t, expression)
	}
}

func (b *browser) evaluate(t *testing.T, expression string) string {
	t.Helper()
	b.id++
	err := wsjson.Write(b.ctx, b.conn, map[string]any{"id": b.id, "method": "Runtime.evaluate", "params": map[string]any{"expression": expression, "returnByValue": true}})
	for err == nil {
		var m struct {
			ID     int
			Result struct{ Result struct{ Value any } }
		}
		if err = wsjson.Read(b.ctx, b.conn, &m); err == nil && m.ID == b.id {
			value, _ := m.Result.Result.Value.(string)
			return value
		}
	}
	t.Fatal(err)
	return ""
}
