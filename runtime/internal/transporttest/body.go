package transporttest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var bodyTests = []test{
	{"RequestBodyFails", testRequestBodyFails},
	{"LongerBody", testLongerBody},
	{"AnswerBeforeBody", testAnswerBeforeBody},
	{"AnswerWhileUploadStalls", testAnswerWhileUploadStalls},
	{"FullDuplex", testFullDuplex},
	{"AnswersBeforeRequests", testAnswersBeforeRequests},
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, gateway.ErrTooLarge }

// A request whose body can't be read to its end must not look like a whole one, and its connection ends.
func testRequestBodyFails(t *testing.T, e Engine) {
	part := strings.Repeat("x", 10_000)
	for name, tt := range map[string]struct {
		body   io.Reader
		length int64
		want   error
	}{
		"small":                 {failingReader{}, 3, gateway.ErrTooLarge},
		"small, cut":            {strings.NewReader("ab"), 3, io.ErrUnexpectedEOF},
		"small, fails in it":    {io.MultiReader(strings.NewReader("ab"), failingReader{}), 3, gateway.ErrTooLarge},
		"streamed":              {failingReader{}, 1 << 20, gateway.ErrTooLarge},
		"streamed, cut":         {strings.NewReader(part), 1 << 20, nil},
		"streamed, fails in it": {io.MultiReader(strings.NewReader(part), failingReader{}), 1 << 20, gateway.ErrTooLarge},
		"unknown length":        {failingReader{}, -1, gateway.ErrTooLarge},
		"unknown, fails in it":  {io.MultiReader(strings.NewReader(part), failingReader{}), -1, gateway.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			received := make(chan string, 1)
			u := newUpstream(t, func(c *conn) {
				all, _ := c.ends() // it must end, too
				received <- all
			})
			l := newLeg(t, "POST", u.url())
			defer l.end()
			l.Request.Body, l.Request.ContentLength = &body{Reader: tt.body}, tt.length
			err := newTransport(t, e, wire.TransportOptions{}).Serve(l.Exchange)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || gateway.IsTimeout(err) {
				t.Errorf("the error is %v, not %v", err, tt.want)
			}
			if u.count() == 0 { // nothing need be sent
				return
			}
			all := receive(t, received)
			_, sent, _ := strings.Cut(all, "\r\n\r\n")
			if strings.HasSuffix(sent, "0\r\n\r\n") || tt.length > 0 && int64(len(sent)) >= tt.length {
				t.Errorf("the body looks complete: %d bytes", len(sent))
			}
		})
	}
}

// What is beyond the announced length would be taken for another request.
func testLongerBody(t *testing.T, e Engine) {
	for _, n := range []int64{3, 100_000} {
		requests := make(chan string, 10)
		u := newUpstream(t, func(c *conn) {
			for {
				got := c.request()
				if got == "" {
					return
				}
				requests <- got
				c.say(ok)
			}
		})
		tr := newTransport(t, e, wire.TransportOptions{})
		l := newLeg(t, "POST", u.url())
		l.setBody(strings.Repeat("x", int(n))+"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", n)
		if err := tr.Serve(l.Exchange); err == nil { // refusing it will do, too
			l.expect(200, "ok")
		}
		l.end()
		get(t, tr, u.url()+"/next")
		for got := ""; !strings.HasPrefix(got, "GET /next "); {
			if got = receive(t, requests); t.Failed() || strings.Contains(got, "/smuggled") {
				t.Fatalf("%d: the upstream has got %q", n, got)
			}
		}
	}
}

// The upstream answers without waiting for the body.
func testAnswerBeforeBody(t *testing.T, e Engine) {
	for name, length := range map[string]int64{"length": 1 << 20, "unknown": -1} {
		for _, closes := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " ", closes), func(t *testing.T) {
				t.Parallel()
				response := "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
				if closes {
					response = strings.Replace(response, "Content-", "Connection: close\r\nContent-", 1)
				}
				u := newUpstream(t, func(c *conn) {
					head := c.head()
					if strings.HasPrefix(head, "GET") {
						c.say(ok)
						return
					}
					c.say(response)
					_, _ = c.ends()
				})
				tr := newTransport(t, e, wire.TransportOptions{})
				r, w := io.Pipe()
				l := newLeg(t, "POST", u.url())
				l.Request.Body, l.Request.ContentLength = r, length
				l.serve(tr).expect(403, "no")
				l.end()
				// The request isn't complete: what comes next on the connection would be taken for its body.
				get(t, tr, u.url())
				_ = w.Close()
				_ = r.Close()
				u.wait(t, 0)
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// The upstream reads no more of a body that doesn't end, and answers.
func testAnswerWhileUploadStalls(t *testing.T, e Engine) {
	for name, length := range map[string]int64{"length": 1 << 40, "unknown": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			u := newUpstream(t, func(c *conn) {
				if strings.HasPrefix(c.head(), "POST") {
					_, _ = io.CopyN(io.Discard, c.r, 100_000)
					c.say("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
					receive(t, release)
					return
				}
				c.say(ok)
			})
			defer close(release)
			tr := newTransport(t, e, wire.TransportOptions{})
			l := newLeg(t, "POST", u.url())
			l.Request.Body, l.Request.ContentLength = &body{Reader: zeros{}}, length
			l.serve(tr).expect(413, "no")
			l.end()
			get(t, tr, u.url())
		})
	}
}

// Request and response flow at the same time, each piece as soon as it is there.
func testFullDuplex(t *testing.T, e Engine) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
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
	})
	r, w := io.Pipe()
	l := newLeg(t, "POST", s.URL)
	defer l.end()
	l.Request.Body, l.Request.ContentLength = r, -1
	l.serve(newTransport(t, e, wire.TransportOptions{}))
	for _, piece := range []string{"one", "two"} {
		_, _ = io.WriteString(w, piece)
		got := make([]byte, len(piece)+2)
		if _, err := io.ReadFull(l.Response.Body, got); err != nil || string(got) != "<"+piece+">" {
			t.Fatalf("read %q, %v", got, err)
		}
	}
	_ = w.Close()
	l.expect(200, "")
}

// An upstream answers before it has been asked, perhaps while a request is still being written. Under the
// race detector, this shows whether what belongs to a request is reused too early.
func testAnswersBeforeRequests(t *testing.T, e Engine) {
	u := newUpstream(t, func(c *conn) {
		go func() { _, _ = io.Copy(io.Discard, c.r) }()
		for {
			if _, err := io.WriteString(c, ok); err != nil {
				return
			}
		}
	})
	tr := newTransport(t, e, wire.TransportOptions{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 30 {
				l := newLeg(t, "POST", u.url())
				for range 20 {
					l.Request.Header.Add("X-"+strings.Repeat("a", i%7+1), strings.Repeat("x", 50))
				}
				l.setBody(strings.Repeat("x", 3000*i), int64(3000*i))
				if tr.Serve(l.Exchange) == nil && l.Response.Body != nil {
					_, _ = io.Copy(io.Discard, l.Response.Body)
				}
				l.end()
			}
		})
	}
	all.Wait()
}
