package proxy

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/match/rematch"
)

func ruleOf(p Path) rule { return newBalancer(Balancer{Paths: []Path{p}}).paths[0] }

func targetOf(t testing.TB, u string) *lb.Target {
	b := lb.Random(lb.Upstream{URL: u})
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	return b.Targets()[0]
}

func TestForwardedPath(t *testing.T) {
	anyPath := match.Prefix("")
	prefix := func(trim, m, add string) Path {
		return Path{TrimPrefix: trim, Match: match.Prefix(m), AppendPrefix: add}
	}
	cases := []struct {
		name string
		p    Path
		base string
		raw  string // of the request
		want string // raw; "" is no match
	}{
		{"as it is", prefix("", "/", ""), "", "/a/b", "/a/b"},
		{"match is of the decoded path", prefix("", "/a b", ""), "", "/a%20b", "/a%20b"},
		{"exact", Path{Match: match.Exact("/a")}, "", "/a", "/a"},
		{"exact, longer", Path{Match: match.Exact("/a")}, "", "/a/", ""},

		{"encoded dots", prefix("", "/", ""), "", "/a/%2e%2E/b", ""},
		{"dots behind an encoded slash", prefix("", "/", ""), "", "/a/..%2Fb", ""},
		{"dots in a name", prefix("", "/", ""), "", "/a/.b/..c/d..", "/a/.b/..c/d.."},

		{"trim", prefix("/pre", "/test", ""), "", "/pre/test/x", "/test/x"},
		{"trim only if it's there", prefix("/pre", "/test", ""), "", "/test/x", "/test/x"},
		{"trim once", prefix("/pre", "/", ""), "", "/pre/pre/x", "/pre/x"},
		{"trim, then the rest doesn't match", prefix("/pre", "/test", ""), "", "/pre/other", ""},
		{"trim isn't by segments", prefix("/pre", "fix", ""), "", "/prefix/x", "/fix/x"},
		{"trim all", prefix("/pre", "", ""), "", "/pre", "/"},
		{"trim with slash", prefix("/pre/", "", ""), "", "/pre/x", "/x"},
		{"trim decodes", prefix("/a b/", "", ""), "", "/a%20b/c%20d", "/c%20d"},
		{"trim of an encoded slash", prefix("/a/", "", ""), "", "/a%2Fb", "/b"},
		{"trim up to an encoded slash", prefix("/a", "", ""), "", "/a%2Fb", "/%2Fb"},

		{"append", prefix("", "/test", "/append/me"), "", "/test/x", "/append/me/test/x"},
		{"trim and append", prefix("/trim/me", "/test", "/append/me"), "", "/trim/me/test/x", "/append/me/test/x"},
		{"append is put before, no more", prefix("/v1/", "", "/v"), "", "/v1/x", "/vx"},
		{"append without slash", prefix("", "", "a"), "", "/x", "/a/x"},
		{"append is plain text", prefix("", "", "/100% a?#é"), "", "/x", "/100%25%20a%3F%23%C3%A9/x"},

		{"base", prefix("", "", ""), "/base", "/x", "/base/x"},
		{"base with slash", prefix("", "", ""), "/base/", "/x", "/base/x"},
		{"base is a slash", prefix("", "", ""), "/", "/x", "/x"},
		{"base is a slash, rest has none", prefix("/a/", "", ""), "/", "/a/x", "/x"},
		{"base and nothing", prefix("/x", "", ""), "/base", "/x", "/base"},
		{"base with slash and nothing", prefix("/x", "", ""), "/base/", "/x", "/base/"},
		{"base and rest without slash", prefix("/x/", "", ""), "/base", "/x/y", "/base/y"},
		{"base with slash and rest without", prefix("/x/", "", ""), "/base/", "/x/y", "/base/y"},
		{"base and append", prefix("", "", "/v1"), "/base", "/x", "/base/v1/x"},
		{"base stays encoded", prefix("", "", ""), "/a%2Fb", "/x%2Fy", "/a%2Fb/x%2Fy"},
		{"base encoded, nothing else", prefix("", "", ""), "/a%20b", "/x", "/a%20b/x"},

		{"encoded slash stays", prefix("", "", ""), "", "/a%2fb/c", "/a%2fb/c"},
		{"encoded slash behind what is cut", prefix("/api", "", ""), "", "/api/a%2Fb", "/a%2Fb"},
		{"encoded slash behind append", prefix("", "", "/v 1"), "", "/a%2Fb", "/v%201/a%2Fb"},
		{"encoded percent", prefix("/a", "", ""), "", "/a/%2525", "/%2525"},
		{"needlessly encoded stays", prefix("", "", ""), "", "/%61", "/%61"},
		{"odd bytes stay", prefix("", "", ""), "", `/a[1]|"{}^\`, `/a[1]|"{}^\`},
		{"fragment is none", prefix("", "", ""), "", "/a#b", "/a%23b"},
		{"fragment beside an encoded byte", prefix("", "", ""), "", "/%61#b", "/%61%23b"},
		{"bytes above ASCII", prefix("", "", ""), "", "/é%20", "/%C3%A9%20"},

		{"dots made by the cut", prefix("/pre", "", ""), "", "/pre../secret", ""},
		{"dots made by the cut, encoded slash", prefix("/pre", "", ""), "/base", "/pre..%2fsecret", ""},
		{"dot made by the cut", prefix("/pre", "", ""), "", "/pre.", ""},
		{"dots made by append", prefix("/pre", "", "/a/."), "", "/pre./secret", ""},
		{"dots that are part of a name", prefix("/pre", "", "/a"), "", "/pre../x", "/a../x"},
		{"names that begin with dots", prefix("/pre/", "", ""), "", "/pre/.well-known/..x/...", "/.well-known/..x/..."},
		{"dots in a path that nobody has cleaned", prefix("", "", ""), "", "/a/../b", ""},

		{"rewrite", Path{Rewrite: rematch.Rewrite("^/v([0-9]+)/(.*)$", "/api/$2/version-$1")}, "", "/v2/users/7", "/api/users/7/version-2"},
		{"rewrite, no match", Path{Rewrite: rematch.Rewrite("^/v([0-9]+)/", "/$1")}, "", "/v/x", ""},
		{"rewrite, then append", Path{Rewrite: rematch.Rewrite("b", "/c"), AppendPrefix: "/v1"}, "/base", "/abba", "/base/v1/c/c"},
		{"rewrite after trim", Path{TrimPrefix: "/api", Rewrite: rematch.Rewrite("^/(.*)", "/x/$1")}, "", "/api/y", "/x/y"},
		{"rewrite encodes", Path{Rewrite: rematch.Rewrite("^/(.*)", "/x?/$1")}, "", "/a%20%3F", "/x%3F/a%20%3F"},
		{"rewrite makes dots", Path{Rewrite: rematch.Rewrite("^/x(.*)", "/base/$1")}, "", "/x../secret", ""},
		{"rewrite makes dots further on", Path{Rewrite: rematch.Rewrite("^/x(.*)", "/base/a/$1/b")}, "", "/x..", ""},

		{"nothing", Path{Match: anyPath}, "", "", "/"},
		{"asterisk", Path{Match: anyPath}, "", "*", "/*"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path, err := url.PathUnescape(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			rule := ruleOf(c.p)
			w, ok := rule.apply(&gateway.Request{Path: path, RawPath: c.raw})
			if !ok {
				if c.want != "" {
					t.Errorf("no match, want %s", c.want)
				}
				return
			}
			path, raw := w.target(targetOf(t, "http://a"+c.base))
			if raw != c.want {
				t.Errorf("forwards %q, want %q", raw, c.want)
			}
			if decoded, err := url.PathUnescape(raw); err != nil || decoded != path {
				t.Errorf("the raw path %q is not the path %q", raw, path)
			}
		})
	}
}

// Middleware may change the decoded path and leave the raw one as it was.
func TestPathWins(t *testing.T) {
	cases := []struct{ path, raw, want string }{
		{"/new", "/old%20", "/new"},
		{"/new path", "/old%20", "/new%20path"},
		{"/new", "/old", "/new"},
		{"/a/b", "/a%2Fb%2F", "/a/b"},
		{"/a/b/c", "/a%2Fb", "/a/b/c"},
		{"/a b", "", "/a%20b"},
		{"/100%", "/100%", "/100%25"},
		{"/%2", "/%2", "/%252"},
		{"/%zz", "/%zz", "/%25zz"},
	}
	rule := ruleOf(Path{Match: match.Prefix("")})
	for _, c := range cases {
		w, _ := rule.apply(&gateway.Request{Path: c.path, RawPath: c.raw})
		if path, raw := w.target(targetOf(t, "http://a")); path != c.path || raw != c.want {
			t.Errorf("%q with %q is forwarded as %q with %q, want %q", c.path, c.raw, path, raw, c.want)
		}
	}
}

func TestJoinQuery(t *testing.T) {
	for _, c := range [][3]string{{"", "", ""}, {"a=1", "", "a=1"}, {"", "b", "b"}, {"a=1", "b=2", "a=1&b=2"}} {
		if got := joinQuery(c[0], c[1]); got != c[2] {
			t.Errorf("%q and %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func FuzzForwardedPath(f *testing.F) {
	f.Add("/api/a%2Fb", "/api/a/b", "/api", "/v1", "http://a/base%20x/")
	f.Add("/pre../x", "/pre../x", "/pre", "", "http://a")
	f.Add("/a#é%20", "/a#é ", "/a", "é?", "http://a/")
	f.Add("%2F", "/", "", "", "http://a")
	f.Fuzz(func(t *testing.T, raw, path, trim, add, base string) {
		if decoded, err := url.PathUnescape(raw); err == nil && len(path)%2 == 0 {
			path = decoded // otherwise they differ, as when middleware has changed one
		}
		b := lb.Random(lb.Upstream{URL: base})
		if b.Err() != nil {
			t.Skip()
		}
		rule := ruleOf(Path{TrimPrefix: trim, Match: match.Prefix(""), AppendPrefix: add})
		w, ok := rule.apply(&gateway.Request{Path: path, RawPath: raw})
		if !ok {
			return
		}
		to := b.Targets()[0]
		gotPath, gotRaw := w.target(to)
		if decoded, err := url.PathUnescape(gotRaw); err != nil || decoded != gotPath {
			t.Errorf("the raw path %q is not the path %q: %v", gotRaw, gotPath, err)
		}
		if !strings.HasPrefix(gotRaw, "/") {
			t.Errorf("the raw path %q is not absolute", gotRaw)
		}
		if !strings.HasSuffix(gotPath, add+strings.TrimPrefix(path, trim)) {
			t.Errorf("%q is forwarded as %q", path, gotPath)
		}
		if own := strings.TrimPrefix(gotRaw, strings.TrimSuffix(to.RawPath, "/")); strings.ContainsAny(own, "?# \r\n\x00") {
			t.Errorf("the raw path %q has what can't be in one", gotRaw)
		}
	})
}
