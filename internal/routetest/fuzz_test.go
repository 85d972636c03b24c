package routetest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/aileron-gateway/aileronc/internal/routetest"
	"github.com/aileron-gateway/aileronc/internal/routetest/deep"
	"github.com/aileron-gateway/aileronc/internal/routetest/ends"
	"github.com/aileron-gateway/aileronc/internal/routetest/hosts"
	"github.com/aileron-gateway/aileronc/internal/routetest/large"
	"github.com/aileron-gateway/aileronc/internal/routetest/one"
	"github.com/aileron-gateway/aileronc/internal/routetest/onehost"
	"github.com/aileron-gateway/aileronc/internal/routetest/partial"
	"github.com/aileron-gateway/aileronc/internal/routetest/tangled"
	"github.com/aileron-gateway/aileronc/internal/routetest/ten"
	"github.com/aileron-gateway/aileronc/internal/routetest/twohundred"
	"github.com/aileron-gateway/aileronc/internal/routetest/wild"
)

var constructors = map[string]routetest.Constructor{
	"one": one.New, "ten": ten.New, "hosts": hosts.New, "onehost": onehost.New, "wild": wild.New, "ends": ends.New,
	"deep": deep.New, "tangled": tangled.New, "partial": partial.New, "twohundred": twohundred.New, "large": large.New,
}

// check compares what all forms of s make of r.
func check(t *testing.T, s *routetest.Subject, r routetest.Request) {
	t.Helper()
	for _, wrong := range s.Check(r) {
		t.Error(wrong)
	}
}

func subjects(t testing.TB) []*routetest.Subject {
	var list []*routetest.Subject
	for _, s := range routetest.Sets() {
		if constructors[s.Name] == nil {
			t.Fatalf("%s has no constructor", s.Name)
		}
		list = append(list, routetest.NewSubject(s, constructors[s.Name]))
	}
	return list
}

// The routers that are checked in do what ServeMux does.
func FuzzRouter(f *testing.F) {
	subjects := subjects(f)
	for i := range subjects {
		for seed := range 20 {
			f.Add(routetest.Seed(uint64(seed), byte(i), 20), "/u/a%2Fb/../c")
		}
	}
	f.Fuzz(func(t *testing.T, choices []byte, path string) {
		c := routetest.Bytes(choices)
		s := subjects[c(len(subjects))]
		r := c.Request(s.Oracle.Patterns())
		check(t, s, r)
		if strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "?#") {
			r.Path = path
			check(t, s, r)
		}
	})
}

// Trees and tables of any routes do what ServeMux does, conflicts included.
func FuzzTree(f *testing.F) {
	for seed := range 200 {
		f.Add(routetest.Seed(uint64(seed), byte(seed), 120))
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		c := routetest.Bytes(choices)
		checkConflicts(t, c.Patterns(8))
		s := routetest.NewSubject(routetest.Set{Name: "random", Routes: c.Routes(8)}, nil)
		for range 6 {
			check(t, s, c.Request(s.Oracle.Patterns()))
		}
	})
}

// checkConflicts compares the conflicts of patterns with the panics of a ServeMux.
func checkConflicts(t *testing.T, patterns []string) {
	t.Helper()
	var routes []route.Route
	for i, p := range patterns {
		routes = append(routes, route.Route{Pattern: p, Handler: i})
	}
	_, conflicts := route.Build(routes)
	mux := http.NewServeMux()
	for i, p := range patterns {
		err := routetest.Register(mux, p, func(http.ResponseWriter, *http.Request) {})
		conflict := len(conflicts) > 0 && conflicts[0].Route == i
		if conflict != (err != nil) {
			t.Fatalf("%q: pattern %d: got %v, ServeMux says %v", patterns, i, conflicts, err)
		}
		if conflict {
			if kind := conflicts[0].Kind; (kind == route.Equal) != strings.Contains(err.Error(), "matches the same requests") {
				t.Fatalf("%q: pattern %d: got %v, ServeMux says %v", patterns, i, conflicts[0], err)
			}
			conflicts = conflicts[1:]
		}
	}
}

// Parse refuses what ServeMux refuses, and only some more.
func FuzzParse(f *testing.F) {
	for _, p := range []string{
		"/", "/a/{x}/{$}", "a.com/{rest...}", "/{x", "/{x}y", "/a{x}", "/{}", "/{...}", "/{$}/a", "/{x...}/", "/{1}", "/{x}/{x}",
		"", "a", "GET /", "{a}/", "/%zz", "/a//b", "a:80/", "[::1]/", "/{é}", "/{_}", "/{x}/{x...}", "/}", "/{{x}}", "/a/../b", "/.", "/a/./",
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := route.Parse(pattern)
		muxErr := routetest.Register(http.NewServeMux(), pattern, func(http.ResponseWriter, *http.Request) {})
		if muxErr != nil && err == nil {
			t.Fatalf("%q: ServeMux says %v", pattern, muxErr)
		}
		if err != nil && muxErr == nil {
			e := err.(*route.Error)
			if e.Offset < 0 || e.Length < 0 || e.Offset+e.Length > len(pattern) {
				t.Errorf("%q: %+v is out of range", pattern, e)
			}
			if !strings.Contains(e.Message, "cleaned") && !strings.Contains(e.Message, "port") && !strings.Contains(e.Message, "blank") {
				t.Fatalf("%q: ServeMux takes it, but %v", pattern, err)
			}
		}
		if err == nil && (len(p.Segments) == 0 || p.String() != pattern) {
			t.Fatalf("%q: %+v", pattern, p)
		}
	})
}
