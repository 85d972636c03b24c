package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// sent returns what a request looks like on the wire, up to 4 KiB of it.
func sent(t *testing.T, tr *Transport, prepare func(leg *gateway.Exchange)) string {
	t.Helper()
	got := make(chan string, 1)
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		head, _ := requestHead(r)
		b := make([]byte, 4<<10)
		n := 0
		if strings.Contains(head, "Content-Length: ") && !strings.Contains(head, "Content-Length: 0") {
			n, _ = r.Read(b)
		}
		for strings.Contains(head, "chunked") && !strings.HasSuffix(string(b[:n]), "\r\n\r\n") {
			k, err := r.Read(b[n:])
			if n += k; err != nil {
				break
			}
		}
		got <- head + "\r\n" + string(b[:n])
		io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	prepare(leg)
	mustServe(t, tr, leg)
	return strings.ReplaceAll(<-got, addr, "HOST")
}

func TestTransportTarget(t *testing.T) {
	tr := testTransport(t, TransportOptions{})
	for name, tt := range map[string]struct{ path, raw, query, want string }{
		"plain":                {"/a/b", "/a/b", "", "/a/b"},
		"nothing":              {"", "", "", "/"},
		"query":                {"/a", "/a", "x=%2F&y=a+b;c", "/a?x=%2F&y=a+b;c"},
		"blank in the query":   {"/a", "/a", "x=a b", "/a?x=a%20b"},
		"escaped slash":        {"/a/b", "/a%2Fb", "", "/a%2Fb"},
		"what Go would quote":  {"/a|b\"{}^`", "/a|b\"{}^`", "", "/a|b\"{}^`"},
		"not ASCII":            {"/\xe4", "/\xe4", "", "/\xe4"},
		"two slashes":          {"//a|b", "//a|b", "", "//a|b"},
		"dots":                 {"/a/../b/.", "/a/../b/.", "", "/a/../b/."},
		"asterisk":             {"*", "*", "", "*"},
		"no raw path":          {"/a b", "", "", "/a%20b"},
		"blank":                {"/a b", "/a b", "", "/a%20b"},
		"line feed":            {"/a\nb", "/a\nb", "", "/a%0Ab"},
		"question mark":        {"/a?b", "/a?b", "", "/a%3Fb"},
		"without a slash":      {"a", "a", "", "/a"},
		"a scheme in the path": {"http://x/", "http://x/", "", "/http://x/"},
	} {
		t.Run(name, func(t *testing.T) {
			got := sent(t, tr, func(leg *gateway.Exchange) {
				leg.Request.Path, leg.Request.RawPath, leg.Request.RawQuery = tt.path, tt.raw, tt.query
			})
			line, _, _ := strings.Cut(got, "\r\n")
			if diff := cmp.Diff("GET "+tt.want+" HTTP/1.1", line); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTransportRequest(t *testing.T) {
	field := func(list ...string) (h gateway.Header) {
		for _, f := range list {
			name, value, _ := strings.Cut(f, ": ")
			h.Add(name, value)
		}
		return h
	}
	trailer := func() gateway.Header { return field("x-t: 1", "X-T: 2", "Transfer-Encoding: x") }
	for name, tt := range map[string]struct {
		options TransportOptions
		request gateway.Request
		want    string
	}{
		"nothing":       {want: ""},
		"no keep-alive": {TransportOptions{DisableKeepAlives: true}, gateway.Request{}, "Connection: close\r\n"},
		"order and spelling": {request: gateway.Request{Header: field("x-b: 1", "Cookie: a=1", "X-A: 2", "Cookie: b=2")},
			want: "x-b: 1\r\nCookie: a=1\r\nX-A: 2\r\nCookie: b=2\r\n"},
		"framing is not the header's": {request: gateway.Request{Header: field("content-length: 9", "transfer-encoding: chunked", "host: x", "trailer: X-T",
			"Keep-Alive: 5", "Proxy-Connection: x", "Connection: keep-alive", "Upgrade: x", "Expect: 100-continue")}},
		"close":       {request: gateway.Request{Header: field("Connection: close")}, want: "Connection: close\r\n"},
		"TE":          {request: gateway.Request{Header: field("Te: trailers")}, want: "Te: trailers\r\nConnection: TE\r\n"},
		"upgrade":     {request: gateway.Request{Header: field("Upgrade: a", "Connection: x, upgrade")}, want: "Upgrade: a\r\nConnection: Upgrade\r\n"},
		"empty POST":  {request: gateway.Request{Method: "POST"}, want: "Content-Length: 0\r\n"},
		"empty PUT":   {request: gateway.Request{Method: "PUT", Body: gateway.NoBody}, want: "Content-Length: 0\r\n"},
		"empty PATCH": {request: gateway.Request{Method: "PATCH"}, want: "Content-Length: 0\r\n"},
		"DELETE":      {request: gateway.Request{Method: "DELETE"}},
		"read first":  {request: gateway.Request{Body: textBody("abc"), ContentLength: 3}, want: "Content-Length: 3\r\n\r\nabc"},
		"at hand": {request: gateway.Request{Body: &haveBody{textBody("abc"), "abc", true}, ContentLength: 3},
			want: "Content-Length: 3\r\n\r\nabc"},
		"at hand, of unknown length": {request: gateway.Request{Body: &haveBody{textBody("abc"), "abc", true}, ContentLength: -1},
			want: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		"empty, of unknown length": {request: gateway.Request{Body: &haveBody{textBody(""), "", true}, ContentLength: -1},
			want: "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		"chunks": {request: gateway.Request{Body: textBody("abc"), ContentLength: -1},
			want: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		"partly at hand": {request: gateway.Request{Body: &haveBody{textBody("abcde"), "abc", false}, ContentLength: -1},
			want: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
		"trailers": {request: gateway.Request{Body: textBody("abc"), ContentLength: 3, Trailer: trailer, Header: field("Trailer: x-t, Content-Length")},
			want: "Transfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\nX-T: 2\r\n\r\n"},
		"trailers without a body": {request: gateway.Request{Body: textBody(""), Trailer: trailer},
			want: "Transfer-Encoding: chunked\r\n\r\n0\r\nx-t: 1\r\nX-T: 2\r\n\r\n"},
		"Expect at once": {request: gateway.Request{Body: textBody("abc"), ContentLength: 3, Header: field("Expect: 100-continue")},
			want: "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"},
	} {
		t.Run(name, func(t *testing.T) {
			got := sent(t, testTransport(t, tt.options), func(leg *gateway.Exchange) {
				r, q := &leg.Request, &tt.request
				if q.Method != "" {
					r.Method = q.Method
				}
				r.Header, r.Body, r.ContentLength, r.Trailer = q.Header, q.Body, q.ContentLength, q.Trailer
			})
			_, got, _ = strings.Cut(got, "Host: HOST\r\n")
			if !strings.Contains(tt.want, "\r\n\r\n") {
				tt.want += "\r\n"
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func textBody(s string) io.ReadCloser { return io.NopCloser(struct{ io.Reader }{strings.NewReader(s)}) }

func TestTransportRefusesRequests(t *testing.T) {
	tr := testTransport(t, TransportOptions{})
	addr := answering(t, func(int, string) string { return "HTTP/1.1 204 No Content\r\n\r\n" })
	for name, tt := range map[string]struct {
		spoil func(r *gateway.Request)
		want  error
	}{
		"line in a value": {func(r *gateway.Request) { r.Header.Add("X", "a\r\nEvil: 1") }, errValue},
		"LF in a value":   {func(r *gateway.Request) { r.Header.Add("X", "a\nb") }, errValue},
		"CR in a value":   {func(r *gateway.Request) { r.Header.Add("X", "a\rb") }, errValue},
		"NUL in a value":  {func(r *gateway.Request) { r.Header.Add("X", "a\x00b") }, errValue},
		"name":            {func(r *gateway.Request) { r.Header.Add("X: y", "a") }, errName},
		"empty name":      {func(r *gateway.Request) { r.Header.Add("", "a") }, errName},
		"method":          {func(r *gateway.Request) { r.Method = "GET / HTTP/1.1\r\n" }, errMethod},
		"no method":       {func(r *gateway.Request) { r.Method = "" }, errMethod},
		"CONNECT":         {func(r *gateway.Request) { r.Method = "CONNECT" }, errMethod},
		"query":           {func(r *gateway.Request) { r.RawQuery = "a\r\nb" }, errTarget},
		"scheme":          {func(r *gateway.Request) { r.Scheme = "ftp" }, errScheme},
		"host":            {func(r *gateway.Request) { r.Host = "a b" }, nil},
		"host, two lines": {func(r *gateway.Request) { r.Host = "a\r\nb: c" }, nil},
		"no host":         {func(r *gateway.Request) { r.Host = "" }, nil},
		"upgrade, spoiled": {func(r *gateway.Request) {
			r.Header = gateway.Header{{Name: "Connection", Value: "upgrade"}, {Name: "Upgrade", Value: "a\nb"}}
		}, errValue},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "GET", "http://"+addr)
			defer end()
			tt.spoil(&leg.Request)
			err := tr.Serve(leg)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestSplitHost(t *testing.T) {
	for host, want := range map[string][3]string{
		"example.com":        {"example.com", "", "example.com"},
		"example.com:8080":   {"example.com", "8080", "example.com:8080"},
		"example.com:":       {"example.com", "", "example.com:"},
		"192.0.2.1:80":       {"192.0.2.1", "80", "192.0.2.1:80"},
		"[::1]:80":           {"::1", "80", "[::1]:80"},
		"[::1]":              {"::1", "", "[::1]"},
		"::1":                {"::1", "", "[::1]"},
		"[fe80::1%eth0]:80":  {"fe80::1%eth0", "80", "[fe80::1]:80"},
		"[fe80::1%eth0]":     {"fe80::1%eth0", "", "[fe80::1]"},
		"":                   {"", "", ""},
		"[":                  {"[", "", "["},
		"user@example.com:1": {"user@example.com", "1", "user@example.com:1"},
	} {
		name, port, field := splitHost(host)
		if got := [3]string{name, port, field}; got != want {
			t.Errorf("%q: %q, not %q", host, got, want)
		}
	}
}
