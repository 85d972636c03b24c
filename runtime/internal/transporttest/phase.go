package transporttest

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/dnstest"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var phaseTests = []test{
	{"Phases", testPhases},
	{"SentBeforeTheConnectionFailed", testSentBefore},
	{"FollowsTheName", testFollowsTheName},
	{"SpreadsConnections", testSpreadsConnections},
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// An error names the upstream, and says what was being done with it and whether something was sent.
func testPhases(t *testing.T, e Engine) {
	ca := testpki.New(t)
	dns := dnstest.New(t)
	patient := wire.TransportOptions{}
	slow := wire.TransportOptions{ResponseHeaderTimeout: 10 * soon, TLSHandshakeTimeout: 10 * soon}
	cut := func(response string) func(*conn) {
		return func(c *conn) {
			_ = c.head()
			c.say(response)
		}
	}
	for name, tt := range map[string]struct {
		options  wire.TransportOptions
		scheme   string
		upstream func(*conn) // nil for an address that is given by host
		host     func() string
		upload   bool
		phase    gateway.Phase
		sent     bool
		timeout  bool
	}{
		"no such name":        {wire.TransportOptions{Dial: dial.Options{Resolver: dns.Resolver()}}, "http", nil, func() string { return "up.test.:1" }, false, gateway.PhaseResolve, false, false},
		"refused":             {patient, "http", nil, func() string { return closedPort(t) }, false, gateway.PhaseConnect, false, false},
		"refused, with TLS":   {patient, "https", nil, func() string { return closedPort(t) }, false, gateway.PhaseConnect, false, false},
		"handshake":           {patient, "https", func(c *conn) { c.say("this is not TLS\r\n\r\n"); _, _ = c.ends() }, nil, false, gateway.PhaseHandshake, false, false},
		"closed in handshake": {patient, "https", func(c *conn) { _, _ = c.r.Peek(1); c.reset() }, nil, false, gateway.PhaseHandshake, false, false},
		"slow handshake":      {slow, "https", func(c *conn) { _, _ = c.ends() }, nil, false, gateway.PhaseHandshake, false, true},
		"unknown authority": {patient, "https", nil, func() string {
			return strings.TrimPrefix(newTLSServer(t, ca, false, nil, proto).URL, "https://")
		}, false, gateway.PhaseHandshake, false, false},
		"reset while sending": {patient, "http", func(c *conn) {
			_ = c.head()
			_, _ = io.CopyN(io.Discard, c.r, 100<<10)
			c.reset()
		}, nil, true, gateway.PhaseSend, true, false},
		"closed":        {patient, "http", cut(""), nil, false, gateway.PhaseWait, true, false},
		"slow":          {slow, "http", func(c *conn) { _, _ = c.ends() }, nil, false, gateway.PhaseWait, true, true},
		"not HTTP":      {patient, "http", cut("220 ready\r\n\r\n"), nil, false, gateway.PhaseWait, true, false},
		"cut in a head": {patient, "http", cut("HTTP/1.1 200 OK\r\nX: "), nil, false, gateway.PhaseWait, true, false},
		"cut in a body": {patient, "http", cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), nil, false, gateway.PhaseRead, true, false},
		"cut in a chunk": {patient, "http", cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"),
			nil, false, gateway.PhaseRead, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := ""
			if tt.upstream != nil {
				host = newUpstream(t, tt.upstream).addr
			} else {
				host = tt.host()
			}
			l := newLeg(t, "POST", tt.scheme+"://"+host)
			defer l.end()
			if tt.upload {
				l.Request.Body, l.Request.ContentLength = &body{Reader: &endless{part: strings.Repeat("x", 32<<10)}}, 1<<40
			}
			err := newTransport(t, e, tt.options).Serve(l.Exchange)
			if err == nil && l.Response.Body != nil {
				_, err = io.ReadAll(l.Response.Body)
			}
			failure, ok := errors.AsType[*gateway.UpstreamError](err)
			if !ok {
				t.Fatalf("the error is %v", err)
			}
			if failure.Phase != tt.phase || failure.Sent != tt.sent || gateway.IsTimeout(err) != tt.timeout {
				t.Errorf("the phase is %v, sent %t, timeout %t: %v", failure.Phase, failure.Sent, gateway.IsTimeout(err), err)
			}
			if want := "POST to upstream " + tt.scheme + "://" + host + ": " + tt.phase.String() + ": "; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("the error is %v; it should begin with %q", err, want)
			}
		})
	}
}

// A request that went out on a kept connection may have got there, though no further connection comes about.
func testSentBefore(t *testing.T, e Engine) {
	var u *upstream
	closing := make(chan struct{})
	u = newUpstream(t, func(c *conn) {
		_ = c.head()
		c.say("HTTP/1.1 204 No Content\r\n\r\n")
		_ = c.head()
		<-closing
	})
	tr := newTransport(t, e, wire.TransportOptions{})
	get(t, tr, u.url())
	u.stop()
	close(closing)
	l := newLeg(t, "GET", u.url())
	defer l.end()
	failure, ok := errors.AsType[*gateway.UpstreamError](tr.Serve(l.Exchange))
	if !ok || failure.Phase != gateway.PhaseConnect || !failure.Sent {
		t.Errorf("the error is %+v", failure)
	}
}

// onAddresses starts upstreams on one port of several addresses, which answer by theirs.
func onAddresses(t *testing.T, addrs ...string) (port string) {
	t.Helper()
	port = "0"
	for _, a := range addrs {
		l, err := net.Listen("tcp", net.JoinHostPort(a, port))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		serveUpstream(t, l, answering("HTTP/1.1 200 OK\r\nContent-Length: "+itoa(int64(len(a)))+"\r\n\r\n"+a))
	}
	return port
}

// Kept connections end when the name has given their address up, and new ones go where it points to. Those that are
// used for one request after the other are no exception.
func testFollowsTheName(t *testing.T, e Engine) {
	dns := dnstest.New(t)
	dns.Set("up.test", "127.0.0.2")
	url := "http://up.test:" + onAddresses(t, "127.0.0.2", "127.0.0.3")
	tr := newTransport(t, e, wire.TransportOptions{Dial: dial.Options{Resolver: dns.Resolver(), LookupInterval: soon / 4}})
	for range 3 {
		if _, body := get(t, tr, url); body != "127.0.0.2" {
			t.Fatalf("answered by %s", body)
		}
	}
	dns.Set("up.test", "127.0.0.3")
	eventually(t, "an answer from the new address", func() bool { _, body := get(t, tr, url); return body == "127.0.0.3" })
	for range 20 {
		if _, body := get(t, tr, url); body != "127.0.0.3" {
			t.Errorf("answered by %s", body)
		}
	}
}

func testSpreadsConnections(t *testing.T, e Engine) {
	dns := dnstest.New(t)
	dns.Set("up.test", "127.0.0.2", "127.0.0.9", "127.0.0.3") // the second one is dead
	url := "http://up.test:" + onAddresses(t, "127.0.0.2", "127.0.0.3")
	tr := newTransport(t, e, wire.TransportOptions{DisableKeepAlives: true, Dial: dial.Options{Resolver: dns.Resolver()}})
	got := map[string]int{}
	for range 30 {
		_, body := get(t, tr, url)
		got[body]++
	}
	if got["127.0.0.2"] < 10 || got["127.0.0.3"] < 10 {
		t.Errorf("answered by %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := newLeg(t, "GET", "http://other.test:1")
	defer l.end()
	l.SetContext(ctx)
	if err := tr.Serve(l.Exchange); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
