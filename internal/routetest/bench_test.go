package routetest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/aileron-gateway/aileronc/internal/routetest"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// sized are sets by their number of routes; the largest isn't checked in, so that it has no
// printed router.
func sized() map[int]routetest.Set {
	sets := map[int]routetest.Set{10000: routetest.Hundreds("tenthousand", 10000)}
	for _, s := range routetest.Sets() {
		switch s.Name {
		case "one", "ten", "twohundred":
			sets[len(s.Routes)] = s
		}
	}
	return sets
}

func BenchmarkRoute(b *testing.B) {
	requests := map[int]map[string]string{
		1:     {"root": "/index.html"},
		10:    {"exact": "/api/users", "wild": "/api/users/4711/posts/7", "subtree": "/static/css/site.css", "root": "/index.html", "escaped": "/api/users/4%2F7"},
		200:   {"exact": "/api/v2/resource10/search", "wild": "/api/v2/resource10/4711/items/7", "rest": "/api/v2/resource10/4711/files/a/b/c"},
		10000: {"exact": "/api/v1/resource600/search", "wild": "/api/v1/resource600/4711/items/7", "rest": "/api/v1/resource600/4711/files/a/b/c"},
	}
	sets := sized()
	for _, n := range []int{1, 10, 200, 10000} {
		set := sets[n]
		tree, conflicts := route.Build(set.Routes)
		if len(conflicts) > 0 {
			b.Fatal(conflicts[0].Message)
		}
		handlers := routetest.Handlers(len(set.Handlers))
		routers := map[string]gateway.Handler{"table": routetest.TableRouter(tree, handlers)}
		if c := constructors[set.Name]; c != nil {
			routers["printed"] = c(handlers)
		}
		mux := http.NewServeMux()
		for _, r := range set.Routes {
			mux.HandleFunc(r.Pattern, func(http.ResponseWriter, *http.Request) {})
		}
		for what, path := range requests[n] {
			for name, router := range routers {
				b.Run(fmt.Sprintf("%d/%s/%s", n, what, name), func(b *testing.B) {
					x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Host: "a.example.com", RawPath: path, Path: path}}
					b.ReportAllocs()
					for b.Loop() {
						if err := router.Serve(x); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run(fmt.Sprintf("%d/%s/ServeMux", n, what), func(b *testing.B) {
				u, err := url.Parse(path)
				if err != nil {
					b.Fatal(err)
				}
				req := &http.Request{Method: "GET", Host: "a.example.com", URL: u, RequestURI: path}
				b.ReportAllocs()
				for b.Loop() {
					mux.ServeHTTP(nil, req)
				}
			})
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	set := sized()[10000]
	for b.Loop() {
		route.Build(set.Routes)
	}
}

func BenchmarkPrint(b *testing.B) {
	set := sized()[10000]
	for b.Loop() {
		if _, err := print("tenthousand", set); err != nil {
			b.Fatal(err)
		}
	}
}
