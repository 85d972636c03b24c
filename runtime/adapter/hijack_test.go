package adapter_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func hijack(f func(conn net.Conn, rw *bufio.ReadWriter)) http.Handler {
	return handler(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		f(conn, rw)
	})
}

// echoUpgrade upgrades by hand and sends back what it gets, until the client ends.
func echoUpgrade(conn net.Conn, rw *bufio.ReadWriter) {
	defer conn.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	_ = rw.Flush()
	_, _ = io.Copy(conn, rw)
	_, _ = io.WriteString(conn, "bye")
}

// talk plays the engine and the client: it sends s, ends, and returns what comes back.
func talk(t *testing.T, conn io.ReadWriteCloser, s string) string {
	t.Helper()
	got := make(chan string)
	go func() {
		b, _ := io.ReadAll(conn)
		got <- string(b)
	}()
	_, err := io.WriteString(conn, s)
	must(t, err)
	must(t, conn.(interface{ CloseWrite() error }).CloseWrite())
	all := <-got
	must(t, conn.Close())
	return all
}

func TestHijack(t *testing.T) {
	pass := func(h http.Handler) gateway.Handler { return adapter.Handler(h) }
	twice := func(h http.Handler) gateway.Handler {
		return adapter.Middleware(passThrough)(adapter.Middleware(passThrough)(adapter.Handler(h)))
	}
	for name, wrap := range map[string]func(http.Handler) gateway.Handler{"handler": pass, "through middleware": twice} {
		t.Run(name, func(t *testing.T) {
			x := exchange()
			must(t, wrap(hijack(echoUpgrade)).Serve(x))
			if x.Response.Status != 101 || x.Response.Conn == nil || x.Response.Header.Get("Upgrade") != "echo" {
				t.Fatalf("got %+v", x.Response)
			}
			if got := talk(t, x.Response.Conn, "ping"); got != "pingbye" {
				t.Errorf("got %q", got)
			}
			x.Finish()
		})
	}
}

// The code of middleware after its call of next runs when the connection has ended.
func TestMiddlewareWaitsForUpgrade(t *testing.T) {
	after := false
	m := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			after = true
		})
	}
	x := exchange()
	must(t, adapter.Middleware(m)(adapter.Handler(hijack(echoUpgrade))).Serve(x))
	if after {
		t.Error("it ran already")
	}
	must(t, x.Response.Conn.Close())
	if !after {
		t.Error("it did not run")
	}
	x.Finish()
}

func TestHijackOtherStatus(t *testing.T) {
	a, err := run(t, adapter.Handler(hijack(func(conn net.Conn, rw *bufio.ReadWriter) {
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\nabc")
		_ = rw.Flush()
		_ = conn.Close()
	})), exchange())
	must(t, err)
	if a.Status != 200 || a.Body != "abc" || a.ContentLength != 3 || a.Header.Get("Content-Type") != "a/b" {
		t.Errorf("got %+v", a)
	}
}

func TestHijackWithoutWord(t *testing.T) {
	value := panicOf(func() {
		_, _ = run(t, adapter.Handler(hijack(func(conn net.Conn, _ *bufio.ReadWriter) { _ = conn.Close() })), exchange())
	})
	if value != http.ErrAbortHandler {
		t.Errorf("got %v", value)
	}
}

func TestHijackPanic(t *testing.T) {
	value := panicOf(func() {
		_, _ = run(t, adapter.Handler(hijack(func(net.Conn, *bufio.ReadWriter) { panic("boom") })), exchange())
	})
	if e, ok := value.(*gateway.Error); !ok || !strings.Contains(e.Message, "boom") {
		t.Errorf("got %v", value)
	}
	x := exchange()
	must(t, adapter.Handler(hijack(func(conn net.Conn, rw *bufio.ReadWriter) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		panic("boom")
	})).Serve(x))
	_, err := io.ReadAll(x.Response.Conn)
	if _, ok := gateway.AsError(err); !ok {
		t.Errorf("got %v", err)
	}
	x.Finish()
}

func TestHijackRefused(t *testing.T) {
	x := exchange(func(x *gateway.Exchange) { x.Request.Proto = "HTTP/2.0" })
	a, err := run(t, adapter.Handler(hijack(echoUpgrade)), x)
	must(t, err)
	if a.Status != 501 {
		t.Errorf("got %+v", a)
	}
}

// A client that goes away ends the connection of the handler.
func TestHijackContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	x := exchange(contextOf(ctx))
	ended := make(chan error, 1)
	must(t, adapter.Handler(hijack(func(conn net.Conn, rw *bufio.ReadWriter) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_ = conn.SetDeadline(time.Time{})
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	})).Serve(x))
	cancel()
	if err := <-ended; err == nil {
		t.Error("the connection is still open")
	}
	x.Finish()
}

// A library that sends the head by WriteHeader, and then takes the connection.
func TestWebSocket(t *testing.T) {
	h := handler(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		kind, b, err := c.Read(r.Context())
		if err == nil {
			err = c.Write(r.Context(), kind, append(b, '!'))
		}
		if err == nil {
			err = c.Close(websocket.StatusNormalClosure, "")
		}
		if err != nil {
			t.Error(err)
		}
	})
	rt := adapter.Tripper(t, adapter.Middleware(passThrough)(adapter.Handler(h)))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://example.com/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: rt}})
	must(t, err)
	must(t, c.Write(ctx, websocket.MessageText, []byte("hi")))
	_, b, err := c.Read(ctx)
	must(t, err)
	if string(b) != "hi!" {
		t.Errorf("got %q", b)
	}
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Error(err)
	}
	if err := errors.Join(c.CloseNow()); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Log(err)
	}
}

func newConns() (a, b net.Conn) { return net.Pipe() }
