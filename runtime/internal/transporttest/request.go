package transporttest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var requestTests = []test{
	{"Target", testTarget},
	{"Header", testHeader},
	{"NoRequestSplitting", testNoRequestSplitting},
	{"BodyFraming", testBodyFraming},
	{"SmallBodyIsSentWithHead", testSmallBodyIsSentWithHead},
	{"HostField", testHostField},
	{"MessagesAreClean", testMessagesAreClean},
	{"RequestTrailers", testRequestTrailers},
}

// sentHead returns the head that a leg puts on the wire.
func sentHead(t *testing.T, tr Transport, prepare func(l *leg)) string {
	t.Helper()
	head := make(chan string, 1)
	u := newUpstream(t, func(c *conn) {
		head <- c.head()
		c.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	l := newLeg(t, "GET", u.url())
	defer l.end()
	prepare(l)
	l.serve(tr)
	return strings.ReplaceAll(receive(t, head), u.addr, "HOST")
}

// Targets are paths with the targets to be sent.
var Targets = map[string]struct{ Path, Raw, Query, Want string }{
	"plain":               {"/a/b", "/a/b", "", "/a/b"},
	"root":                {"/", "/", "", "/"},
	"nothing":             {"", "", "", "/"},
	"query":               {"/a", "/a", "x=%2F&y=a+b;c", "/a?x=%2F&y=a+b;c"},
	"blank in the query":  {"/a", "/a", "x=a b", "/a?x=a%20b"},
	"escaped slash":       {"/a/b", "/a%2Fb", "", "/a%2Fb"},
	"escaped letter":      {"/abc", "/%61bc", "", "/%61bc"},
	"lower-case hex":      {"/a/b", "/a%2fb", "", "/a%2fb"},
	"what Go would quote": {"/a|b\"{}^`", "/a|b\"{}^`", "", "/a|b\"{}^`"},
	"not ASCII":           {"/\xe4", "/\xe4", "", "/\xe4"},
	"two slashes":         {"//a//b", "//a//b", "", "//a//b"},
	"two slashes, quoted": {"//a|", "//a|", "", "http://HOST//a|"},
	"dots":                {"/a/../b/.", "/a/../b/.", "", "/a/../b/."},
	"asterisk":            {"*", "*", "", "*"},
	"no raw path":         {"/a b", "", "", "/a%20b"},
	"blank":               {"/a b", "/a b", "", "/a%20b"},
	"line feed":           {"/a\nb", "/a\nb", "", "/a%0Ab"},
	"question mark":       {"/a?b", "/a?b", "", "/a%3Fb"},
}

func testTarget(t *testing.T, e Engine) {
	tr := newTransport(t, e, wire.TransportOptions{})
	for name, tt := range Targets {
		t.Run(name, func(t *testing.T) {
			head := sentHead(t, tr, func(l *leg) {
				l.Request.Path, l.Request.RawPath, l.Request.RawQuery = tt.Path, tt.Raw, tt.Query
			})
			line, _, _ := strings.Cut(head, "\r\n")
			line = strings.Replace(line, " http://HOST/", " /", 1) // net/http can't but use the absolute form now and then
			if diff := cmp.Diff("GET "+strings.TrimPrefix(tt.Want, "http://HOST")+" HTTP/1.1", line); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func testHeader(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		options wire.TransportOptions
		header  gateway.Header
		want    []string
	}{
		"nothing is added": {wire.TransportOptions{}, nil, nil},
		"no keep-alive":    {wire.TransportOptions{DisableKeepAlives: true}, nil, []string{"Connection: close"}},
		"several values":   {wire.TransportOptions{}, fields("X-B", "1", "X-A", "2", "x-b", "3"), []string{"X-A: 2", "X-B: 1", "X-B: 3"}},
		"common fields":    {wire.TransportOptions{}, fields("user-agent", "x", "accept-encoding", "br"), []string{"Accept-Encoding: br", "User-Agent: x"}},
		"empty value":      {wire.TransportOptions{}, fields("X-A", "", "User-Agent", "x"), []string{"User-Agent: x", "X-A: "}},
		"split cookies": {wire.TransportOptions{}, fields("cookie", "a=1", "cookie", "b=2", "cookie", "c=3"), // RFC 9113, section 8.2.3
			[]string{"Cookie: a=1; b=2; c=3"}},
		"framing is not the header's": {wire.TransportOptions{}, fields("content-length", "9", "transfer-encoding", "chunked", "host", "x", "trailer", "X-T"), nil},
	} {
		if name == "split cookies" && e.LeavesCookies {
			continue
		}
		t.Run(name, func(t *testing.T) {
			head := sentHead(t, newTransport(t, e, tt.options), func(l *leg) { l.Request.Header = tt.header })
			if _, after, ok := strings.Cut(head, "Host: HOST\r\n"); !ok || strings.Contains(after, "\r\nHost:") {
				t.Errorf("the head is %q", head)
			}
			var got []string
			for _, line := range strings.Split(strings.TrimSuffix(head, "\r\n"), "\r\n")[1:] {
				if name, value, _ := strings.Cut(line, ":"); name != "Host" {
					got = append(got, gateway.CanonicalName(name)+":"+value)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever is in a request, it doesn't become another field, nor another request. Refusing it will do.
func testNoRequestSplitting(t *testing.T, e Engine) {
	const split = "a\r\nX-Injected: 1\r\n\r\nGET /injected HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, prepare := range map[string]func(q *gateway.Request){
		"value":          func(q *gateway.Request) { q.Header = fields("X-Evil", split) },
		"LF":             func(q *gateway.Request) { q.Header = fields("X-Evil", "a\nX-Injected: 1") },
		"CR":             func(q *gateway.Request) { q.Header = fields("X-Evil", "a\rX-Injected: 1") },
		"name":           func(q *gateway.Request) { q.Header = fields("X:\r\nX-Injected", "1") },
		"empty name":     func(q *gateway.Request) { q.Header = fields("", "1") },
		"blank in name":  func(q *gateway.Request) { q.Header = fields("X Y", "1") },
		"method":         func(q *gateway.Request) { q.Method = "GET / HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET" },
		"blank method":   func(q *gateway.Request) { q.Method = "GET /injected" },
		"path":           func(q *gateway.Request) { q.RawPath = "/ HTTP/1.1\r\nX-Injected: 1\r\n\r\n" },
		"query":          func(q *gateway.Request) { q.RawQuery = " HTTP/1.1\r\nX-Injected: 1\r\n\r\n" },
		"tab in path":    func(q *gateway.Request) { q.RawPath = "/\tHTTP/1.1" },
		"trailer's name": func(q *gateway.Request) { q.Header = fields("Trailer", "X\r\nX-Injected: 1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan string, 10)
			u := newUpstream(t, func(c *conn) {
				for {
					r, err := http.ReadRequest(c.r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					seen <- r.RequestURI + " " + r.Header.Get("X-Injected")
					c.say(ok)
				}
			})
			l := newLeg(t, "POST", u.url())
			defer l.end()
			l.setBody("abc", -1)
			l.Request.Trailer = func() gateway.Header { return nil }
			prepare(&l.Request)
			tr := newTransport(t, e, wire.TransportOptions{})
			if err := tr.Serve(l.Exchange); err == nil {
				l.text()
			}
			get(t, tr, u.url()+"/last")
			for got := ""; got != "/last "; {
				if got = receive(t, seen); t.Failed() {
					return
				}
				if strings.HasPrefix(got, "/injected") || !strings.HasSuffix(got, " ") {
					t.Errorf("the upstream has seen %q", got)
				}
			}
		})
	}
}

func testBodyFraming(t *testing.T, e Engine) {
	tr := newTransport(t, e, wire.TransportOptions{})
	type seen struct {
		Length   int64
		Encoding []string
		Body     string
	}
	tests := map[string]struct {
		text   string
		length int64
		want   seen
	}{
		"of unknown size":       {"abc", -1, seen{-1, []string{"chunked"}, "abc"}},
		"large, unknown size":   {strings.Repeat("x", 1<<20), -1, seen{-1, []string{"chunked"}, strings.Repeat("x", 1<<20)}},
		"empty":                 {"", 0, seen{}},
		"unknown size and none": {"", -1, seen{-1, []string{"chunked"}, ""}},
	}
	for _, n := range []int64{1, 3, 1000, 4095, 4096, 4097, 16 << 10, 32<<10 + 1, 64 << 10, 1 << 20} {
		text := strings.Repeat("x", int(n))
		tests["length "+itoa(n)] = struct {
			text   string
			length int64
			want   seen
		}{text, n, seen{n, nil, text}}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan seen, 1)
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got <- seen{r.ContentLength, r.TransferEncoding, string(b)}
			})
			for range 2 { // on the same connection
				l := newLeg(t, "POST", s.URL)
				l.setBody(tt.text, tt.length)
				l.serve(tr)
				if diff := cmp.Diff(tt.want, receive(t, got)); diff != "" {
					t.Error(diff)
				}
				l.end()
			}
		})
	}
}

// Head and body of a small request are one write.
func testSmallBodyIsSentWithHead(t *testing.T, e Engine) {
	first := make(chan string, 1)
	u := newUpstream(t, func(c *conn) {
		buf := make([]byte, 4096)
		n, _ := c.Conn.Read(buf)
		first <- string(buf[:n])
		c.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	l := newLeg(t, "POST", u.url())
	defer l.end()
	l.setBody("abc", 3)
	l.serve(newTransport(t, e, wire.TransportOptions{}))
	if got := receive(t, first); !strings.HasSuffix(got, "\r\n\r\nabc") {
		t.Errorf("the first packet was %q", got)
	}
}

func testHostField(t *testing.T, e Engine) {
	got := make(chan string, 1)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { got <- r.Host })
	get(t, newTransport(t, e, wire.TransportOptions{}), s.URL)
	if want := strings.TrimPrefix(s.URL, "http://"); receive(t, got) != want {
		t.Errorf("Host is not %q", want)
	}
}

// What one request had must not show in the next one that uses the same memory.
func testMessagesAreClean(t *testing.T, e Engine) {
	requests := make(chan string, 2)
	u := newUpstream(t, func(c *conn) {
		for range 2 {
			requests <- c.request()
			c.say("HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	tr := newTransport(t, e, wire.TransportOptions{})
	l := newLeg(t, "PUT", u.url()+"/one?two=three")
	l.Request.Header = fields("X-A", "1", "User-Agent", "x")
	l.setBody("abc", 3)
	l.serve(tr).end()
	newLeg(t, "GET", u.url()+"/").serve(tr).end()
	receive(t, requests)
	if diff := cmp.Diff("GET / HTTP/1.1\r\nHost: "+u.addr+"\r\n", receive(t, requests)); diff != "" {
		t.Error(diff)
	}
}

func testRequestTrailers(t *testing.T, e Engine) {
	got := make(chan http.Header, 1)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	})
	tr := newTransport(t, e, wire.TransportOptions{})
	for name, tt := range map[string]struct {
		text   string
		length int64
	}{"unknown length": {"abc", -1}, "known length": {"abc", 3}, "no body": {"", 0}, "large": {strings.Repeat("x", 100_000), -1}} {
		t.Run(name, func(t *testing.T) {
			l := newLeg(t, "POST", s.URL)
			defer l.end()
			l.setBody(tt.text, tt.length)
			l.Request.Header.Add("Trailer", "x-t, Content-Length")
			l.Request.Trailer = func() gateway.Header {
				return fields("x-t", "1", "X-T", "2", "Transfer-Encoding", "x")
			}
			l.serve(tr)
			if diff := cmp.Diff(http.Header{"X-T": {"1", "2"}}, receive(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
