package route_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/google/go-cmp/cmp"
)

// build makes a tree of patterns, each with a handler of its own; "-" in front of one says
// that nobody answers.
func build(patterns ...string) (*route.Tree, []route.Conflict) {
	var routes []route.Route
	for i, p := range patterns {
		r := route.Route{Pattern: p, Handler: i}
		if p[0] == '-' {
			r = route.Route{Pattern: p[1:], Handler: route.NotFound}
		}
		routes = append(routes, r)
	}
	return route.Build(routes)
}

func TestConflicts(t *testing.T) {
	for _, tt := range []struct {
		patterns []string
		want     []string
	}{
		{[]string{"/a", "/b", "/{x}", "/{x}/", "/", "/a/{x}", "/a/{$}"}, nil},
		{[]string{"/a", "/a"}, []string{`equal 1 0: "/a" is routed twice`}},
		{[]string{"/a/{x}", "/a/{y}"}, []string{`equal 1 0: "/a/{y}" matches the same requests as "/a/{x}"`}},
		{[]string{"/a/", "/a/{y...}"}, []string{`equal 1 0: "/a/{y...}" matches the same requests as "/a/"`}},
		{[]string{"/us%65rs", "/users"}, []string{`equal 1 0: "/users" matches the same requests as "/us%65rs"`}},
		{[]string{"A.com/", "a.com/"}, []string{`equal 1 0: "a.com/" matches the same requests as "A.com/"`}},
		{[]string{"a.com/x/{y}", "/{x}/y", "b.com/x/{y}"}, nil},
		{[]string{"/x/{a}", "/{b}/y"}, []string{
			`overlap 1 0: "/{b}/y" and "/x/{a}" both match "/x/y", and neither is more specific: only the first matches "/b/y", only the second "/x/a"`,
		}},
		{[]string{"/{x}/x", "/x/{x}"}, []string{
			`overlap 1 0: "/x/{x}" and "/{x}/x" both match "/x/x", and neither is more specific: only the first matches "/x/xx", only the second "/xx/x"`,
		}},
		{[]string{"/a/", "/{x}/b"}, []string{
			`overlap 1 0: "/{x}/b" and "/a/" both match "/a/b", and neither is more specific: only the first matches "/x/b", only the second "/a/"`,
		}},
		{[]string{"/{x}/{$}", "/a/"}, []string{
			`overlap 1 0: "/a/" and "/{x}/{$}" both match "/a/", and neither is more specific: only the first matches "/a/x", only the second "/x/"`,
		}},
		{[]string{"/", "/{x", "/"}, []string{
			`invalid 1 -1: pattern "/{x": segment "{x" opens a wildcard and doesn't close it`,
			`equal 2 0: "/" is routed twice`,
		}},
		// What nobody answers yields to a route of the same pattern, wherever it stands.
		{[]string{"-a.com/", "a.com/", "-a.com/", "-a.com/{rest...}"}, nil},
		{[]string{"-/{x}/b", "/a/{y}"}, []string{
			`overlap 0 1: "/{x}/b" and "/a/{y}" both match "/a/b", and neither is more specific: only the first matches "/x/b", only the second "/a/y"`,
		}},
	} {
		_, conflicts := build(tt.patterns...)
		var got []string
		for _, c := range conflicts {
			kind := map[route.ConflictKind]string{route.Invalid: "invalid", route.Equal: "equal", route.Overlap: "overlap"}[c.Kind]
			got = append(got, fmt.Sprintf("%s %d %d: %s", kind, c.Route, c.Other, c.Message))
			if (c.Err != nil) != (c.Kind == route.Invalid) {
				t.Errorf("%q: %v has the error %v", tt.patterns, c, c.Err)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.patterns, diff)
		}
	}
}

func TestUnreachable(t *testing.T) {
	covered := func(i int, p string) route.Unreachable {
		return route.Unreachable{Route: i, Reason: fmt.Sprintf("more specific routes take every path that %q matches", p)}
	}
	for _, tt := range []struct {
		patterns []string
		want     []route.Unreachable
	}{
		{[]string{"/a/", "/a/{$}", "/a/{x}"}, nil},
		{[]string{"/a/", "/a/{$}", "/a/{x}", "/a/{x}/"}, []route.Unreachable{covered(0, "/a/")}},
		{[]string{"/", "/{x}/{$}", "/{x}/{y}/{rest...}", "/{x}/{y}", "/{x}", "/{$}"}, []route.Unreachable{covered(0, "/")}},
		{[]string{"/", "/{x}/{$}", "/{x}/{y}/{rest...}", "/{x}", "/{$}"}, nil},
		{[]string{"-/a/", "/a/{$}", "/a/{x}", "/a/{x}/"}, nil},
	} {
		tree, conflicts := build(tt.patterns...)
		if len(conflicts) > 0 {
			t.Fatal(conflicts)
		}
		if diff := cmp.Diff(tt.want, tree.Unreachable); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.patterns, diff)
		}
	}
	tree, _ := route.Build([]route.Route{{Pattern: "/a", Methods: []string{}}})
	want := []route.Unreachable{{Route: 0, Reason: `no method is left for "/a": the methods of its handler and of its virtual host have none in common`}}
	if diff := cmp.Diff(want, tree.Unreachable); diff != "" {
		t.Errorf("no methods (-want +got):\n%s", diff)
	}
}

func TestHostsWithTheSameRoutesShareATree(t *testing.T) {
	tree, _ := route.Build([]route.Route{
		{Pattern: "b.com/x", Handler: 0, From: "one"}, {Pattern: "b.com/", Handler: route.NotFound},
		{Pattern: "c.com/x", Handler: 0, Methods: []string{"GET"}}, {Pattern: "c.com/", Handler: route.NotFound},
		{Pattern: "A.com/x", Handler: 0, From: "two"}, {Pattern: "A.com/", Handler: route.NotFound},
		{Pattern: "/x", Handler: 1},
	})
	var got [][]string
	for _, h := range tree.Hosts {
		got = append(got, h.Names)
	}
	if diff := cmp.Diff([][]string{{"a.com", "b.com"}, {"c.com"}}, got); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if tree.Len() != 5 {
		t.Errorf("got %d routes, want 5", tree.Len())
	}
	if m := tree.Lookup("GET", "A.COM:80", "/x"); m.Entry == nil || m.Entry.Handler != 0 {
		t.Errorf("the second host has no routes: %+v", m)
	}
}

// What differs from ServeMux, which the comparison with it leaves out.
func TestLookup(t *testing.T) {
	tree, conflicts := build("/u/{id}", "/u/{$}", "/w/{x}/", "/t/{x}/{$}", "/e/%2F")
	if len(conflicts) > 0 {
		t.Fatal(conflicts)
	}
	for _, tt := range []struct {
		method, path string
		pattern      string
		values       []string
		redirect     string
	}{
		{"GET", "/u/%2F", "/u/{id}", []string{"/"}, ""},
		{"GET", "/u/", "/u/{$}", nil, ""},
		{"GET", "/e/%2f", "/e/%2F", nil, ""},
		{"GET", "/e/", "", nil, ""},
		{"GET", "/w/a%2Fb", "", nil, "/w/a%2Fb/"},
		{"GET", "/w//a%2Fb/c", "", nil, "/w/a%2Fb/c"},
		{"GET", "/w/./a%2F..", "", nil, "/w/a%2F../"},
		{"CONNECT", "/u//7", "", nil, ""},
		{"CONNECT", "/u/7", "/u/{id}", []string{"7"}, ""},
		{"CONNECT", "", "", nil, ""},
		{"GET", "", "", nil, "/"},
	} {
		m := tree.Lookup(tt.method, "a.com", tt.path)
		pattern := ""
		if m.Entry != nil {
			pattern = m.Entry.Pattern
		}
		if pattern != tt.pattern || m.Redirect != tt.redirect || !cmp.Equal(m.Values, tt.values) {
			t.Errorf("%s %s: got %q %q %q", tt.method, tt.path, pattern, m.Values, m.Redirect)
		}
	}
}

func TestRedirects(t *testing.T) {
	for _, tt := range []struct {
		patterns []string
		nodes    int
		ordered  bool
	}{
		{[]string{"/", "/a", "/{x}"}, 0, true},
		{[]string{"/a/", "/b/c/{$}"}, 2, true},
		{[]string{"/a/", "/{x}"}, 0, true},
		{[]string{"/a/", "/a"}, 0, true},
		{[]string{"/{x}/", "/a"}, 1, true},
		{[]string{"/a/{x}/", "/{y}/b"}, 0, false},
		{[]string{"/a/{x}/", "/{y}/b", "/{y}/{z}"}, 0, true},
		{[]string{"/{x}/b/", "/a/{y}"}, 1, true},
		{[]string{"a.com/x", "/x/"}, 0, false},
		{[]string{"a.com/x", "-a.com/", "/x/"}, 1, true},
	} {
		tree, conflicts := build(tt.patterns...)
		if len(conflicts) > 0 {
			t.Fatal(conflicts)
		}
		at, ordered := tree.Redirects()
		n := 0
		for _, redirects := range at {
			if redirects {
				n++
			}
		}
		if ordered != tt.ordered || ordered && n != tt.nodes {
			t.Errorf("%q: got %d nodes, %v, want %d, %v", tt.patterns, n, ordered, tt.nodes, tt.ordered)
		}
	}
}

// Conflicts are found without comparing each route with each other one.
func BenchmarkBuild(b *testing.B) {
	sets := map[string]func(i int) string{
		"literals":  func(i int) string { return fmt.Sprintf("/api/v%d/resource%d/%d", i%3, i%100, i) },
		"subtrees":  func(i int) string { return fmt.Sprintf("/svc%d/", i) },
		"wildcards": func(i int) string { return fmt.Sprintf("/{a}/{b}/%d/{c}", i) },
		"mixed": func(i int) string {
			return []string{"/s%d/", "/s%d/x", "/{x}/{y}/{z}/%d", "/s%d/{x}", "h%d.example.com/{x}/a"}[i%5][:]
		},
	}
	for name, pattern := range sets {
		var routes []route.Route
		for i := range 10000 {
			p := pattern(i)
			if name == "mixed" {
				p = fmt.Sprintf(p, i/5)
			}
			if name == "mixed" && i%5 == 2 {
				p = "/x" + p // or it would overlap with the subtrees
			}
			routes = append(routes, route.Route{Pattern: p})
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, c := route.Build(routes); len(c) > 0 {
					b.Fatal(c[0].Message)
				}
			}
		})
	}
}
