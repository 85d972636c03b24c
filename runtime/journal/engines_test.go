package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/errorhandler"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/journal"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/transport"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// A lockedBuffer is what several goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// await returns the log once it has n lines.
func (l *lockedBuffer) await(t *testing.T, n int) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		text := l.b.String()
		l.mu.Unlock()
		if strings.Count(text, "\n") >= n {
			return text
		}
	}
	t.Fatalf("no %d lines: %s", n, l.b.String())
	return ""
}

// A running gateway has a journal of clients and one of the upstream.
type running struct {
	addr string
	log  lockedBuffer
}

type engine struct {
	name      string
	server    func(gateway.Handler, gateway.ErrorHandler) runner
	transport func() (gateway.Handler, error)
}

type runner interface {
	Listen() error
	Addr() net.Addr
	Run(context.Context) error
}

var engines = []engine{
	{"wire", func(h gateway.Handler, e gateway.ErrorHandler) runner {
		return wire.NewServer(wire.ServerOptions{Listen: listen.Options{Addr: "127.0.0.1:0"}, Errors: e}, h)
	}, func() (gateway.Handler, error) { return wire.NewTransport(wire.TransportOptions{}) }},
	{"nethttp", func(h gateway.Handler, e gateway.ErrorHandler) runner {
		return server.New(server.Options{Listen: listen.Options{Addr: "127.0.0.1:0"}, Errors: e}, h)
	}, func() (gateway.Handler, error) { return transport.HTTP1(transport.HTTPOptions{}) }},
}

func start(t *testing.T, e engine, upstream string) *running {
	t.Helper()
	g := &running{}
	bodies := journal.Bodies{MIMEs: []string{"text/plain", "text/event-stream"}, MaxBytes: 64}
	m, err := journal.New(journal.Options{
		Lines: accesslog.Options{Logger: log.New(log.Options{Output: &g.log, NoLocation: true, NoDatetime: true})}, Request: bodies, Response: bodies,
	})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := e.transport()
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(proxy.Options{Transport: m(tr), Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: upstream}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := e.server(m(p), errorhandler.New(errorhandler.Options{}))
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	g.addr = s.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return g
}

// upstream echoes bodies as they come, sends events when it's told to, and switches protocols.
func upstream(t *testing.T, next chan struct{}) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				_ = rc.Flush()
				<-next
			}
		case "/upgrade":
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "echo")
			w.WriteHeader(101)
			c, rw, err := rc.Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.Copy(c, rw)
		default:
			_ = rc.EnableFullDuplex()
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			if r.ContentLength >= 0 {
				w.Header().Set("Content-Length", fmt.Sprint(r.ContentLength))
			}
			buf := make([]byte, 4096)
			for {
				n, err := r.Body.Read(buf)
				_, _ = w.Write(buf[:n])
				_ = rc.Flush()
				if err != nil {
					return
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Whatever is logged, bodies arrive as they were sent, on every engine.
func TestEngines(t *testing.T) {
	huge := strings.Repeat("0123456789abcdef", 1<<16)
	for _, e := range engines {
		for _, tt := range []struct {
			name, contentType, body string
			chunked                 bool
			want                    string
		}{
			{"short", "text/plain", "hello", false, "hello"},
			{"short, of unknown length", "text/plain", "hello", true, "hello"},
			{"long", "text/plain", huge, false, ""},
			{"long, of unknown length", "text/plain", huge, true, ""},
			{"another type", "image/png", huge, false, ""},
			{"another type, of unknown length", "image/png", huge, true, ""},
		} {
			t.Run(e.name+"/"+tt.name, func(t *testing.T) {
				g := start(t, e, upstream(t, nil))
				req, err := http.NewRequest("POST", "http://"+g.addr+"/echo", strings.NewReader(tt.body))
				if err != nil {
					t.Fatal(err)
				}
				if tt.chunked {
					req.ContentLength = -1
				}
				req.Header.Set("Content-Type", tt.contentType)
				resp, err := new(http.Client).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err != nil || string(got) != tt.body {
					t.Errorf("%d bytes of %d, %v", len(got), len(tt.body), err)
				}
				for text := range strings.Lines(g.log.await(t, 4)) {
					var l line
					if err := json.Unmarshal([]byte(text), &l); err != nil {
						t.Fatal(err)
					}
					if m := l.Request; m != nil && m.Body != tt.want {
						t.Errorf("logged %q", m.Body)
					}
					if m := l.Response; m != nil && (m.Body != tt.want || m.Status != 200) {
						t.Errorf("logged %d, %q", m.Status, m.Body)
					}
				}
			})
		}
	}
}

// An event is with the client before the next one is made.
func TestEvents(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			next := make(chan struct{})
			g := start(t, e, upstream(t, next))
			resp, err := http.Get("http://" + g.addr + "/events")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			in := bufio.NewReader(resp.Body)
			for i := range 3 {
				if text, err := in.ReadString('\n'); text != fmt.Sprintf("data: %d\n", i) {
					t.Errorf("%q, %v", text, err)
				}
				_, _ = in.ReadString('\n')
				next <- struct{}{}
			}
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
			if text := g.log.await(t, 4); strings.Count(text, `"body":"data: 0\n\ndata: 1\n\ndata: 2\n\n"`) != 2 {
				t.Error(text)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			g := start(t, e, upstream(t, nil))
			c, err := net.Dial("tcp", g.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			fmt.Fprintf(c, "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			in := bufio.NewReader(c)
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != 101 {
				t.Fatalf("%v, %v", resp, err)
			}
			fmt.Fprintf(c, "ping\n")
			if text, err := in.ReadString('\n'); text != "ping\n" {
				t.Errorf("%q, %v", text, err)
			}
			if text := g.log.await(t, 4); strings.Count(text, `"status":101`) != 2 {
				t.Error(text)
			}
		})
	}
}
