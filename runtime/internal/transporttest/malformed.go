package transporttest

import (
	"io"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var malformedTests = []test{
	{"BrokenResponses", testBrokenResponses},
	{"BrokenChunks", testBrokenChunks},
	{"AmbiguousFraming", testAmbiguousFraming},
	{"EndlessHead", testEndlessHead},
	{"EndlessTrailer", testEndlessTrailer},
}

// testBroken asks an upstream that answers so, and checks that this is an error, that the connection is closed,
// and that the next request is answered on another one.
func testBroken(t *testing.T, e Engine, o wire.TransportOptions, response string) error {
	t.Helper()
	u := newUpstream(t, func(c *conn) {
		if strings.HasPrefix(c.head(), "GET /next") {
			c.say(ok)
			return
		}
		c.say(response)
		if response != "" {
			_, _ = c.ends() // or it would be the upstream that closes
		}
	})
	tr := newTransport(t, e, o)
	l := newLeg(t, "GET", u.url()+"/secret")
	err := tr.Serve(l.Exchange)
	if err == nil && l.Response.Body != nil {
		_, err = io.ReadAll(l.Response.Body)
	} else if err != nil {
		if want := "GET to upstream " + u.url() + ": "; !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error is %v; it should begin with %q", err, want)
		}
	}
	if err == nil || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
	l.end()
	u.wait(t, 0)
	if _, body := get(t, tr, u.url()+"/next"); body != "ok" {
		t.Errorf("the next response is %q", body)
	}
	return err
}

func testBrokenResponses(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		response string
		sloppy   bool
	}{
		"closed at once":          {"", false},
		"not HTTP":                {"SSH-2.0-OpenSSH\r\n\r\n", false},
		"garbage":                 {"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", false},
		"no version":              {"200 OK\r\n\r\n", false},
		"another version":         {"HTTP/2.0 200 OK\r\n\r\n", true},
		"HTTP/1.10":               {"HTTP/1.10 200 OK\r\n\r\n", false},
		"status of two digits":    {"HTTP/1.1 20 OK\r\n\r\n", false},
		"status of four digits":   {"HTTP/1.1 2000 OK\r\n\r\n", false},
		"status of no digits":     {"HTTP/1.1 abc OK\r\n\r\n", false},
		"status below 100":        {"HTTP/1.1 099 OK\r\n\r\n", false},
		"no colon":                {"HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\n", false},
		"no name":                 {"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\nok", false},
		"blank in front of colon": {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", true},
		"bare LF":                 {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", true},
		"folded":                  {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", true},
		"NUL":                     {"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok", true},
		"CR":                      {"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok", true},
		"two lengths":             {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false},
		"list of lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab", false},
		"negative length":         {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", false},
		"signed length":           {"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab", false},
		"huge length":             {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab", false},
		"no length":               {"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nab", true},
		"unknown coding":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab", false},
		"chunked twice":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", false},
		"101 without upgrade":     {"HTTP/1.1 101 Switching Protocols\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.sloppy && e.TakesSloppy {
				t.Skip("the engine takes it")
			}
			_ = testBroken(t, e, wire.TransportOptions{}, tt.response)
		})
	}
	t.Run("cut in the head", func(t *testing.T) {
		t.Parallel()
		u := newUpstream(t, func(c *conn) {
			_ = c.head()
			c.say("HTTP/1.1 200 OK\r\nX-A: 1\r\n")
		})
		l := newLeg(t, "GET", u.url())
		defer l.end()
		if err := newTransport(t, e, wire.TransportOptions{}).Serve(l.Exchange); err == nil || !strings.Contains(err.Error(), "EOF") {
			t.Errorf("the error is %v", err)
		}
		if n := u.count(); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("head too large", func(t *testing.T) {
		t.Parallel()
		_ = testBroken(t, e, wire.TransportOptions{MaxResponseHeaderBytes: 1 << 10}, "HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	})
}

func testBrokenChunks(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		chunks string
		sloppy bool
	}{
		"no size":           {"\r\nabc\r\n0\r\n\r\n", false},
		"no digits":         {"xyz\r\nabc\r\n0\r\n\r\n", false},
		"negative":          {"-3\r\nabc\r\n0\r\n\r\n", false},
		"prefix":            {"0x3\r\nabc\r\n0\r\n\r\n", false},
		"too short":         {"2\r\nabc\r\n0\r\n\r\n", false},
		"too long":          {"4\r\nabc\r\n0\r\n\r\n", false},
		"no end of chunk":   {"3\r\nabc0\r\n\r\n", false},
		"overflow":          {"10000000000000003\r\nabc\r\n0\r\n\r\n", false},
		"bare LF":           {"3\nabc\n0\n\n", true},
		"malformed trailer": {"3\r\nabc\r\n0\r\nno colon\r\n\r\n", false},
		"endless extension": {"3;" + strings.Repeat("x", 1<<20) + "\r\nabc\r\n0\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.sloppy && e.TakesSloppy {
				t.Skip("the engine takes it")
			}
			_ = testBroken(t, e, wire.TransportOptions{}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+tt.chunks)
		})
	}
}

// Two framings: whichever holds, the connection ends (RFC 9112, section 6.3). Refusing it will do.
func testAmbiguousFraming(t *testing.T, e Engine) {
	u := newUpstream(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	tr := newTransport(t, e, wire.TransportOptions{})
	for range 2 {
		l := newLeg(t, "GET", u.url())
		if err := tr.Serve(l.Exchange); err == nil {
			l.expect(200, "")
		}
		l.end()
	}
	if n := u.count(); n != 2 && !e.KeepsAmbiguous {
		t.Errorf("%d connections for two requests", n)
	}
}

// A head that doesn't end is given up before it has filled the memory.
func testEndlessHead(t *testing.T, e Engine) {
	for name, part := range map[string]string{"fields": "A: b\r\n", "value": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, func(c *conn) {
				_ = c.head()
				c.say("HTTP/1.1 200 OK\r\nX: ")
				_, _ = io.Copy(c, &endless{part: strings.Repeat(part, 1000)})
			})
			l := newLeg(t, "GET", u.url())
			defer l.end()
			tr := newTransport(t, e, wire.TransportOptions{MaxResponseHeaderBytes: 64 << 10})
			err := tr.Serve(l.Exchange)
			if err == nil || gateway.IsTimeout(err) {
				t.Errorf("the error is %v", err)
			}
			u.wait(t, 0)
		})
	}
}

func testEndlessTrailer(t *testing.T, e Engine) {
	u := newUpstream(t, func(c *conn) {
		_ = c.head()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
		_, _ = io.Copy(c, &endless{part: strings.Repeat("A: b\r\n", 1000)})
	})
	l := newLeg(t, "GET", u.url())
	defer l.end()
	l.serve(newTransport(t, e, wire.TransportOptions{}))
	if _, err := io.ReadAll(l.Response.Body); err == nil || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
	l.end()
	u.wait(t, 0)
}

// endless repeats a part.
type endless struct {
	part string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.part[e.at:])
	e.at = (e.at + n) % len(e.part)
	return n, nil
}
