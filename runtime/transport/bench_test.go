package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/transport"
)

// cannedUpstream answers each request by the same bytes and costs as little as can be.
func cannedUpstream(b *testing.B, response string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveCanned(c, []byte(response))
		}
	}()
	return l.Addr().String()
}

func serveCanned(c net.Conn, response []byte) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if bytes.HasPrefix(line, []byte("Content-Length: 10")) {
				length = 1024
			}
			if len(line) <= 2 {
				break
			}
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		if _, err := c.Write(response); err != nil {
			return
		}
	}
}

var kilobyte = strings.Repeat("x", 1024)

var cannedResponse = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n" +
	"Date: Mon, 02 Jan 2006 15:04:05 GMT\r\nServer: canned\r\nCache-Control: no-store\r\nX-Request-Id: 1234\r\n\r\n" + kilobyte

var benchFields = gateway.Header{
	{Name: "Accept", Value: "*/*"}, {Name: "Accept-Encoding", Value: "gzip"}, {Name: "Accept-Language", Value: "en"}, {Name: "User-Agent", Value: "bench/1"},
	{Name: "X-Request-Id", Value: "abcdef"}, {Name: "X-Forwarded-For", Value: "192.0.2.1"}, {Name: "X-Forwarded-Host", Value: "example.com"},
	{Name: "X-Forwarded-Proto", Value: "http"}, {Name: "X-Forwarded-Port", Value: "1234"}, {Name: "Cookie", Value: "a=b; c=d"},
}

// closableReader is a body that net/http doesn't know to be in memory, like that of a client.
type closableReader struct{ strings.Reader }

func (*closableReader) Close() error { return nil }

func benchTransport(b *testing.B, method, body string, interim bool) {
	addr := cannedUpstream(b, cannedResponse)
	t, err := transport.HTTP1(transport.HTTPOptions{DisableCompression: true})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	x, leg := new(gateway.Exchange), new(gateway.Exchange)
	source := new(closableReader)
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		x.SetContext(ctx)
		x.Leg(leg)
		r := &leg.Request
		r.Method, r.Scheme, r.Host, r.Path, r.RawPath, r.RawQuery = method, "http", addr, "/a/b", "/a/b", "q=1"
		r.Header = append(r.Header[:0], benchFields...)
		if body != "" {
			source.Reset(body)
			r.Body, r.ContentLength = source, int64(len(body))
		}
		if interim {
			leg.Interim = func(int, gateway.Header) error { return nil }
		}
		if err := t.Serve(leg); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := leg.Response.Body.Read(buf); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		leg.Response.Body.Close()
		leg.Reset()
		x.Finish()
		x.Reset()
	}
}

func BenchmarkGet(b *testing.B)     { benchTransport(b, "GET", "", false) }
func BenchmarkInterim(b *testing.B) { benchTransport(b, "GET", "", true) }
func BenchmarkPost(b *testing.B)    { benchTransport(b, "POST", kilobyte, false) }

// BenchmarkReverseProxy are what the same costs with net/http/httputil, with a
// ResponseWriter that writes nothing.
func BenchmarkReverseProxyGet(b *testing.B)  { benchReverseProxy(b, "GET", "") }
func BenchmarkReverseProxyPost(b *testing.B) { benchReverseProxy(b, "POST", kilobyte) }

func benchReverseProxy(b *testing.B, method, body string) {
	addr := cannedUpstream(b, cannedResponse)
	target := &url.URL{Scheme: "http", Host: addr}
	rt := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1024}
	defer rt.CloseIdleConnections()
	p := &httputil.ReverseProxy{Transport: rt, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, BufferPool: pool{}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := nullWriter{make(http.Header)}
	header := make(http.Header)
	for _, f := range benchFields {
		header[f.Name] = []string{f.Value}
	}
	source := new(closableReader)
	base := (&http.Request{Method: method, Host: "example.com", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: &url.URL{Path: "/a/b", RawQuery: "q=1"}, RemoteAddr: "192.0.2.1:1234", Header: header}).WithContext(ctx)
	b.ReportAllocs()
	for b.Loop() {
		if body != "" {
			source.Reset(body)
			base.Body, base.ContentLength = source, int64(len(body))
		}
		clear(w.header)
		p.ServeHTTP(w, base)
	}
}

type nullWriter struct{ header http.Header }

func (w nullWriter) Header() http.Header         { return w.header }
func (w nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w nullWriter) WriteHeader(int)             {}

type pool struct{}

var poolBuf = make([]byte, 4096)

func (pool) Get() []byte { return poolBuf }
func (pool) Put([]byte)  {}
