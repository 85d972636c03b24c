package http3server

import (
	"cmp"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A seen request is what a handler sees of one.
type seen struct {
	Method, Host, Target, Proto, Scheme, Path, RawPath, RawQuery string
	Header                                                       gateway.Header // sorted
	ContentLength                                                int64
	Body                                                         string // and trailers
	NilBody                                                      bool
}

func see(t *testing.T, x *gateway.Exchange) seen {
	q := &x.Request
	s := seen{q.Method, q.Host, q.Target, q.Proto, q.Scheme, q.Path, q.RawPath, q.RawQuery, sorted(q.Header), q.ContentLength, "", q.Body == nil}
	if q.Body != nil {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		s.Body = string(b)
	}
	if q.Trailer != nil {
		for _, f := range sorted(q.Trailer()) {
			s.Body += "+" + f.Name + "=" + f.Value
		}
	}
	return s
}

// sorted is h by canonical names, without Content-Length and Date.
func sorted(h gateway.Header) (list gateway.Header) {
	for _, f := range h {
		if name := gateway.CanonicalName(f.Name); name != "Content-Length" && name != "Date" {
			list.Add(name, f.Value)
		}
	}
	slices.SortStableFunc(list, func(a, b gateway.Field) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func TestRequest(t *testing.T) {
	t.Parallel()
	got := make(chan seen, 1)
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		got <- see(t, x)
		return nil
	})
	usual := seen{Method: "GET", Host: "gw.test", Target: "/", Proto: "HTTP/3.0", Scheme: "https", Path: "/", RawPath: "/", NilBody: true}
	with := func(f func(s *seen)) seen { s := usual; f(&s); return s }
	of := func(method, path string, fields ...string) []byte {
		return head(append([]string{":method", method, ":scheme", "https", ":authority", "gw.test", ":path", path}, fields...)...)
	}
	tests := []struct {
		name   string
		frames [][]byte
		want   seen
	}{
		{"plain", [][]byte{of("GET", "/a/b?x=1&y=%20z", "accept", "*/*", "x-foo", "1", "x-foo", "2")}, with(func(s *seen) {
			s.Target, s.Path, s.RawPath, s.RawQuery = "/a/b?x=1&y=%20z", "/a/b", "/a/b", "x=1&y=%20z"
			s.Header = fields("Accept", "*/*", "X-Foo", "1", "X-Foo", "2")
		})},
		{"Host instead of the authority", [][]byte{head(":method", "GET", ":scheme", "https", ":path", "/", "host", "other.test:1")}, with(func(s *seen) { s.Host = "other.test:1" })},
		{"both", [][]byte{of("GET", "/", "host", "gw.test")}, usual},
		{"escaped path", [][]byte{of("GET", "/a%2Fb/%E3%81%82/c%20d")}, with(func(s *seen) {
			s.Target, s.Path, s.RawPath = "/a%2Fb/%E3%81%82/c%20d", "/a/b/あ/c d", "/a%2Fb/%E3%81%82/c%20d"
		})},
		{"two slashes", [][]byte{of("GET", "//a//b")}, with(func(s *seen) { s.Target, s.Path, s.RawPath = "//a//b", "//a//b", "//a//b" })},
		{"asterisk", [][]byte{of("OPTIONS", "*")}, with(func(s *seen) { s.Method, s.Target, s.Path, s.RawPath = "OPTIONS", "*", "*", "*" })},
		{"CONNECT", [][]byte{head(":method", "CONNECT", ":authority", "other.test:443")}, with(func(s *seen) {
			s.Method, s.Host, s.Target, s.Path, s.RawPath = "CONNECT", "other.test:443", "other.test:443", "", ""
		})},
		{"method of one's own", [][]byte{of("M-SEARCH", "/")}, with(func(s *seen) { s.Method = "M-SEARCH" })},
		{"cookies in pieces", [][]byte{of("GET", "/", "cookie", "a=1", "cookie", "b=2")}, with(func(s *seen) { s.Header = fields("Cookie", "a=1; b=2") })},
		{"trailers are welcome", [][]byte{of("GET", "/", "te", "trailers")}, with(func(s *seen) { s.Header = fields("Te", "trailers") })},
		{"unknown frames", [][]byte{{0x21, 2, 'x', 'y'}, of("POST", "/"), {0x21, 0}, data("a"), {0x21, 1, 'z'}, data("b")}, with(func(s *seen) {
			s.Method, s.ContentLength, s.Body, s.NilBody = "POST", -1, "ab", false
		})},
		{"body of known length", [][]byte{of("POST", "/", "content-length", "5"), data("hel"), data("lo")}, with(func(s *seen) {
			s.Method, s.ContentLength, s.Body, s.NilBody = "POST", 5, "hello", false
		})},
		{"body of unknown length", [][]byte{of("PUT", "/"), data("hello")}, with(func(s *seen) {
			s.Method, s.ContentLength, s.Body, s.NilBody = "PUT", -1, "hello", false
		})},
		{"GET with a body", [][]byte{of("GET", "/"), data("hello")}, with(func(s *seen) { s.ContentLength, s.Body, s.NilBody = -1, "hello", false })},
		{"no body, length told", [][]byte{of("POST", "/", "content-length", "0")}, with(func(s *seen) { s.Method = "POST" })},
		{"no body, length not told", [][]byte{of("POST", "/")}, with(func(s *seen) { s.Method = "POST" })},
		{"trailers", [][]byte{of("POST", "/", "trailer", "x-sum, x-more"), data("ab"), head("x-sum", "2", "x-more", "3")}, with(func(s *seen) {
			s.Method, s.ContentLength, s.Body, s.NilBody = "POST", -1, "ab+X-More=3+X-Sum=2", false
		})},
	}
	c := g.dial(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := c.open()
			s.t = t
			for i, f := range tt.frames {
				if i == len(tt.frames)-1 { // so that it comes along with the end
					_, _ = s.Write(f)
					break
				}
				s.send(f)
			}
			s.end()
			s.expect(200, "")
			q := receive(t, got)
			if q.Header.Del("Trailer"); len(q.Header) == 0 {
				q.Header = nil
			}
			if diff := gocmp.Diff(tt.want, q); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A GET whose end comes behind its head has no body either.
func TestLateEnd(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if x.Request.Body != nil {
			return text(400, "a body")(x)
		}
		return nil
	})
	c := g.dial(t)
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		s := c.request(method, "/")
		time.Sleep(soon)
		s.end()
		if r := s.response(); r.status != 200 {
			t.Errorf("%s: %d", method, r.status)
		}
	}
}

// What isn't known to have no body has one of unknown length. An answer needn't wait for it.
func TestNoEnd(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if x.Request.Body == nil || x.Request.ContentLength != -1 {
			return text(400, "no body")(x)
		}
		return nil
	})
	c := g.dial(t)
	for _, method := range []string{"POST", "GET"} { // the latter is waited for, but not for long
		s := c.request(method, "/")
		s.expect(200, "")
	}
}

// A malformed request reaches no handler, and leaves the connection to others (RFC 9114, section 4.1.2).
func TestMalformed(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if x.Request.Path != "/ok" {
			t.Errorf("the handler gets %+v", x.Request)
		}
		return echo(x)
	})
	c := g.dial(t)
	of := func(fields ...string) []string {
		return append([]string{":method", "GET", ":scheme", "https", ":authority", "gw.test", ":path", "/"}, fields...)
	}
	for name, fields := range map[string][]string{
		"upper case":                of("X-Foo", "1"),
		"blank in a name":           of("x foo", "1"),
		"line feed in a value":      of("x-foo", "1\r\nx-bar: 2"),
		"NUL in a value":            of("x-foo", "1\x002"),
		"Connection":                of("connection", "close"),
		"Transfer-Encoding":         of("transfer-encoding", "chunked"),
		"Upgrade":                   of("upgrade", "websocket"),
		"TE":                        of("te", "gzip"),
		"unknown pseudo-header":     of(":foo", "1"),
		"pseudo-header twice":       of(":path", "/2"),
		"pseudo-header behind":      {":method", "GET", ":scheme", "https", "x-foo", "1", ":authority", "gw.test", ":path", "/"},
		"of a response":             of(":status", "200"),
		"no path":                   {":method", "GET", ":scheme", "https", ":authority", "gw.test"},
		"no authority":              {":method", "GET", ":scheme", "https", ":path", "/"},
		"two authorities":           of("host", "other.test"),
		"user info":                 {":method", "GET", ":scheme", "https", ":authority", "ann@gw.test", ":path", "/"},
		"absolute path":             {":method", "GET", ":scheme", "https", ":authority", "gw.test", ":path", "https://gw.test/"},
		"bad method":                {":method", "G T", ":scheme", "https", ":authority", "gw.test", ":path", "/"},
		"contradicting lengths":     of("content-length", "1", "content-length", "2"),
		"bad length":                of("content-length", "-1"),
		"CONNECT with a path":       {":method", "CONNECT", ":scheme", "https", ":authority", "gw.test", ":path", "/"},
		"protocol without CONNECT":  of(":protocol", "websocket"),
		"extended CONNECT, no path": {":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "gw.test"},
	} {
		s := c.open()
		s.send(head(fields...))
		s.end()
		if r, err := s.read(); resetWith(err) != http3.ErrCodeMessageError {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
		c.get("/ok").expect(200, "/ok")
	}
}

// A body that isn't as long as its request says fails to be read, and so does one that is given up.
func TestBodyIsNotWhole(t *testing.T) {
	t.Parallel()
	begun, failed := make(chan struct{}, 1), make(chan error, 1)
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		begun <- struct{}{}
		_, err := io.ReadAll(x.Request.Body)
		failed <- err
		return err
	})
	c := g.dial(t)
	for name, send := range map[string]func(s *stream){
		"too short":      func(s *stream) { s.send(data("1234")); s.end() },
		"too long":       func(s *stream) { s.send(data("123456")); s.end() },
		"given up":       func(s *stream) { s.send(data("1")); s.CancelWrite(0x10c) },
		"half a frame":   func(s *stream) { s.send([]byte{frameData, 5, '1'}); s.end() },
		"bad trailer":    func(s *stream) { s.send(data("12345"), head(":path", "/")); s.end() },
		"data behind it": func(s *stream) { s.send(data("12345"), head("x", "y"), data("6")); s.end() },
	} {
		s := c.request("POST", "/", "content-length", "5")
		receive(t, begun)
		send(s)
		if err := receive(t, failed); err == nil {
			t.Errorf("%s: the handler sees a clean end", name)
		}
	}
}

func TestRemoteAddr(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if x.Request.TLS == nil || x.Request.TLS.NegotiatedProtocol != "h3" || !x.Request.TLS.HandshakeComplete {
			t.Errorf("TLS: %+v", x.Request.TLS)
		}
		return text(200, x.Request.RemoteAddr)(x)
	})
	c := g.dial(t)
	r := c.get("/").response()
	if _, want, _ := net.SplitHostPort(c.LocalAddr().String()); !strings.HasSuffix(r.body, ":"+want) {
		t.Errorf("got %s, not port %s", r.body, want)
	}
}
