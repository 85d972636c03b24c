package torture

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/transport"
)

// A link is a proxy between raw connections. The upstream answers each request by answer and
// tells what it got.
type link struct {
	addr string
	got  chan string
}

func newLink(t *testing.T, answer string) *link {
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
	tr, err := transport.HTTP1(transport.HTTPOptions{DisableCompression: true, DisableKeepAlives: true})
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: "http://" + up.Addr().String()}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Options{Listen: listen.Options{Addr: "127.0.0.1:0"}, Errors: statusOnly{}, MaxHeaderBytes: 8 << 10, ReadTimeout: 2 * time.Second}, p)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; _ = tr.Close() })
	l.addr = s.Addr().String()
	return l
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

func TestExplore(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: a\rX-B: b\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: a\x00\x01b\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX A: a\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX(A: a\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A : a\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: a\r\n b\r\n\r\nok",
		"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 101 OK\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nok",
		"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		strings.Repeat("HTTP/1.1 103 P\r\nLink: x\r\n\r\n", 1000) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
		"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok!",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T, Content-Length\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nSet-Cookie: x\r\n\r\n",
		"HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 304 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 205 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0 200 OK\r\n\r\nok",
		"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"hello\r\n\r\n",
		"",
		"HTTP/1.1 200 OK\r\nConnection: X-A, close\r\nX-A: 1\r\nKeep-Alive: x\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: x\r\nX-A:" + strings.Repeat("a", 100000) + "\r\n\r\nok",
	} {
		l := newLink(t, answer)
		for _, m := range []string{"GET", "HEAD"} {
			back, _ := l.send(t, m+" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			fmt.Printf("%.130q\n   %s <- %d: %.250q\n", answer, m, len(back), back)
		}
	}
}
