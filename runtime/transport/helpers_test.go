package transport

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const patience = 30 * time.Second

// newServer starts an HTTP/1.1 upstream.
func newServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// newServer2 starts an upstream that speaks HTTP/2 over TCP.
func newServer2(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// rawServer hands each connection to serve, with its number from 0.
func rawServer(t *testing.T, serve func(n int, c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		conns   []net.Conn
	)
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				serve(n, c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

// readHead reads the head of a request, without the empty line.
func readHead(r *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return head.String(), err
		}
		head.WriteString(line)
	}
}

func newHTTP1(t *testing.T, o HTTPOptions) *Transport {
	t.Helper()
	tr, err := HTTP1(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func newHTTP2(t *testing.T, o HTTP2Options) *Transport {
	t.Helper()
	tr, err := HTTP2(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

// newLeg makes a leg to ask url with. It ends with the test, or when end is called.
func newLeg(t *testing.T, method, url string) (leg *gateway.Exchange, end func()) {
	t.Helper()
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut("/"+path, "?")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	x := new(gateway.Exchange)
	x.SetContext(ctx)
	leg = new(gateway.Exchange)
	x.Leg(leg)
	leg.Request = gateway.Request{Method: method, Scheme: scheme, Host: host, Path: path, RawPath: path, RawQuery: query}
	return leg, func() {
		if b := leg.Response.Body; b != nil {
			b.Close()
		}
		x.Finish()
	}
}

// get asks for url and returns the response, its body read.
func get(t *testing.T, tr *Transport, url string) (status int, body string) {
	t.Helper()
	leg, end := newLeg(t, "GET", url)
	defer end()
	mustServe(t, tr, leg)
	return leg.Response.Status, readAll(t, leg)
}

func mustServe(t *testing.T, tr *Transport, leg *gateway.Exchange) {
	t.Helper()
	if err := tr.Serve(leg); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, leg *gateway.Exchange) string {
	t.Helper()
	if leg.Response.Body == nil {
		return string(leg.Response.Bytes)
	}
	b, err := io.ReadAll(leg.Response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// body is the body of a request that net/http can't know to be in memory.
type body struct{ io.Reader }

func (body) Close() error { return nil }

func setBody(leg *gateway.Exchange, text string, length int64) {
	leg.Request.Body, leg.Request.ContentLength = body{strings.NewReader(text)}, length
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// quiet is for upstreams whose errors are what a test is about.
var quiet = log.New(io.Discard, "", 0)
