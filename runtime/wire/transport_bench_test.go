package wire

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// cannedUpstream answers each request by the same bytes and costs as little as can be.
func cannedUpstream(tb testing.TB, response string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
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

const cannedHead = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" +
	"Date: Mon, 02 Jan 2006 15:04:05 GMT\r\nServer: canned\r\nCache-Control: no-store\r\nX-Request-Id: 1234\r\n"

var benchFields = gateway.Header{
	{Name: "Accept", Value: "*/*"}, {Name: "Accept-Encoding", Value: "gzip"}, {Name: "Accept-Language", Value: "en"}, {Name: "User-Agent", Value: "bench/1"},
	{Name: "X-Request-Id", Value: "abcdef"}, {Name: "X-Forwarded-For", Value: "192.0.2.1"}, {Name: "X-Forwarded-Host", Value: "example.com"},
	{Name: "X-Forwarded-Proto", Value: "http"}, {Name: "X-Forwarded-Port", Value: "1234"}, {Name: "Cookie", Value: "a=b; c=d"},
}

// closableReader is a body of which nobody knows whether it has come.
type closableReader struct{ strings.Reader }

func (*closableReader) Close() error { return nil }

// asker asks one upstream again and again, as a proxy does.
type asker struct {
	t      *Transport
	x, leg *gateway.Exchange
	source *closableReader
	addr   string
	buf    []byte
	body   string
}

func newAsker(tb testing.TB, addr, body string) *asker {
	t, err := NewTransport(TransportOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { t.Close() })
	return &asker{t, new(gateway.Exchange), new(gateway.Exchange), new(closableReader), addr, make([]byte, 4096), body}
}

func (a *asker) ask(method string) error {
	x, leg := a.x, a.leg
	x.Leg(leg)
	r := &leg.Request
	r.Method, r.Scheme, r.Host, r.Path, r.RawPath, r.RawQuery = method, "http", a.addr, "/a/b", "/a/b", "q=1"
	r.Header = append(r.Header[:0], benchFields...)
	if a.body != "" {
		a.source.Reset(a.body)
		r.Body, r.ContentLength = a.source, int64(len(a.body))
	}
	if err := a.t.Serve(leg); err != nil {
		return err
	}
	for {
		if _, err := leg.Response.Body.Read(a.buf); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	leg.Response.Body.Close()
	leg.Response.Reset()
	x.Finish()
	leg.Reset()
	x.Reset()
	return nil
}

func benchTransport(b *testing.B, method, body, response string) {
	a := newAsker(b, cannedUpstream(b, cannedHead+response), body)
	b.ReportAllocs()
	for b.Loop() {
		if err := a.ask(method); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTransportGet(b *testing.B) {
	benchTransport(b, "GET", "", "Content-Length: 1024\r\n\r\n"+kilobyte)
}

func BenchmarkTransportChunked(b *testing.B) {
	benchTransport(b, "GET", "", "Transfer-Encoding: chunked\r\n\r\n400\r\n"+kilobyte+"\r\n0\r\n\r\n")
}

func BenchmarkTransportPost(b *testing.B) {
	benchTransport(b, "POST", kilobyte, "Content-Length: 1024\r\n\r\n"+kilobyte)
}
