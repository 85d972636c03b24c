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
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var constructors = map[string]func([]gateway.Handler) gateway.Handler{
	"one": one.New, "ten": ten.New, "hosts": hosts.New, "onehost": onehost.New, "wild": wild.New, "ends": ends.New,
	"deep": deep.New, "tangled": tangled.New, "partial": partial.New, "twohundred": twohundred.New, "large": large.New,
}

// A subject is a set of routes in all forms, and its oracle.
type subject struct {
	set    routetest.Set
	oracle *routetest.Oracle
	tree   *route.Tree
	router gateway.Handler
	table  gateway.Handler
}

func newSubject(s routetest.Set) *subject {
	tree, _ := route.Build(s.Routes)
	handlers := routetest.Handlers(2 + len(s.Handlers))
	sub := &subject{set: s, oracle: routetest.NewOracle(s.Routes), tree: tree, table: routetest.TableRouter(tree, handlers)}
	if c := constructors[s.Name]; c != nil {
		sub.router = c(handlers)
	}
	return sub
}

// check compares what all forms make of r.
func (s *subject) check(t *testing.T, r routetest.Request) {
	t.Helper()
	want, ok := s.oracle.Ask(r)
	var x gateway.Exchange
	got := map[string]routetest.Outcome{"tree": routetest.Lookup(s.tree, r), "table": routetest.Route(s.table, &x, r)}
	if s.router != nil {
		got["router"] = routetest.Route(s.router, &x, r)
	}
	for name, out := range got {
		if loc := out.Location; loc != "" && (loc[0] != '/' || strings.HasPrefix(loc, "//") || strings.ContainsAny(loc, "\\\"<> é")) {
			t.Errorf("%s %s: %+v: the %s redirects to %q", s.set.Name, s.oracle.Patterns(), r, name, loc)
		}
		if out = out.Normal(); ok && out != want {
			t.Errorf("%s %s:\n%+v: the %s has\n%+v, ServeMux\n%+v", s.set.Name, s.oracle.Patterns(), r, name, out, want)
		}
	}
}

// The routers that are checked in do what ServeMux does.
func FuzzRouter(f *testing.F) {
	var subjects []*subject
	for _, s := range routetest.Sets() {
		subjects = append(subjects, newSubject(s))
	}
	for i := range subjects {
		for seed := range 20 {
			f.Add(routetest.Seed(uint64(seed), byte(i), 20), "/u/a%2Fb/../c")
		}
	}
	f.Fuzz(func(t *testing.T, choices []byte, path string) {
		c := routetest.Bytes(choices)
		s := subjects[c(len(subjects))]
		if s.router == nil {
			t.Fatalf("%s has no constructor", s.set.Name)
		}
		r := c.Request(s.oracle.Patterns())
		s.check(t, r)
		if strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "?#") {
			r.Path = path
			s.check(t, r)
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
		s := newSubject(routetest.Set{Name: "random", Routes: c.Routes(8)})
		for range 6 {
			s.check(t, c.Request(s.oracle.Patterns()))
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
