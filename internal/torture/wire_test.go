package torture

import (
	"bufio"
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/transport"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// A link is a proxy between raw connections. The upstream answers each request by answer and
// tells what it got.
type link struct {
	addr string
	got  chan string
}

func newLink(t *testing.T, engine kinds.Engine, answer string) *link {
	up, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Close() })
	l := &link{got: make(chan string, 100)}
	go func() {
		for {
			c, err := up.Accept()
			if err != nil {
				return
			}
			go l.upstream(c, answer)
		}
	}()
	tr := newTransport(t, engine)
	p, err := proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: "http://" + up.Addr().String()}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(engine, p)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	l.addr = s.Addr().String()
	return l
}

// newTransport returns a transport of an engine, which is closed at the end of the test.
func newTransport(t *testing.T, engine kinds.Engine) gateway.Handler {
	var tr interface {
		gateway.Handler
		io.Closer
	}
	var err error
	if engine == kinds.NetHTTP {
		tr, err = transport.HTTP1(transport.HTTPOptions{DisableCompression: true, DisableKeepAlives: true})
	} else {
		tr, err = wire.NewTransport(wire.TransportOptions{DisableKeepAlives: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// A runner is a server of any engine.
type runner interface {
	Listen() error
	Run(context.Context) error
	Addr() net.Addr
}

func newServer(engine kinds.Engine, h gateway.Handler) runner {
	l := listen.Options{Addr: "127.0.0.1:0"}
	if engine == kinds.NetHTTP {
		return server.New(server.Options{Listen: l, Errors: statusOnly{}, MaxHeaderBytes: 8 << 10, ReadTimeout: 2 * time.Second}, h)
	}
	return wire.NewServer(wire.ServerOptions{Listen: l, Errors: statusOnly{}, MaxHeaderBytes: 8 << 10, ReadTimeout: 2 * time.Second}, h)
}

type statusOnly struct{}

func (statusOnly) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status = max(gateway.StatusOf(err), 0)
}

// upstream takes what comes within a moment for a request.
func (l *link) upstream(c net.Conn, answer string) {
	defer c.Close()
	all := ""
	buf := make([]byte, 64<<10)
	for {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := c.Read(buf)
		all += string(buf[:n])
		if err != nil || strings.Contains(all, "\r\n\r\n") && !strings.Contains(all, "chunked") {
			break
		}
	}
	l.got <- all
	_, _ = io.WriteString(c, answer)
}

// send sends raw and returns what comes back, and what the upstream got.
func (l *link) send(t *testing.T, raw string) (back string, up []string) {
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(c, raw)
	b, _ := io.ReadAll(bufio.NewReader(c))
	for {
		select {
		case s := <-l.got:
			up = append(up, s)
		default:
			return string(b), up
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// refused are the tests whose message net/http sets right, while the engine of the runtime refuses it.
var refused = map[string]bool{
	"length and chunks": true, "a folded line": true, "bytes in the path": true, "fragment": true,
	"blank in a name": true, "content of 204": true,
}

// What is malformed doesn't reach an upstream, what does has one meaning only.
func TestRequestsOnTheWire(t *testing.T) {
	const end, post = "\r\nHost: a\r\nConnection: close\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	tests := []struct {
		name, raw string
		status    string
		up        []string // parts of what the upstream gets; nil is nothing
		not       []string // what it doesn't get
	}{
		{"length and chunks", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", "200", []string{"\r\n\r\n0\r\n\r\n"}, []string{"Content-Length", "G"}},
		{"another coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501", nil, nil},
		{"a coding hidden by its spelling", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501", nil, nil},
		{"a coding hidden by a blank", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400", nil, nil},
		{"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "400", nil, nil},
		{"a length with a sign", post + "Content-Length: +5\r\n\r\nhello", "400", nil, nil},
		{"a list of lengths", post + "Content-Length: 5, 5\r\n\r\nhello", "400", nil, nil},
		{"blank in a name", "GET / HTTP/1.1\r\nX A: 1" + end, "400", nil, nil},
		{"no name", "GET / HTTP/1.1\r\n: 1" + end, "400", nil, nil},
		{"CR in a value", "GET / HTTP/1.1\r\nX-A: 1\rX-B: 2" + end, "400", nil, nil},
		{"NUL in a value", "GET / HTTP/1.1\r\nX-A: 1\x00" + end, "400", nil, nil},
		{"a folded line", "GET / HTTP/1.1\r\nX-A: 1\r\n X-B: 2" + end, "200", []string{"X-A: 1 X-B: 2\r\n"}, nil},
		{"two hosts", "GET / HTTP/1.1\r\nHost: b" + end, "400", nil, nil},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "400", nil, nil},
		{"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400", nil, nil},
		{"absolute form", "GET http://other/x?y HTTP/1.1" + end, "200", []string{"GET /x?y HTTP/1.1\r\nHost: 127.", "X-Forwarded-Host: other\r\n"}, nil},
		{"CONNECT", "CONNECT other:443 HTTP/1.1" + end, "501", nil, nil},
		{"line breaks in the target", "GET /a%0d%0aX:1?%0d%0aX:2 HTTP/1.1" + end, "200", []string{"GET /a%0d%0aX:1?%0d%0aX:2 HTTP/1.1\r\n"}, nil},
		{"blank in the target", "GET /a b HTTP/1.1" + end, "400", nil, nil},
		{"tab in the query", "GET /?a\tb HTTP/1.1" + end, "400", nil, nil},
		{"bytes in the path", "GET /a\x80b HTTP/1.1" + end, "200", []string{"GET /a%80b HTTP/1.1\r\n"}, nil},
		{"fragment", "GET /a#b HTTP/1.1" + end, "200", []string{"GET /a%23b HTTP/1.1\r\n"}, nil},
		{"slashes", "GET /x//%2Fy;z\\w HTTP/1.1" + end, "200", []string{"GET /x//%2Fy;z\\w HTTP/1.1\r\n"}, nil},
		{"dots", "GET /a/%2e%2e/b HTTP/1.1" + end, "404", nil, nil},
		{"malformed escape", "GET /%zz HTTP/1.1" + end, "400", nil, nil},
		{"a long target", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1" + end, "431", nil, nil},
		{"many fields", "GET / HTTP/1.1" + strings.Repeat("\r\nA: b", 3000) + end, "431", nil, nil},
		{"odd method", "G\x01T / HTTP/1.1" + end, "400", nil, nil},
		{"a later version", "GET / HTTP/3.0" + end, "505", nil, nil},
		{"forged origin", "GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\nX-Forwarded-Port: 1\r\nX-Forwarded-For: 6.6.6.6" + end, "200",
			[]string{"X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\n", "X-Forwarded-Proto: http\r\n", "X-Forwarded-Host: a\r\n"}, []string{"https", "Port: 1\r\n"}},
		{"fields of the connection", "GET / HTTP/1.1\r\nConnection: X-A, X-Forwarded-For, Host\r\nX-A: 1\r\nKeep-Alive: x\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\nTE: gzip" + end, "200",
			[]string{"X-Forwarded-For: 127.0.0.1\r\n"}, []string{"X-A", "Keep-Alive", "Proxy-", "TE", "Te", "gzip"}},
		{"h2c", "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA" + end, "200", []string{"GET"}, []string{"pgrade", "ettings"}},
		{"framing in the trailer", post + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n0\r\nContent-Length: 3\r\nX-T: 1\r\nHost: b\r\n\r\n", "200",
			[]string{"0\r\nX-T: 1\r\n\r\n"}, []string{"Content-Length", "Host: b"}},
	}
	eachEngine(t, func(t *testing.T, engine kinds.Engine) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if engine == kinds.Wire && refused[tt.name] {
					tt.status, tt.up = "400", nil
				}
				l := newLink(t, engine, ok)
				back, up := l.send(t, tt.raw)
				if !strings.HasPrefix(back, "HTTP/1.1 "+tt.status) {
					t.Errorf("got %.100q", back)
				}
				all := strings.Join(up, "")
				if len(up) > 1 || (len(up) == 0) != (tt.up == nil) {
					t.Fatalf("the upstream got %q", up)
				}
				for _, part := range tt.up {
					if !strings.Contains(all, part) {
						t.Errorf("no %q in %q", part, all)
					}
				}
				for _, part := range tt.not {
					if strings.Contains(all, part) {
						t.Errorf("%q in %q", part, all)
					}
				}
			})
		}
	})
}

// What an upstream says is passed on as one well-formed response, or as none.
func TestResponsesOnTheWire(t *testing.T) {
	const head, length = "HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n"
	tests := []struct {
		name, raw string
		want      string // but for Date; "" is the end of the connection
		wire      string // what the engine of the runtime makes of it instead, if that is something
	}{
		{"CR in a value", head + length + "X-A: a\rX-B: b\r\n\r\nok", "502", ""},
		{"NUL in a value", head + length + "X-A: a\x00b\r\n\r\nok", "502", ""},
		{"odd name", head + length + "X(A: a\r\n\r\nok", "502", ""},
		{"blank in a name", head + length + "X A: a\r\n\r\nok", head + length + "\r\nok", ""},
		{"a folded line", head + length + "X-A: a\r\n X-B: b\r\n\r\nok", head + length + "X-A: a X-B: b\r\n\r\nok", ""},
		{"status 0", "HTTP/1.1 000 OK\r\n" + length + "\r\nok", "502", ""},
		{"status 99", "HTTP/1.1 099 OK\r\n" + length + "\r\nok", "502", ""},
		{"a switch unasked for", "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nok", "502", ""},
		{"interim", "HTTP/1.1 102 P\r\n\r\n" + ok, "HTTP/1.1 102 Processing\r\n\r\n" + head + length + "\r\nok", ""},
		{"length and chunks", head + length + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ""},
		{"two lengths", head + length + "Content-Length: 3\r\n\r\nok!", "502", ""},
		{"too short", head + "Content-Length: 5\r\n\r\nok", "", head + "Content-Length: 5\r\n\r\nok"},
		{"too long", head + length + "\r\nok" + ok, head + length + "\r\nok", ""},
		{"another coding", head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "502", ""},
		{"malformed chunk", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", head + "Transfer-Encoding: chunked\r\n\r\n"},
		{"content of 204", "HTTP/1.1 204 N\r\n" + length + "\r\nok", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		{"content of 304", "HTTP/1.1 304 N\r\n" + length + "\r\nok", "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n" + length + "\r\n"},
		{"until the end", "HTTP/1.0 200 OK\r\n\r\nok", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ""},
		{"no HTTP", "hello\r\n\r\n", "502", ""},
		{"nothing", "", "502", ""},
		{"fields of the connection", head + "Connection: X-A\r\nX-A: 1\r\nKeep-Alive: x\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\n" + length + "\r\nok", head + length + "\r\nok", ""},
	}
	eachEngine(t, func(t *testing.T, engine kinds.Engine) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				switch {
				case engine == kinds.NetHTTP:
				case refused[tt.name]:
					tt.want = "502"
				case tt.wire != "":
					tt.want = tt.wire
				}
				back, _ := newLink(t, engine, tt.raw).send(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				if tt.want == "502" {
					if !strings.HasPrefix(back, "HTTP/1.1 502 ") {
						t.Errorf("got %q", back)
					}
					return
				}
				got := regexp.MustCompile(`Date: .*\r\n|Connection: close\r\n`).ReplaceAllString(back, "")
				if got != tt.want {
					t.Errorf("got %q", got)
				}
			})
		}
		back, _ := newLink(t, engine, strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 10000)+ok).send(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if n := strings.Count(back, " 103 "); n > 1000 || !strings.Contains(back, " 502 ") {
			t.Errorf("%d informational responses", n)
		}
	})
}
