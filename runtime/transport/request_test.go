package transport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// sentHead returns the head that leg puts on the wire.
func sentHead(t *testing.T, tr *Transport, prepare func(leg *gateway.Exchange)) string {
	t.Helper()
	head := make(chan string, 1)
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		h, _ := readHead(r)
		head <- h
		io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	prepare(leg)
	mustServe(t, tr, leg)
	return strings.ReplaceAll(<-head, addr, "HOST")
}

// targets are paths with the targets to be sent.
var targets = map[string]struct{ path, raw, query, want string }{
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

func TestTarget(t *testing.T) {
	tr := newHTTP1(t, HTTPOptions{})
	for name, tt := range targets {
		t.Run(name, func(t *testing.T) {
			head := sentHead(t, tr, func(leg *gateway.Exchange) {
				leg.Request.Path, leg.Request.RawPath, leg.Request.RawQuery = tt.path, tt.raw, tt.query
			})
			line, _, _ := strings.Cut(head, "\r\n")
			if diff := cmp.Diff("GET "+tt.want+" HTTP/1.1", line); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A forward proxy gets absolute targets, with the same paths.
func TestTargetThroughProxy(t *testing.T) {
	for name, tt := range targets {
		if tt.path == "*" || tt.path == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			tr := newHTTP1(t, HTTPOptions{})
			tr.proxied = true
			head := sentHead(t, tr, func(leg *gateway.Exchange) {
				tr.engine.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: leg.Request.Host})
				leg.Request.Host = "upstream.example"
				leg.Request.Path, leg.Request.RawPath, leg.Request.RawQuery = tt.path, tt.raw, tt.query
			})
			line, _, _ := strings.Cut(head, "\r\n")
			want := "http://upstream.example" + strings.TrimPrefix(tt.want, "http://HOST")
			if diff := cmp.Diff("GET "+want+" HTTP/1.1", line); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		options HTTPOptions
		header  gateway.Header
		want    string
	}{
		"nothing is added": {HTTPOptions{DisableCompression: true}, nil, ""},
		"compression":      {HTTPOptions{}, nil, "Accept-Encoding: gzip\r\n"},
		"compression asked for": {HTTPOptions{}, gateway.Header{{Name: "Accept-Encoding", Value: "br"}},
			"Accept-Encoding: br\r\n"},
		"no keep-alive": {HTTPOptions{DisableCompression: true, DisableKeepAlives: true}, nil, "Connection: close\r\n"},
		"spelling": {HTTPOptions{DisableCompression: true}, gateway.Header{{Name: "user-agent", Value: "x"}, {Name: "accept-encoding", Value: "br"}},
			"User-Agent: x\r\nAccept-Encoding: br\r\n"},
		"several values": {HTTPOptions{DisableCompression: true}, gateway.Header{{Name: "X-A", Value: "1"}, {Name: "X-B", Value: "2"}, {Name: "x-a", Value: "3"}},
			"X-A: 1\r\nX-A: 3\r\nX-B: 2\r\n"},
		"split cookies": {HTTPOptions{DisableCompression: true}, gateway.Header{{Name: "cookie", Value: "a=1"}, {Name: "cookie", Value: "b=2"}, {Name: "cookie", Value: "c=3"}},
			"Cookie: a=1; b=2; c=3\r\n"},
		"framing is not the header's": {HTTPOptions{DisableCompression: true}, gateway.Header{{Name: "content-length", Value: "9"}, {Name: "transfer-encoding", Value: "chunked"}, {Name: "host", Value: "x"}, {Name: "trailer", Value: "X-T"}},
			""},
	} {
		t.Run(name, func(t *testing.T) {
			head := sentHead(t, newHTTP1(t, tt.options), func(leg *gateway.Exchange) { leg.Request.Header = tt.header })
			_, got, _ := strings.Cut(head, "Host: HOST\r\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBodyFraming(t *testing.T) {
	long := strings.Repeat("x", smallBody+1)
	tr := newHTTP1(t, HTTPOptions{DisableCompression: true})
	type seen struct {
		Length   int64
		Encoding []string
		Body     string
	}
	for name, tt := range map[string]struct {
		text   string
		length int64
		want   seen
	}{
		"small":            {"abc", 3, seen{3, nil, "abc"}},
		"largest small":    {long[1:], smallBody, seen{smallBody, nil, long[1:]}},
		"large":            {long, smallBody + 1, seen{smallBody + 1, nil, long}},
		"of unknown size":  {"abc", -1, seen{-1, []string{"chunked"}, "abc"}},
		"empty":            {"", 0, seen{}},
		"unknown and none": {"", -1, seen{-1, []string{"chunked"}, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan seen, 1)
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got <- seen{r.ContentLength, r.TransferEncoding, string(b)}
			})
			leg, end := newLeg(t, "POST", s.URL)
			defer end()
			setBody(leg, tt.text, tt.length)
			mustServe(t, tr, leg)
			if diff := cmp.Diff(tt.want, <-got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Head and body of a small request are one write.
func TestSmallBodyIsSentWithHead(t *testing.T) {
	first := make(chan string, 1)
	addr := rawServer(t, func(_ int, c net.Conn, _ *bufio.Reader) {
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		first <- string(buf[:n])
		io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	leg, end := newLeg(t, "POST", "http://"+addr)
	defer end()
	setBody(leg, "abc", 3)
	mustServe(t, newHTTP1(t, HTTPOptions{}), leg)
	if got := <-first; !strings.HasSuffix(got, "\r\n\r\nabc") {
		t.Errorf("the first packet was %q", got)
	}
}

func TestHostField(t *testing.T) {
	var got string
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { got = r.Host })
	get(t, newHTTP1(t, HTTPOptions{}), s.URL)
	if want := strings.TrimPrefix(s.URL, "http://"); got != want {
		t.Errorf("Host is %q, not %q", got, want)
	}
}

func TestNotHTTP2Fields(t *testing.T) {
	got := make(chan http.Header, 1)
	s := newServer2(t, func(w http.ResponseWriter, r *http.Request) { got <- r.Header })
	leg, end := newLeg(t, "GET", s.URL)
	defer end()
	for _, f := range []string{"Connection: Upgrade", "Upgrade: websocket", "Keep-Alive: 1", "X-A: 1", "Te: trailers"} {
		name, value, _ := strings.Cut(f, ": ")
		leg.Request.Header.Add(name, value)
	}
	mustServe(t, newHTTP2(t, HTTP2Options{AllowHTTP: true, DisableCompression: true}), leg)
	if diff := cmp.Diff(http.Header{"X-A": {"1"}, "Te": {"trailers"}}, <-got); diff != "" {
		t.Error(diff)
	}
}

// What one request had must not show in the next one that uses the same memory.
func TestMessagesAreClean(t *testing.T) {
	heads := make(chan string, 2)
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		for range 2 {
			h, err := readHead(r)
			if err != nil {
				return
			}
			heads <- h
			io.CopyN(io.Discard, r, int64(3*strings.Count(h, "Content-Length: 3")))
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	tr := newHTTP1(t, HTTPOptions{DisableCompression: true})
	leg, end := newLeg(t, "PUT", "http://"+addr+"/one?two=three")
	leg.Request.Header = gateway.Header{{Name: "X-A", Value: "1"}, {Name: "User-Agent", Value: "x"}}
	setBody(leg, "abc", 3)
	mustServe(t, tr, leg)
	end()
	leg, end = newLeg(t, "GET", "http://"+addr+"/")
	mustServe(t, tr, leg)
	end()
	<-heads
	if diff := cmp.Diff("GET / HTTP/1.1\r\nHost: "+addr+"\r\n", <-heads); diff != "" {
		t.Error(diff)
	}
}
