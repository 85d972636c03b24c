package transporttest

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var reuseTests = []test{
	{"ConnectionsAreKept", testConnectionsAreKept},
	{"Reuse", testReuse},
	{"NoReuse", testNoReuse},
	{"ExtraBytes", testExtraBytes},
	{"UnreadBody", testUnreadBody},
}

func testConnectionsAreKept(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		options wire.TransportOptions
		kept    bool
	}{
		"kept":        {wire.TransportOptions{}, true},
		"disabled":    {wire.TransportOptions{DisableKeepAlives: true}, false},
		"none wanted": {wire.TransportOptions{MaxIdleConnsPerHost: -1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, tr := newServer(t, remoteAddr), newTransport(t, e, tt.options)
			_, first := get(t, tr, s.URL)
			if _, second := get(t, tr, s.URL); (first == second) != tt.kept {
				t.Errorf("first from %s, then from %s", first, second)
			}
		})
	}
}

// numbered answers "/next" by the number of the connection, and else by response.
func numbered(response string) func(*conn) {
	return func(c *conn) {
		for {
			request := c.request()
			switch {
			case request == "":
				return
			case strings.Contains(request[:min(10, len(request))], "/next"):
				c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", c.n))
			default:
				c.say(response)
			}
		}
	}
}

// A connection is used again after each response that has been taken to its end.
func testReuse(t *testing.T, e Engine) {
	for name, tt := range map[string]struct{ method, response string }{
		"length":        {"GET", ok},
		"no content":    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"chunked":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		"empty chunked": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		"trailers":      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n"},
		"HEAD":          {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"},
		"HEAD, chunked": {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"HEAD, unknown": {"HEAD", "HTTP/1.1 200 OK\r\n\r\n"},
		"204":           {"DELETE", "HTTP/1.1 204 No Content\r\n\r\n"},
		"304":           {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"},
		"error":         {"GET", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"},
		"PUT":           {"PUT", ok},
		"POST":          {"POST", ok},
		"POST, chunks":  {"POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, tr := newUpstream(t, numbered(tt.response)), newTransport(t, e, wire.TransportOptions{})
			for i := range 3 {
				l := newLeg(t, tt.method, u.url())
				if strings.HasPrefix(tt.method, "P") {
					length := []int64{3, -1, 3}[i]
					l.setBody("abc", length)
				}
				l.serve(tr).text()
				l.end()
			}
			if _, on := get(t, tr, u.url()+"/next"); on != "0" {
				t.Errorf("the last request came on connection %s", on)
			}
		})
	}
}

// A connection that the upstream wants to close, or whose state isn't known, isn't used again.
func testNoReuse(t *testing.T, e Engine) {
	for name, tt := range map[string]struct{ method, response string }{
		"close":                 {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"},
		"Close among others":    {"GET", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok"},
		"close in chunks":       {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		"close without content": {"GET", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"},
		"HTTP/1.0":              {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"HEAD, close":           {"HEAD", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, tr := newUpstream(t, numbered(tt.response)), newTransport(t, e, wire.TransportOptions{})
			l := newLeg(t, tt.method, u.url()).serve(tr)
			l.text()
			l.end()
			if _, on := get(t, tr, u.url()+"/next"); on != "1" {
				t.Errorf("the second request came on connection %s", on)
			}
			u.wait(t, 0) // the transport closes it, though the upstream doesn't
		})
	}
}

// What comes behind a response that was not asked for belongs to none: whoever takes it for the response to the next
// request gives one client what is for another.
func testExtraBytes(t *testing.T, e Engine) {
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	for name, tt := range map[string]struct{ method, response string }{
		"204":          {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
		"304":          {"GET", "HTTP/1.1 304 Not Modified\r\n\r\n"},
		"304, length":  {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nstray"},
		"HEAD":         {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"},
		"length":       {"GET", ok},
		"no content":   {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"chunked":      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		"large length": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + strings.Repeat("x", 50_000)},
		"POST":         {"POST", ok},
	} {
		for _, extra := range []string{poison, "x", "\r\n"} {
			t.Run(fmt.Sprintf("%s %.2q", name, extra), func(t *testing.T) {
				t.Parallel()
				u, tr := newUpstream(t, numbered(tt.response+extra)), newTransport(t, e, wire.TransportOptions{})
				l := newLeg(t, tt.method, u.url())
				if tt.method == "POST" {
					l.setBody("abc", 3)
				}
				if got := l.serve(tr).text(); strings.Contains(got, "poison") || strings.Contains(got, "stray") {
					t.Errorf("the body is %q", got)
				}
				l.end()
				if _, on := get(t, tr, u.url()+"/next"); on != "1" {
					t.Errorf("the second request came on connection %s", on)
				}
				u.wait(t, 0)
			})
		}
	}
}

func testUnreadBody(t *testing.T, e Engine) {
	for name, head := range map[string]string{
		"length": "Content-Length: 10000000\r\n\r\n", "chunks": "Transfer-Encoding: chunked\r\n\r\n989680\r\n", "the end": "\r\n",
	} {
		for _, read := range []int{0, 1000} {
			t.Run(fmt.Sprint(name, " ", read), func(t *testing.T) {
				t.Parallel()
				u := newUpstream(t, numbered("HTTP/1.1 200 OK\r\n"+head+strings.Repeat("x", 1_000_000)))
				tr := newTransport(t, e, wire.TransportOptions{})
				l := newLeg(t, "GET", u.url()).serve(tr)
				if _, err := bufio.NewReaderSize(l.Response.Body, read+16).Peek(read); err != nil {
					t.Error(err)
				}
				l.end()
				u.wait(t, 0)
				if _, on := get(t, tr, u.url()+"/next"); on != "1" {
					t.Errorf("the second request came on connection %s", on)
				}
			})
		}
	}
}
