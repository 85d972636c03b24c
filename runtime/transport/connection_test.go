package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestRequestBodyFails(t *testing.T) {
	for name, tt := range map[string]struct {
		body   io.Reader
		length int64
		want   error
	}{
		"small":          {failingReader{}, 3, gateway.ErrTooLarge},
		"small, cut":     {strings.NewReader("ab"), 3, io.ErrUnexpectedEOF},
		"small, longer":  {strings.NewReader("abcd"), 3, io.ErrUnexpectedEOF},
		"streamed":       {failingReader{}, 1 << 20, gateway.ErrTooLarge},
		"unknown length": {failingReader{}, -1, gateway.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			over2(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
			}, func(t *testing.T, tr *Transport, url string) {
				leg, end := newLeg(t, "POST", url)
				defer end()
				leg.Request.Body, leg.Request.ContentLength = body{tt.body}, tt.length
				if err := tr.Serve(leg); !errors.Is(err, tt.want) {
					t.Errorf("the error is %v, not %v", err, tt.want)
				}
			})
		})
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, gateway.ErrTooLarge }

// The upstream answers without waiting for the body.
func TestAnswerBeforeBody(t *testing.T) {
	over2(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "no", http.StatusForbidden)
	}, func(t *testing.T, tr *Transport, url string) {
		r, w := io.Pipe()
		leg, end := newLeg(t, "POST", url)
		leg.Request.Body, leg.Request.ContentLength = r, 1<<20
		mustServe(t, tr, leg)
		if leg.Response.Status != 403 || readAll(t, leg) != "no\n" {
			t.Errorf("status %d", leg.Response.Status)
		}
		end()
		w.Close()
		r.Close()
	})
}

func TestStreamedIsOver(t *testing.T) {
	over := &streamed{source: body{strings.NewReader("abc")}}
	over.end(nil)
	if n, err := over.Read(make([]byte, 1)); n != 0 || err != errOver || over.Close() != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := HTTP1(HTTPOptions{Dial: dial.Options{LocalAddress: "x://y"}}); err == nil {
		t.Error("HTTP1: no error")
	}
	if _, err := HTTP2(HTTP2Options{Dial: dial.Options{LocalAddress: "x://y"}}); err == nil {
		t.Error("HTTP2: no error")
	}
}

// An upstream answers before it has been asked, perhaps while a request is still being written. Under the
// race detector, this shows whether what belongs to a request is reused too early.
func TestAnswersBeforeRequests(t *testing.T) {
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		go io.Copy(io.Discard, r)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
		}
	})
	tr := newHTTP1(t, HTTPOptions{WriteBufferSize: 16}) // so that a head takes many writes
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 30 {
				leg, end := newLeg(t, "POST", "http://"+addr)
				for range 20 {
					leg.Request.Header.Add("X-"+strings.Repeat("a", i%7+1), strings.Repeat("x", 50))
				}
				setBody(leg, strings.Repeat("x", 3000*i), int64(3000*i))
				if tr.Serve(leg) == nil && leg.Response.Body != nil {
					_, _ = io.Copy(io.Discard, leg.Response.Body)
				}
				end()
			}
		})
	}
	all.Wait()
}

// When another request is given up, net/http may end this one as well. The other one is made up here.
func TestOthersAreGivenUp(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	for _, tt := range []struct {
		method string
		length int64
		ok     bool
	}{{"GET", 0, true}, {"PUT", 5, true}, {"PUT", -1, false}, {"POST", 5, false}} {
		tr := newHTTP1(t, HTTPOptions{})
		engine, first := tr.engines.engine(), true
		dial := engine.DialContext
		engine.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if first {
				first = false
				return nil, context.Canceled
			}
			return dial(ctx, network, addr)
		}
		leg, end := newLeg(t, tt.method, s.URL)
		if tt.length != 0 {
			setBody(leg, "hello", tt.length)
		}
		err := tr.Serve(leg)
		if ok := err == nil; ok != tt.ok {
			t.Errorf("%s, %d bytes: %v", tt.method, tt.length, err)
		} else if want := int64(len("hello")); ok && tt.length == want && readAll(t, leg) != "hello" {
			t.Errorf("%s: another body", tt.method)
		}
		end()
	}
}
