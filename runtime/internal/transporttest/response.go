package transporttest

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var responseTests = []test{
	{"Response", testResponse},
	{"ResponseByteByByte", testResponseByteByByte},
	{"LargeResponses", testLargeResponses},
	{"CutBody", testCutBody},
	{"LargeHead", testLargeHead},
}

// A shape is what a test looks at in a response.
type shape struct {
	Status  int
	Header  gateway.Header // sorted, without Connection
	Length  int64
	Body    string
	Trailer gateway.Header // sorted
}

func (l *leg) shape() shape {
	l.t.Helper()
	r := &l.Response
	s := shape{Status: r.Status, Header: sorted(r.Header), Length: r.ContentLength, Body: l.text()}
	s.Header.Del("Connection") // the proxy takes it away
	for i := range s.Header {
		if f := &s.Header[i]; f.Name == "Trailer" { // the order of the names doesn't matter
			names := slices.Collect(gateway.SplitList(f.Value))
			slices.Sort(names)
			f.Value = strings.Join(names, ", ")
		}
	}
	if len(s.Header) == 0 {
		s.Header = nil
	}
	if r.Trailer != nil {
		s.Trailer = sorted(r.Trailer())
	}
	return s
}

var responses = map[string]struct {
	method, response string
	want             shape
}{
	"length":                {"GET", "200 OK\r\nX-B: 1\r\nContent-Length: 3\r\nX-A: 2\r\nx-b: 3\r\n\r\nabc", shape{200, fields("X-A", "2", "X-B", "1", "X-B", "3"), 3, "abc", nil}},
	"blanks around values":  {"GET", "200 OK\r\nA:1\r\nB: \t2 3\t \r\nC:\r\nContent-Length: 3\r\n\r\nabc", shape{200, fields("A", "1", "B", "2 3", "C", ""), 3, "abc", nil}},
	"no reason":             {"GET", "200 \r\nContent-Length: 3\r\n\r\nabc", shape{200, nil, 3, "abc", nil}},
	"no body":               {"GET", "200 OK\r\nContent-Length: 0\r\n\r\n", shape{200, nil, 0, "", nil}},
	"until the end":         {"GET", "200 OK\r\nConnection: close\r\n\r\nabc", shape{200, nil, -1, "abc", nil}},
	"until the end, unsaid": {"GET", "200 OK\r\n\r\nabc", shape{200, nil, -1, "abc", nil}},
	"chunked":               {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", shape{200, nil, -1, "abc", nil}},
	"chunk extensions":      {"GET", "200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n01;a;b=c;d=\"e\"\r\na\r\n2\r\nbc\r\n00\r\n\r\n", shape{200, nil, -1, "abc", nil}},
	"empty chunked":         {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", shape{200, nil, -1, "", nil}},
	"trailers": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T, X-S\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n",
		shape{200, fields("Trailer", "X-S, X-T"), -1, "abc", fields("X-T", "1", "X-U", "2")}},
	"trailers nobody announced": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n", shape{200, nil, -1, "abc", fields("Grpc-Status", "0")}},
	"HEAD":                      {"HEAD", "200 OK\r\nContent-Length: 3\r\n\r\n", shape{200, nil, 3, "", nil}},
	"HEAD, unknown length":      {"HEAD", "200 OK\r\n\r\n", shape{200, nil, -1, "", nil}},
	"HEAD, chunked":             {"HEAD", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", shape{200, nil, -1, "", nil}},
	"304":                       {"GET", "304 Not Modified\r\nContent-Length: 3\r\n\r\n", shape{304, nil, 3, "", nil}},
	"304, unknown length":       {"GET", "304 Not Modified\r\nEtag: x\r\n\r\n", shape{304, fields("Etag", "x"), -1, "", nil}},
	"204":                       {"GET", "204 No Content\r\n\r\n", shape{204, nil, 0, "", nil}},
	"unusual status":            {"GET", "599 Whatever\r\nContent-Length: 0\r\n\r\n", shape{599, nil, 0, "", nil}},
	"bytes that aren't ASCII":   {"GET", "200 \xe4\r\nX: \xe4\xff\r\nContent-Length: 0\r\n\r\n", shape{200, fields("X", "\xe4\xff"), 0, "", nil}},
}

func testResponse(t *testing.T, e Engine) {
	tr := newTransport(t, e, wire.TransportOptions{})
	for name, tt := range responses {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, func(c *conn) {
				_ = c.head()
				c.say("HTTP/1.1 " + tt.response)
			})
			l := newLeg(t, tt.method, u.url())
			defer l.end()
			if diff := cmp.Diff(tt.want, l.serve(tr).shape()); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("HTTP/1.0", func(t *testing.T) {
		u := newUpstream(t, func(c *conn) {
			_ = c.head()
			c.say("HTTP/1.0 200 OK\r\n\r\nabc")
		})
		if status, body := get(t, tr, u.url()); status != 200 || body != "abc" {
			t.Errorf("%d %q", status, body)
		}
	})
}

func testResponseByteByByte(t *testing.T, e Engine) {
	tr := newTransport(t, e, wire.TransportOptions{})
	for name, tt := range responses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, func(c *conn) {
				_ = c.head()
				all := "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 " + tt.response
				for i := range len(all) {
					c.say(all[i : i+1])
					time.Sleep(50 * time.Microsecond) // so that the other side reads; what is tested holds without it, too
				}
			})
			l := newLeg(t, tt.method, u.url())
			defer l.end()
			if diff := cmp.Diff(tt.want, l.serve(tr).shape()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func testLargeResponses(t *testing.T, e Engine) {
	tr := newTransport(t, e, wire.TransportOptions{})
	content := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	var chunks strings.Builder
	for i := 0; i < len(content); i += 10_000 {
		part := content[i:min(i+10_000, len(content))]
		chunks.WriteString(hex(len(part)) + "\r\n" + part + "\r\n")
	}
	for name, response := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + content,
		"chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\n\r\n",
		"the end": "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, func(c *conn) {
				for c.head() != "" {
					c.say(response)
					if name == "the end" {
						return
					}
				}
			})
			for range 3 {
				if _, got := get(t, tr, u.url()); got != content {
					t.Fatalf("%d bytes", len(got))
				}
			}
			if n := u.count(); name != "the end" && n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A body that is cut off must not look complete, and its connection isn't used again.
func testCutBody(t *testing.T, e Engine) {
	for name, response := range map[string]string{
		"length":         "Content-Length: 10\r\n\r\nabc",
		"in a chunk":     "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"between chunks": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"last chunk":     "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
		"in the trailer": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n",
	} {
		for _, reset := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " reset", false: ""}[reset], func(t *testing.T) {
				t.Parallel()
				read := make(chan struct{})
				u := newUpstream(t, func(c *conn) {
					if strings.HasPrefix(c.head(), "GET /next") {
						c.say(ok)
						return
					}
					c.say("HTTP/1.1 200 OK\r\n" + response)
					if reset {
						receive(t, read)
						c.reset()
					}
				})
				tr := newTransport(t, e, wire.TransportOptions{})
				l := newLeg(t, "GET", u.url()).serve(tr)
				close(read)
				got, err := io.ReadAll(l.Response.Body)
				if err == nil || name == "length" && !reset && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("the error is %v", err)
				}
				if string(got) != "abc" && (!reset || !strings.HasPrefix("abc", string(got))) { // a reset may overtake it
					t.Errorf("read %q", got)
				}
				l.end()
				if _, body := get(t, tr, u.url()+"/next"); body != "ok" || u.count() != 2 {
					t.Errorf("%q; %d connections", body, u.count())
				}
			})
		}
	}
}

// Heads may be large, as those with many cookies are.
func testLargeHead(t *testing.T, e Engine) {
	tr := newTransport(t, e, wire.TransportOptions{})
	for _, n := range []int{100, 4000, 8000, 16_000, 60_000} {
		u := newUpstream(t, answering("HTTP/1.1 200 OK\r\nSet-Cookie: "+strings.Repeat("x", n)+"\r\nContent-Length: 2\r\n\r\nok"))
		l := newLeg(t, "GET", u.url()).serve(tr)
		if got := l.Response.Header.Get("Set-Cookie"); len(got) != n || l.text() != "ok" {
			t.Errorf("%d bytes, not %d", len(got), n)
		}
		l.end()
	}
}
