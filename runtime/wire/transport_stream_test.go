package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestTransportTimeouts(t *testing.T) {
	for name, tt := range map[string]struct {
		scheme  string
		options TransportOptions
		body    bool
		want    string
	}{
		"dial":                            {"http", TransportOptions{Dial: dial.Options{Timeout: time.Nanosecond}}, false, "dial tcp"},
		"handshake":                       {"https", TransportOptions{TLSHandshakeTimeout: soon}, false, "TLS handshake timeout"},
		"response header":                 {"http", TransportOptions{ResponseHeaderTimeout: soon}, false, "awaiting response headers"},
		"response header after an upload": {"http", TransportOptions{ResponseHeaderTimeout: soon}, true, "awaiting response headers"},
		"deadline":                        {"http", TransportOptions{}, false, "deadline exceeded"},
		"deadline in the handshake":       {"https", TransportOptions{TLSHandshakeTimeout: patience}, false, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "POST", tt.scheme+"://"+silentUpstream(t))
			defer end()
			cause := errors.New("the middleware says so")
			if strings.HasPrefix(name, "deadline") {
				ctx, cancel := context.WithTimeoutCause(leg.Context(), soon, cause)
				defer cancel()
				leg.SetContext(ctx)
			}
			if tt.body {
				setBody(leg, strings.Repeat("x", 100<<10), 100<<10)
			}
			err := testTransport(t, tt.options).Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !gateway.IsTimeout(err) {
				t.Errorf("the error is %v; it should say %q", err, tt.want)
			}
			if strings.HasPrefix(name, "deadline") && !errors.Is(err, cause) {
				t.Errorf("the error is %v without its cause", err)
			}
		})
	}
}

// Whoever waits is told when the client goes away.
func TestTransportIsCancelled(t *testing.T) {
	gone := errors.New("client has gone")
	for name, scheme := range map[string]string{"response": "http", "handshake": "https"} {
		for kind, cancel := range map[string]func(leg *gateway.Exchange){
			"by the engine":   func(leg *gateway.Exchange) { x := leg.Parent; time.AfterFunc(soon, func() { x.Cancel(gone) }) },
			"before":          func(leg *gateway.Exchange) { leg.Parent.Cancel(gone) },
			"by a middleware": func(leg *gateway.Exchange) { setCancelled(leg, soon, gone) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				addr := silentUpstream(t)
				leg, end := newLeg(t, "GET", scheme+"://"+addr)
				defer end()
				cancel(leg)
				tr := testTransport(t, TransportOptions{})
				err := tr.Serve(leg)
				if !errors.Is(err, context.Canceled) || kind != "before" && !errors.Is(err, gone) || gateway.IsTimeout(err) {
					t.Errorf("the error is %v", err)
				}
				if all, _ := linksOf(tr, addr); all != 0 {
					t.Errorf("%d connections are left", all)
				}
			})
		}
	}
}

func setCancelled(leg *gateway.Exchange, d time.Duration, cause error) {
	ctx, cancel := context.WithCancelCause(leg.Context())
	time.AfterFunc(d, func() { cancel(cause) })
	leg.SetContext(ctx)
}

// The deadline holds for the body, too, and so does the end of the exchange. A connection that has ended so isn't used again.
func TestTransportDeadlineInBody(t *testing.T) {
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = requestHead(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		io.Copy(io.Discard, r)
	})
	tr := testTransport(t, TransportOptions{})
	leg, end := newLeg(t, "GET", "http://"+addr)
	ctx, cancel := context.WithTimeout(leg.Context(), 3*soon)
	defer cancel()
	leg.SetContext(ctx)
	mustServe(t, tr, leg)
	if b, err := io.ReadAll(leg.Response.Body); string(b) != "abc" || !gateway.IsTimeout(err) {
		t.Errorf("read %q, %v", b, err)
	}
	end()
	leg, end = newLeg(t, "GET", "http://"+addr)
	mustServe(t, tr, leg)
	leg.Parent.Cancel(nil)
	if b, err := io.ReadAll(leg.Response.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("read %q, %v", b, err)
	}
	end()
	if all, _ := linksOf(tr, addr); all != 0 {
		t.Errorf("%d connections are left", all)
	}
}

// An exchange that is over, or is interrupted later, doesn't concern a connection any more.
func TestTransportUnwatches(t *testing.T) {
	addr, tr := numbered(t), testTransport(t, TransportOptions{})
	for i := range 3 {
		leg, end := newLeg(t, "GET", "http://"+addr)
		if i == 1 {
			setCancelled(leg, patience, nil)
		}
		mustServe(t, tr, leg)
		if body := readBody(t, leg); body != "0" {
			t.Errorf("connection %s", body)
		}
		leg.Parent.SetContext(context.Background())
		leg.Parent.Cancel(errors.New("too late"))
		end()
	}
}

// Request and response flow at the same time, each piece as soon as it is there.
func TestTransportFullDuplex(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		buf := make([]byte, 16)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				fmt.Fprintf(w, "<%s>", buf[:n])
				w.(http.Flusher).Flush()
			}
			if err != nil {
				return
			}
		}
	}))
	defer s.Close()
	tr := testTransport(t, TransportOptions{})
	r, w := io.Pipe()
	leg, end := newLeg(t, "POST", s.URL)
	leg.Request.Body, leg.Request.ContentLength = r, -1
	mustServe(t, tr, leg)
	for _, piece := range []string{"one", "two"} {
		io.WriteString(w, piece)
		got := make([]byte, len(piece)+2)
		if _, err := io.ReadFull(leg.Response.Body, got); err != nil || string(got) != "<"+piece+">" {
			t.Fatalf("read %q, %v", got, err)
		}
	}
	w.Close()
	if rest := readBody(t, leg); rest != "" {
		t.Errorf("rest: %q", rest)
	}
	end()
	if _, idle := linksOf(tr, strings.TrimPrefix(s.URL, "http://")); idle != 1 {
		t.Errorf("%d connections are idle", idle)
	}
}

func TestTransportUploads(t *testing.T) {
	tr := testTransport(t, TransportOptions{})
	type seen struct {
		Length   int64
		Encoding []string
		Sum      int
		Trailer  http.Header
	}
	got := make(chan seen, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.ContentLength, r.TransferEncoding, len(b), r.Trailer}
	}))
	defer s.Close()
	const large = 1 << 20
	long := strings.Repeat("x", large)
	addr := strings.TrimPrefix(s.URL, "http://")
	for name, tt := range map[string]struct {
		body    io.ReadCloser
		length  int64
		trailer bool
		want    seen
	}{
		"known length":   {textBody(long), large, false, seen{large, nil, large, nil}},
		"unknown length": {textBody(long), -1, false, seen{-1, []string{"chunked"}, large, nil}},
		"trailers":       {textBody(long), large, true, seen{-1, []string{"chunked"}, large, http.Header{"X-T": {"1"}}}},
		"partly at hand": {&haveBody{textBody(long), long[:16<<10], false}, large, false, seen{large, nil, large, nil}},
		"partly at hand, chunked": {&haveBody{textBody(long), long[:16<<10], false}, -1, false,
			seen{-1, []string{"chunked"}, large, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "POST", s.URL)
			leg.Request.Body, leg.Request.ContentLength = tt.body, tt.length
			if tt.trailer {
				leg.Request.Header.Add("Trailer", "X-T")
				leg.Request.Trailer = func() gateway.Header { return gateway.Header{{Name: "x-t", Value: "1"}} }
			}
			mustServe(t, tr, leg)
			if diff := cmp.Diff(tt.want, <-got); diff != "" {
				t.Error(diff)
			}
			end()
			if all, idle := linksOf(tr, addr); all != 1 || idle != 1 {
				t.Errorf("%d connections, %d of them idle", all, idle)
			}
		})
	}
}

func TestTransportRequestBodyFails(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer s.Close()
	tr := testTransport(t, TransportOptions{})
	failing := func(n int) io.ReadCloser {
		return io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", n)), failingReader{}))
	}
	const large = 1 << 20
	for name, tt := range map[string]struct {
		body   io.ReadCloser
		length int64
		want   error
	}{
		"small":            {failing(1), 3, gateway.ErrTooLarge},
		"small, cut":       {textBody("ab"), 3, io.ErrUnexpectedEOF},
		"small, longer":    {textBody("abcd"), 3, io.ErrUnexpectedEOF},
		"at hand, cut":     {&haveBody{textBody(""), "ab", true}, 3, io.ErrUnexpectedEOF},
		"at hand, longer":  {&haveBody{textBody(""), "abcd", true}, 3, io.ErrUnexpectedEOF},
		"streamed":         {failing(50000), large, gateway.ErrTooLarge},
		"streamed, cut":    {textBody(strings.Repeat("x", large-1)), large, io.ErrUnexpectedEOF},
		"streamed, longer": {textBody(strings.Repeat("x", large+1)), large, io.ErrUnexpectedEOF},
		"unknown length":   {failing(50000), -1, gateway.ErrTooLarge},
		"failing at once":  {&haveBody{failing(0), "x", false}, -1, gateway.ErrTooLarge},
		"idle":             {io.NopCloser(idleReader{}), 3, io.ErrNoProgress},
		"idle, streamed":   {io.NopCloser(idleReader{}), -1, io.ErrNoProgress},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "POST", s.URL)
			defer end()
			leg.Request.Body, leg.Request.ContentLength = tt.body, tt.length
			err := tr.Serve(leg)
			if early := err == nil && name == "streamed, longer"; !early && !errors.Is(err, tt.want) {
				t.Errorf("the error is %v, not %v", err, tt.want)
			}
			if all, idle := linksOf(tr, strings.TrimPrefix(s.URL, "http://")); all != idle {
				t.Errorf("%d connections, %d of them idle", all, idle)
			}
		})
	}
}

// A body that panics fails the exchange, and not the gateway.
func TestTransportBodyPanics(t *testing.T) {
	leg, end := newLeg(t, "POST", "http://"+silentUpstream(t))
	defer end()
	leg.Request.Body, leg.Request.ContentLength = io.NopCloser(panickingReader{}), -1
	err := testTransport(t, TransportOptions{}).Serve(leg)
	if e, ok := gateway.AsError(err); !ok || e.Stack == nil {
		t.Errorf("the error is %v", err)
	}
}

type panickingReader struct{}

func (panickingReader) Read([]byte) (int, error) { panic("a middleware's mistake") }

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, gateway.ErrTooLarge }

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

// The upstream answers without waiting for the body, which nobody sends on once the exchange is over.
func TestTransportAnswerBeforeBody(t *testing.T) {
	for name, tt := range map[string]struct{ response, body string }{
		"with a body":  {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "no"},
		"in two parts": {"HTTP/1.1 403 Forbidden\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 20000), strings.Repeat("x", 20000)},
		"without":      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				defer close(ended)
				_, _ = requestHead(r)
				io.WriteString(c, tt.response)
				io.Copy(io.Discard, r)
			})
			r, w := io.Pipe()
			leg, end := newLeg(t, "POST", "http://"+addr)
			leg.Request.Body, leg.Request.ContentLength = r, 1<<20
			tr := testTransport(t, TransportOptions{})
			mustServe(t, tr, leg)
			if leg.Response.Status != 403 || readBody(t, leg) != tt.body {
				t.Errorf("status %d", leg.Response.Status)
			}
			end()
			<-ended
			if all, _ := linksOf(tr, addr); all != 0 {
				t.Errorf("%d connections are left", all)
			}
			w.Close()
		})
	}
}

// The upstream answers, and closes, while a body is written that it doesn't want.
func TestTransportRefusedUpload(t *testing.T) {
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = requestHead(r)
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
	})
	for _, length := range []int64{16 << 20, -1} {
		leg, end := newLeg(t, "POST", "http://"+addr)
		leg.Request.Body, leg.Request.ContentLength = textBody(strings.Repeat("x", 16<<20)), length
		mustServe(t, testTransport(t, TransportOptions{}), leg)
		if leg.Response.Status != 413 {
			t.Errorf("status %d", leg.Response.Status)
		}
		end()
	}
}

// An upstream answers before it has been asked, perhaps while a request is still being written. Under the race
// detector, this shows whether what belongs to a request is reused too early.
func TestTransportAnswersBeforeRequests(t *testing.T) {
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		go io.Copy(io.Discard, r)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
		}
	})
	tr := testTransport(t, TransportOptions{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 12 {
				leg, end := newLeg(t, "POST", "http://"+addr)
				setBody(leg, strings.Repeat("x", 3000*i), int64(3000*i))
				if tr.Serve(leg) == nil && leg.Response.Body != nil {
					_, _ = io.Copy(io.Discard, leg.Response.Body)
				}
				end()
			}
		})
	}
	all.Wait()
	if n, idle := linksOf(tr, addr); n != idle {
		t.Errorf("%d connections are left, %d of them idle", n, idle)
	}
}
