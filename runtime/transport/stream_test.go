package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// both runs test with an upstream of HTTP/1.1 and with one of HTTP/2.
func both(t *testing.T, h http.HandlerFunc, test func(t *testing.T, tr *Transport, url string)) {
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, newHTTP1(t, HTTPOptions{DisableCompression: true}), newServer(t, h).URL) })
	t.Run("HTTP/2", func(t *testing.T) {
		test(t, newHTTP2(t, HTTP2Options{AllowHTTP: true, DisableCompression: true}), newServer2(t, h).URL)
	})
}

// Request and response flow at the same time, each piece as soon as it is there.
func TestFullDuplex(t *testing.T) {
	both(t, func(w http.ResponseWriter, r *http.Request) {
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
	}, func(t *testing.T, tr *Transport, url string) {
		r, w := io.Pipe()
		leg, end := newLeg(t, "POST", url)
		defer end()
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
		if rest := readAll(t, leg); rest != "" {
			t.Errorf("rest: %q", rest)
		}
	})
}

func TestRequestTrailers(t *testing.T) {
	got := make(chan http.Header, 1)
	both(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	}, func(t *testing.T, tr *Transport, url string) {
		for name, tt := range map[string]struct {
			text   string
			length int64
		}{"unknown length": {"abc", -1}, "known length": {"abc", 3}, "no body": {"", 0}} {
			t.Run(name, func(t *testing.T) {
				leg, end := newLeg(t, "POST", url)
				defer end()
				setBody(leg, tt.text, tt.length)
				leg.Request.Header.Add("Trailer", "x-t, Content-Length")
				leg.Request.Trailer = func() gateway.Header {
					return gateway.Header{{Name: "x-t", Value: "1"}, {Name: "X-T", Value: "2"}, {Name: "Transfer-Encoding", Value: "x"}}
				}
				mustServe(t, tr, leg)
				if diff := cmp.Diff(http.Header{"X-T": {"1", "2"}}, <-got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestInterim(t *testing.T) {
	both(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(103)
		w.WriteHeader(102)
		w.Header().Del("Link")
		io.WriteString(w, "done")
	}, func(t *testing.T, tr *Transport, url string) {
		type interim struct {
			Status int
			Header gateway.Header
		}
		var got []interim
		leg, end := newLeg(t, "GET", url)
		defer end()
		leg.Interim = func(status int, h gateway.Header) error {
			got = append(got, interim{status, h})
			return nil
		}
		mustServe(t, tr, leg)
		link := gateway.Header{{Name: "Link", Value: "</style.css>"}}
		if diff := cmp.Diff([]interim{{103, link}, {102, link}}, got); diff != "" {
			t.Error(diff)
		}
		if leg.Response.Status != 200 || leg.Response.Header.Has("Link") || readAll(t, leg) != "done" {
			t.Errorf("response: %v", leg.Response)
		}
		if status, body := get(t, tr, url); status != 200 || body != "done" {
			t.Errorf("with nobody to send them to: %d %s", status, body)
		}
	})
}

func TestInterimFails(t *testing.T) {
	both(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		io.WriteString(w, "done")
	}, func(t *testing.T, tr *Transport, url string) {
		gone := errors.New("client has gone")
		leg, end := newLeg(t, "GET", url)
		defer end()
		leg.Interim = func(int, gateway.Header) error { return gone }
		if err := tr.Serve(leg); err == nil || !strings.Contains(err.Error(), gone.Error()) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestTooManyInterims(t *testing.T) {
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = readHead(r)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	n := 0
	leg.Interim = func(int, gateway.Header) error { n++; return nil }
	if err := newHTTP1(t, HTTPOptions{}).Serve(leg); !errors.Is(err, errInterims) || n != tooManyInterims {
		t.Errorf("%d interim responses, then %v", n, err)
	}
}

// With Expect, the body is read, and so asked for, only when the upstream wants it.
func TestExpectContinue(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		status int
		read   bool
	}{
		"wanted":  {"HTTP/1.1 100 Continue\r\n\r\n", 200, true},
		"refused": {"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 417, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{})
			addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
				head, _ := readHead(r)
				if !strings.Contains(head, "Expect: 100-continue") {
					io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
					return
				}
				close(asked)
				io.WriteString(c, tt.answer)
				if tt.read {
					io.CopyN(io.Discard, r, 3)
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			leg, end := newLeg(t, "POST", "http://"+addr)
			defer end()
			b := &watched{Reader: strings.NewReader("abc"), asked: asked}
			leg.Request.Body, leg.Request.ContentLength = b, 3
			leg.Request.Header.Add("Expect", "100-continue")
			leg.Interim = func(status int, _ gateway.Header) error { return fmt.Errorf("passed on: %d", status) }
			mustServe(t, newHTTP1(t, HTTPOptions{ExpectContinueTimeout: patience}), leg)
			if leg.Response.Status != tt.status || b.read != tt.read || b.early {
				t.Errorf("status %d, read: %v, before it was asked for: %v", leg.Response.Status, b.read, b.early)
			}
		})
	}
}

// A watched body tells whether it was read before the upstream had seen the head.
type watched struct {
	io.Reader
	asked       chan struct{}
	read, early bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.read = true
	select {
	case <-w.asked:
	default:
		w.early = true
	}
	return w.Reader.Read(p)
}

func (w *watched) Close() error { return nil }

func TestUpgrade(t *testing.T) {
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		head, _ := readHead(r)
		if !strings.Contains(head, "Connection: Upgrade\r\n") || !strings.Contains(head, "Upgrade: echo\r\n") {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
		io.Copy(c, r) // until the client's side has closed its half
		io.WriteString(c, "!")
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	leg.Request.Header = gateway.Header{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "echo"}}
	mustServe(t, newHTTP1(t, HTTPOptions{}), leg)
	r := &leg.Response
	if r.Status != 101 || r.Conn == nil || r.Body != nil || r.Header.Get("Upgrade") != "echo" {
		t.Fatalf("response: %+v", r)
	}
	defer r.Conn.Close()
	io.WriteString(r.Conn, "world")
	if err := r.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Conn); string(b) != "hello world!" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
}
