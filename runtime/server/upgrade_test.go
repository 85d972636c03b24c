package server_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// pair connects two TCP connections, as they can be closed by halves.
func pair(t *testing.T) (a, b *net.TCPConn) {
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

// upgrading answers by switching to conn.
func upgrading(conn io.ReadWriteCloser, done chan<- *gateway.Exchange) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) {
			c := gateway.Exchange{Sent: x.Sent, SendErr: x.SendErr}
			done <- &c
		})
		x.Response.Status, x.Response.Conn = 101, conn
		x.Response.Header = fields("Upgrade", x.Request.Header.Get("Upgrade"), "Sec-Websocket-Accept", "x")
		return nil
	}
}

const upgradeRequest = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

func TestUpgrade(t *testing.T) {
	ours, upstream := pair(t)
	done := make(chan *gateway.Exchange, 1)
	g := start(t, server.Options{ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond}, upgrading(ours, done))
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
	time.Sleep(100 * time.Millisecond) // the timeouts of requests don't hold any more
	if _, err := io.WriteString(upstream, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.r, b); string(b) != "hello" || err != nil {
		t.Errorf("the client got %q, %v", b, err)
	}
	// The client has said all, the upstream hasn't.
	c.send("last")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
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
	if x := <-done; x.Sent != int64(len("helloanswer")) || x.SendErr != nil {
		t.Errorf("Sent %d, SendErr %v", x.Sent, x.SendErr)
	}
}

func TestUpgradeEndsWithTheUpstream(t *testing.T) {
	ours, upstream := pair(t)
	done := make(chan *gateway.Exchange, 1)
	c := start(t, server.Options{}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	_ = upstream.CloseWrite()
	if rest, err := c.rest(); rest != "" || err != nil {
		t.Errorf("the client got %q, %v", rest, err)
	}
	c.send("still here")
	_ = c.Close()
	if b, err := io.ReadAll(upstream); string(b) != "still here" || err != nil {
		t.Errorf("the upstream got %q, %v", b, err)
	}
	<-done
}

func TestUpgradeBreaksOff(t *testing.T) {
	ours, upstream := pair(t)
	done, errs := make(chan *gateway.Exchange, 1), &errorHandler{}
	c := start(t, server.Options{Errors: errs}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	_ = upstream.SetLinger(0)
	_ = upstream.Close() // a reset
	if _, err := c.rest(); err != nil {
		t.Logf("the client sees %v", err) // which is as good as an end
	}
	if x := <-done; x.SendErr == nil {
		t.Error("no SendErr")
	}
	if err, _ := gateway.AsError(errs.wait(t, 1)); err.Code != "E2126" || err.Status != gateway.LogOnly {
		t.Errorf("logged %v", err)
	}
}

// A connection that cannot be closed by halves is closed when the client ends.
func TestUpgradeWithoutHalfClose(t *testing.T) {
	ours, upstream := net.Pipe()
	done := make(chan *gateway.Exchange, 1)
	c := start(t, server.Options{}, upgrading(ours, done)).dial(t)
	c.send(upgradeRequest)
	c.head()
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	if _, err := upstream.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the upstream reads %v", err)
	}
	<-done
}

func TestUpgradeIsRefusedOverHTTP10(t *testing.T) {
	ours, upstream := net.Pipe()
	c := start(t, server.Options{}, upgrading(ours, make(chan *gateway.Exchange, 1))).dial(t)
	c.send(strings.Replace(upgradeRequest, "HTTP/1.1", "HTTP/1.0", 1))
	if res, _ := c.response("GET"); res.StatusCode != 500 {
		t.Errorf("status %d", res.StatusCode)
	}
	if _, err := upstream.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection of the response isn't closed: %v", err)
	}
}
