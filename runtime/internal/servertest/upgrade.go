package servertest

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/attempt"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var upgradeTests = []test{
	{"Upgrade", testUpgrade},
	{"UpgradeCarriesMuch", testUpgradeCarriesMuch},
	{"UpgradeEndsWithTheUpstream", testUpgradeEndsWithTheUpstream},
	{"UpgradeBreaksOff", testUpgradeBreaksOff},
	{"UpgradeBreaksOffAtTheClient", testUpgradeBreaksOffAtTheClient},
	{"UpgradeWithoutHalfClose", testUpgradeWithoutHalfClose},
	{"UpgradeIsRefusedOverHTTP10", testUpgradeIsRefusedOverHTTP10},
	{"UpgradeWaitsForTheBody", testUpgradeWaitsForTheBody},
}

// pair connects two TCP connections, as they can be closed by halves.
func pair(t testing.TB) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), d.Close() })
	_, _ = c.SetDeadline(time.Now().Add(patience)), d.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn), d.(*net.TCPConn)
}

// An outcome is what an exchange says of its end.
type outcome struct {
	Sent    int64
	SendErr error
}

// upgrading answers by switching to conn.
func upgrading(conn io.ReadWriteCloser, done chan<- outcome) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) {
			done <- outcome{x.Sent, x.SendErr}
		})
		x.Response.Status, x.Response.Conn = 101, conn
		x.Response.Header = fields("Upgrade", x.Request.Header.Get("Upgrade"), "Sec-Websocket-Accept", "x")
		return nil
	}
}

const upgradeRequest = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

func testUpgrade(t *testing.T, e Engine) {
	attempt.Within(t, enough, func(t testing.TB, d time.Duration) { upgrade(t, e, d) })
}

func upgrade(t testing.TB, e Engine, d time.Duration) {
	ours, upstream := pair(t)
	done := make(chan outcome, 1)
	g := start(t, e, wire.ServerOptions{ReadTimeout: d, WriteTimeout: d, IdleTimeout: d}, upgrading(ours, done))
	c := g.dial(t)
	c.send(upgradeRequest + "early") // in one packet with the head
	head := c.head()
	for _, want := range []string{"HTTP/1.1 101 Switching Protocols\r\n", "Connection: Upgrade\r\n", "Upgrade: echo\r\n", "Sec-Websocket-Accept: x\r\n"} {
		if !strings.Contains(head, want) {
			t.Errorf("head %q lacks %q", head, want)
		}
	}
	if strings.Contains(head, "Content-") || strings.Contains(head, "Transfer-") {
		t.Errorf("head %q frames a body", head)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(upstream, b); string(b) != "early" || err != nil {
		t.Errorf("the upstream got %q, %v", b, err)
	}
	time.Sleep(d + brief) // the timeouts of requests don't hold any more
	if _, err := io.WriteString(upstream, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.r, b); string(b) != "hello" || err != nil {
		t.Errorf("the client got %q, %v", b, err)
	}
	// The client has said all, the upstream hasn't.
	c.send("last")
	c.halfClose()
	if b, err := io.ReadAll(upstream); string(b) != "last" || err != nil {
		t.Errorf("the upstream got %q, %v", b, err)
	}
	if _, err := io.WriteString(upstream, "answer"); err != nil {
		t.Fatal(err)
	}
	_ = upstream.Close()
	if rest, err := c.rest(); rest != "answer" || err != nil {
		t.Errorf("the client got %q, %v", rest, err)
	}
	if x := receive(t, done); x.Sent != int64(len("helloanswer")) || x.SendErr != nil {
		t.Errorf("Sent %d, SendErr %v", x.Sent, x.SendErr)
	}
}

// Much goes both ways at once, some of it right behind the head of the request.
func testUpgradeCarriesMuch(t *testing.T, e Engine) {
	const size = 4 << 20
	early := strings.Repeat("early", 20_000)
	ours, upstream := pair(t)
	done := make(chan outcome, 1)
	g := start(t, e, wire.ServerOptions{}, upgrading(ours, done))
	c := g.dial(t)
	go func() {
		_, _ = io.WriteString(c, upgradeRequest+early)
		_, _ = io.CopyN(c, zeros{}, size)
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	go func() {
		_, _ = io.CopyN(upstream, zeros{}, size)
		_ = upstream.CloseWrite()
	}()
	up := make(chan string)
	go func() {
		b, _ := io.ReadAll(upstream)
		up <- string(b)
	}()
	c.head()
	if rest, err := c.rest(); len(rest) != size || err != nil {
		t.Errorf("the client got %d bytes, %v", len(rest), err)
	}
	if got := receive(t, up); len(got) != len(early)+size || !strings.HasPrefix(got, early) {
		t.Errorf("the upstream got %d bytes", len(got))
	}
	if x := receive(t, done); x.Sent != size || x.SendErr != nil {
		t.Errorf("Sent %d, SendErr %v", x.Sent, x.SendErr)
	}
}

func testUpgradeEndsWithTheUpstream(t *testing.T, e Engine) {
	ours, upstream := pair(t)
	done := make(chan outcome, 1)
	c := start(t, e, wire.ServerOptions{}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	_ = upstream.CloseWrite()
	c.ended()
	c.send("still here")
	_ = c.Close()
	if b, err := io.ReadAll(upstream); string(b) != "still here" || err != nil {
		t.Errorf("the upstream got %q, %v", b, err)
	}
	receive(t, done)
}

func testUpgradeBreaksOff(t *testing.T, e Engine) {
	ours, upstream := pair(t)
	done, errs := make(chan outcome, 1), &errorHandler{}
	c := start(t, e, wire.ServerOptions{Errors: errs}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	_ = upstream.SetLinger(0)
	_ = upstream.Close() // a reset
	_, err := c.rest()   // a reset is as good as an end
	if gateway.IsTimeout(err) {
		t.Error("the client isn't told")
	}
	if x := receive(t, done); x.SendErr == nil {
		t.Error("no SendErr")
	}
	if err := errs.first(t); err.Code != "E2126" || err.Status != gateway.LogOnly {
		t.Errorf("logged %v", err)
	}
}

func testUpgradeBreaksOffAtTheClient(t *testing.T, e Engine) {
	ours, upstream := pair(t)
	done := make(chan outcome, 1)
	c := start(t, e, wire.ServerOptions{}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	if _, err := io.ReadAll(upstream); gateway.IsTimeout(err) {
		t.Error("the upstream isn't told")
	}
	receive(t, done)
}

// A connection that cannot be closed by halves is closed when the client ends.
func testUpgradeWithoutHalfClose(t *testing.T, e Engine) {
	ours, upstream := net.Pipe()
	done := make(chan outcome, 1)
	c := start(t, e, wire.ServerOptions{}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	c.halfClose()
	if _, err := upstream.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the upstream reads %v", err)
	}
	receive(t, done)
}

func testUpgradeIsRefusedOverHTTP10(t *testing.T, e Engine) {
	ours, upstream := net.Pipe()
	c := start(t, e, wire.ServerOptions{}, upgrading(ours, make(chan outcome, 1))).dial(t)
	c.send(strings.Replace(upgradeRequest, "HTTP/1.1", "HTTP/1.0", 1))
	if res, _ := c.response("GET"); res.StatusCode != 500 {
		t.Errorf("status %d", res.StatusCode)
	}
	if _, err := upstream.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection of the response isn't closed: %v", err)
	}
}

// An upgrade while the request is still coming would have two readers of one connection.
func testUpgradeWaitsForTheBody(t *testing.T, e Engine) {
	for _, tt := range []struct {
		sent string
		want int
	}{{"12345", 500}, {"1234567890", 101}} {
		closed := make(chan struct{})
		g := start(t, e, wire.ServerOptions{Errors: &errorHandler{}}, func(x *gateway.Exchange) error {
			if _, err := io.ReadFull(x.Request.Body, make([]byte, len(tt.sent))); err != nil {
				return err
			}
			near, far := net.Pipe()
			go func() {
				_, _ = io.Copy(io.Discard, far)
				close(closed)
			}()
			x.Response.Status, x.Response.Conn = 101, near
			return nil
		})
		c := g.dial(t)
		c.get("POST /", "Connection: Upgrade", "Upgrade: test", "Content-Length: 10")
		c.send(tt.sent)
		if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 "+itoa(tt.want)+" ") {
			t.Errorf("%d bytes sent: %q", len(tt.sent), head)
		}
		_ = c.Close()
		receive(t, closed)
	}
}
