package adapter_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// collect is an error handler that keeps the errors.
type collect struct{ errs chan error }

func (c collect) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status = gateway.StatusOf(err)
	c.errs <- err
}

// start runs a server until the test ends, and returns its address.
func start(t *testing.T, h gateway.Handler) (addr string, errs chan error) {
	t.Helper()
	errs = make(chan error, 10)
	s := server.New(server.Options{Listen: listen.Options{Addr: "127.0.0.1:0"}, Errors: collect{errs}}, h)
	must(t, s.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String(), errs
}

func get(t *testing.T, ctx context.Context, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	must(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	must(t, err)
	return resp
}

func TestServerWebSocket(t *testing.T) {
	addr, _ := start(t, adapter.Middleware(passThrough)(adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, b); err != nil {
				return
			}
		}
	}))))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, _, err := websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	must(t, err)
	for _, msg := range []string{"a", strings.Repeat("b", 20_000)} {
		must(t, c.Write(ctx, websocket.MessageText, []byte(msg)))
		if _, b, err := c.Read(ctx); err != nil || string(b) != msg {
			t.Errorf("got %d bytes, %v", len(b), err)
		}
	}
	must(t, c.Close(websocket.StatusNormalClosure, ""))
}

// Events arrive as they are sent, and a client that goes away ends the handler.
func TestServerEvents(t *testing.T) {
	ended := make(chan error, 1)
	next := make(chan string)
	addr, _ := start(t, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		for {
			select {
			case event := <-next:
				_, _ = io.WriteString(w, event+"\n")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				ended <- r.Context().Err()
				return
			}
		}
	})))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { next <- "one" }()
	resp := get(t, ctx, "http://"+addr)
	lines := bufio.NewScanner(resp.Body)
	for _, want := range []string{"one", "two", "three"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q", lines.Text(), want)
		}
		switch want {
		case "one":
			next <- "two"
		case "two":
			next <- "three"
		}
	}
	cancel()
	_ = resp.Body.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the handler runs on")
	}
}

// The stack of a panic is that of the handler, whether the response has begun or not.
func TestServerPanic(t *testing.T) {
	cause := errors.New("boom")
	addr, errs := start(t, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		panic(cause)
	})))
	for path, status := range map[string]int{"/": 500, "/begun": 200} {
		resp := get(t, context.Background(), "http://"+addr+path)
		_, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != status || (err == nil) != (status == 500) {
			t.Errorf("%s: got %d, %v", path, resp.StatusCode, err)
		}
		e, _ := gateway.AsError(<-errs)
		if e == nil || !errors.Is(e, cause) || !strings.Contains(string(e.Stack), "TestServerPanic") {
			t.Errorf("%s: the error is %v\n%s", path, e, e.Stack)
		}
	}
}
