package mux_test

import (
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/mux"
	"github.com/google/go-cmp/cmp"
)

// site routes /tree/…, /u/{id} and PUT /only, as emitted code does.
type site struct{ seen []string }

func (s *site) Serve(x *gateway.Exchange) error { return mux.Serve(x, s) }

func (s *site) Route(x *gateway.Exchange, path string) gateway.Handler {
	s.seen = append(s.seen, path)
	switch path {
	case "/only":
		if x.Request.Method != "PUT" {
			return mux.Allow("PUT")
		}
		return ok
	case "/tree":
		return mux.AddSlash{}
	}
	if strings.HasPrefix(path, "/tree/") {
		return ok
	}
	if rest, found := strings.CutPrefix(path, "/u/"); found && mux.IsSegment(rest) {
		mux.Param(x, "id", rest)
		return ok
	}
	return nil
}

var ok = gateway.HandlerFunc(func(x *gateway.Exchange) error {
	x.Response.Status = 200
	return nil
})

func TestServe(t *testing.T) {
	for _, tt := range []struct {
		method, path, query string
		status              int
		location            string
		id                  string
	}{
		{"GET", "/u/7", "", 200, "", "7"},
		{"GET", "/u/a%2Fb%25%C3%A9", "", 200, "", "a/b%é"},
		{"GET", "/u/.well-known", "", 200, "", ".well-known"},
		{"GET", "/u/100%", "", 200, "", "100%"},
		{"GET", "/%75/%37", "", 200, "", "7"},
		{"GET", "/u/", "", 404, "", ""},
		{"GET", "/u/7/x", "", 404, "", ""},
		{"PUT", "/only", "", 200, "", ""},
		{"GET", "/only", "", 405, "", ""},
		{"GET", "//only", "", 307, "/only", ""},
		{"GET", "/tree", "", 307, "/tree/", ""},
		{"POST", "/tree", "a=1&b=//", 307, "/tree/?a=1&b=//", ""},
		{"GET", "/x/..//./tree", "q", 307, "/tree/?q", ""},
		{"GET", "/tree/..", "", 307, "/", ""},
		{"GET", "/tree/x/", "", 200, "", ""},
		{"GET", "/tree//x%2F%2e%2e/", "", 307, "/tree/x%2F%2e%2e/", ""},
		{"GET", "/nowhere//", "", 307, "/nowhere/", ""},
		{"GET", "/./\\evil.example/", "", 307, "/%5Cevil.example/", ""},
		{"GET", "//evil.example/%zz\"", "<é>\n", 307, "/evil.example/%25zz%22?%3C%C3%A9%3E%0A", ""},
		{"GET", "", "", 307, "/", ""},
		{"OPTIONS", "*", "", 400, "", ""},
		{"CONNECT", "/u//7", "", 404, "", ""},
		{"CONNECT", "/u/7", "", 200, "", "7"},
		{"CONNECT", "/tree/..", "", 200, "", ""},
		{"CONNECT", "/tree", "", 307, "/tree/", ""},
		{"CONNECT", "", "", 404, "", ""},
	} {
		x := &gateway.Exchange{Request: gateway.Request{
			Method: tt.method, RawPath: tt.path, Path: tt.path, RawQuery: tt.query,
			Params: []gateway.Field{{Name: "id", Value: "of the request before"}},
		}}
		err := (&site{}).Serve(x)
		if err != nil {
			x.Response.Status = gateway.StatusOf(err)
		}
		if x.Response.Status != tt.status {
			t.Errorf("%s %s: got status %d, want %d", tt.method, tt.path, x.Response.Status, tt.status)
		}
		if got := x.Response.Header.Get("Location"); got != tt.location {
			t.Errorf("%s %s: got location %q, want %q", tt.method, tt.path, got, tt.location)
		}
		if got := x.Request.Param("id"); got != tt.id {
			t.Errorf("%s %s: got id %q, want %q", tt.method, tt.path, got, tt.id)
		}
	}
}

func TestRoutersGetPathsThatCompare(t *testing.T) {
	for in, want := range map[string]string{
		"/a/b":            "/a/b",
		"/.a/..b/c.":      "/.a/..b/c.",
		"/%61/%2e%2E":     "/a/..",
		"/a%2fb/c%2F":     "/a%2Fb/c%2F",
		"/100%25/100%":    "/100%25/100%25",
		"/%4/%zz/%":       "/%254/%25zz/%25",
		"/a/./b/../c//d/": "/a/c/d/",
		"/%C3%A9/é":       "/é/é",
	} {
		s := &site{}
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", RawPath: in}}
		_ = s.Serve(x) // the answer is of no interest here
		if diff := cmp.Diff([]string{want}, s.seen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		path string
		want *gateway.Error
		text string
	}{
		{"/x", &gateway.Error{Status: 404, Code: "E2131", Kind: "CoreServerNotFound", Message: "handler not found for /x"},
			"E2131.CoreServerNotFound handler not found for /x"},
		{"/only", &gateway.Error{Status: 405, Code: "E2131", Kind: "CoreServerNotFound", Message: "method GET not allowed for /only",
			Header: gateway.Header{{Name: "Allow", Value: "PUT"}}},
			"E2131.CoreServerNotFound method GET not allowed for /only"},
		{"*", &gateway.Error{Status: 400, Code: "E2131", Kind: "CoreServerNotFound", Message: "no path to route in the request target *"},
			"E2131.CoreServerNotFound no path to route in the request target *"},
	} {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", RawPath: tt.path, Path: tt.path}}
		err := (&site{}).Serve(x)
		if diff := cmp.Diff(tt.want, err); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
		if err.Error() != tt.text {
			t.Errorf("%s: got %q, want %q", tt.path, err, tt.text)
		}
	}
}

func TestHost(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a.example.com": "a.example.com", "A.Example.COM": "a.example.com", "a.example.com:8080": "a.example.com",
		"A.example.com.:443": "a.example.com", "a.example.com.": "a.example.com", "a.example.com:": "a.example.com", ".": "",
		"[::1]:80": "::1", "[::1]": "::1", "::1": "::1", "[FE80::1]": "fe80::1", "[": "[", "[x": "[x", "]": "]", ":80": "", "\u212a.com": "\u212a.com",
	} {
		x := &gateway.Exchange{Request: gateway.Request{Host: in}}
		if got := mux.Host(x); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestPlainPathsCostNoAllocation(t *testing.T) {
	x := &gateway.Exchange{}
	s := &site{seen: make([]string, 0, 10000)}
	for _, path := range []string{"/tree/a/b", "/u/7"} {
		if n := testing.AllocsPerRun(100, func() {
			x.Reset()
			x.Request.RawPath, x.Request.Host = path, "a.example.com"
			if err := s.Serve(x); err != nil {
				t.Fatal(err)
			}
			mux.Host(x)
		}); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func FuzzServe(f *testing.F) {
	f.Add("GET", "/u/7", "", "a.example.com:80")
	f.Add("CONNECT", "/tree//..%2f/\\", "q=%", "[::1]:80")
	f.Fuzz(func(t *testing.T, method, path, query, host string) {
		x := &gateway.Exchange{Request: gateway.Request{Method: method, RawPath: path, RawQuery: query, Host: host}}
		s := &site{}
		err := s.Serve(x)
		mux.Host(x)
		for _, p := range s.seen {
			if !strings.HasPrefix(p, "/") {
				t.Errorf("%q: routed %q", path, p)
			}
			if method != "CONNECT" && strings.Contains(p, "//") {
				t.Errorf("%q: routed %q, which isn't clean", path, p)
			}
		}
		loc := x.Response.Header.Get("Location")
		if (loc != "") != (err == nil && x.Response.Status == 307) || strings.HasPrefix(loc, "//") || strings.ContainsAny(loc, "\\ \r\n\x00\x7f") {
			t.Errorf("%q %q: status %d, location %q", path, query, x.Response.Status, loc)
		}
		for i := range len(loc) {
			if loc[i] >= 0x80 {
				t.Errorf("%q %q: location %q", path, query, loc)
			}
		}
	})
}

func BenchmarkServe(b *testing.B) {
	for name, path := range map[string]string{"plain": "/u/4711", "escaped": "/u/47%2F11", "dot": "/u/.well-known"} {
		b.Run(name, func(b *testing.B) {
			x := &gateway.Exchange{Request: gateway.Request{RawPath: path}}
			s := &site{}
			b.ReportAllocs()
			for b.Loop() {
				s.seen = s.seen[:0]
				if err := s.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
