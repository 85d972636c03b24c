// Package routetest holds emitted routers against net/http's ServeMux. Its folders are
// routers that the compiler has printed from the Sets.
package routetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
)

// A Set is the routes of a server.
type Set struct {
	Name     string // of the package that the router is in
	Handlers []string
	Routes   []route.Route
}

// Sets are the routers that are checked in.
func Sets() []Set {
	return []Set{
		set("one", "/ site"),
		set("ten",
			"/ site", "/healthz health GET", "/metrics metrics GET", "/api/ api", "/api/v2/ api",
			"/api/users users GET POST", "/api/users/{id} users", "/api/users/{id}/posts/{post} posts GET",
			"/static/ static GET HEAD", "/favicon.ico static GET HEAD"),
		set("hosts",
			"a.example.com/ a", "A.example.com/admin/ admin", "b.example.com/api b", "b.example.com/ -",
			"c.example.com/api b", "c.example.com/ -", "big.example.com/ big", "big.example.com/x x GET", "big.example.com/y x GET",
			"big.example.com/y/{id} x", "big.example.com/z/ x", "big.example.com/z/{$} y", "big.example.com/static/{file...} static",
			"/ any", "/admin/{$} admin"),
		set("onehost", "only.example.com/ site", "only.example.com/api/{id} api"),
		set("wild",
			"/u/{id} user", "/u/me me", "/u/{id}/posts posts GET POST", "/u/{id}/posts/{post} post GET", "/u/{id}/files/{path...} files",
			"/f/{path...} files", "/f/{dir}/index/ index", "/m/{a}/{b}/x/{c}/y deep", "/m/{b}/{a}/x/{type}/z deep", "/t/{type}/a/ typed",
			"/t/{type}/b/{rest} typed", "/g/{x}/{$} end", "/g/{x}/{y}/ sub", "/none/{x} none NONE", "/none/{x}/y/{z...} none NONE", "/p/{name}/ sub"),
		set("ends",
			"/{$} home", "/{page} page", "/docs/{$} docs", "/docs/{page} page GET", "/blog/ blog", "/blog/2024/ blog", "/blog/2024/{$} year",
			"/blog/{year} year", "/shop/{$} shop", "/shop/cart cart POST", "/a/b/c/{$} docs", "/a/b/ blog", "/a/b/c page", "/img/ img", "/img/{rest...} -"),
		set("deep", deep()...),
		set("tangled", "/a/{x}/ first", "/{y}/b second", "/q/r/ third", "/q/{$} third"),
		set("partial", "a.example.com/tree/ tree", "a.example.com/{x}/ y", "/tree any", "/{z}/y any", "/other/{$} any", "/{rest...} rest"),
		Hundreds("twohundred", 200),
		large(),
	}
}

// set reads routes that are written "pattern handler method…", where - is nobody, and NONE no method.
func set(name string, lines ...string) Set {
	s := Set{Name: name}
	for i, line := range lines {
		var r route.Route
		var handler string
		fields := strings.Fields(line)
		r.Pattern, handler = fields[0], fields[1]
		switch {
		case len(fields) > 2 && fields[2] == "NONE":
			r.Methods = []string{}
		case len(fields) > 2:
			r.Methods = fields[2:]
		}
		r.From = fmt.Sprintf("config.yaml:%d", 10+3*i)
		r.Handler = route.NotFound
		if handler != "-" {
			if r.Handler = slices.Index(s.Handlers, handler); r.Handler < 0 {
				r.Handler = len(s.Handlers)
				s.Handlers = append(s.Handlers, handler)
			}
		}
		s.Routes = append(s.Routes, r)
	}
	return s
}

func deep() []string {
	lines := []string{
		"/api/v1/projects/{project}/jobs/{job}/logs/{log} logs", "/api/v1/projects/{project}/jobs/{job}/logs/ logs",
		"/api/v1/projects/{project}/jobs/{job} job GET DELETE", "/api/v1/projects/{project}/jobs/last job GET",
		"/api/v1/projects/{project}/users/{user} user", "/api/v1/projects/ projects", "/api/v1/projects/all projects",
		"/api/v2/all v2", "/api/{version}/status status", "/odd/a%2Fb odd", "/odd/100%25/{x} odd", "/odd/100%/y/ odd",
		"/odd/%7Bbrace%7D odd", "/odd/é/{x} odd", "/odd/%2e%2e/{$} odd", "/odd/a+b/{x} odd", "/odd/quote%22/ odd",
	}
	for _, svc := range []string{"auth", "billing", "catalog", "search", "orders"} {
		lines = append(lines, "/svc/"+svc+"/ "+svc)
	}
	return append(lines, "/svc/mail/{box}/in mail", "/svc/sms/ auth", "/svc/{other} other", "/svc/push/a/{x} push", "/svc/push/b/{x} push")
}

// Hundreds makes n routes as an API has them: ten for each resource.
func Hundreds(name string, n int) Set {
	var lines []string
	for i := 0; len(lines) < n; i++ {
		r := fmt.Sprintf("/api/v%d/resource%d", i%3+1, i)
		h := fmt.Sprintf(" h%d", i%7)
		lines = append(lines,
			r+h+" GET POST", r+"/{id}"+h+" DELETE GET PUT", r+"/search"+h+" GET", r+"/{id}/items"+h+" GET", r+"/{id}/items/{item}"+h,
			r+"/export/{$}"+h+" GET", r+"/{id}/history"+h+" GET", r+"/{id}/files/{path...}"+h, r+"/stats"+h+" GET", r+"/stats/by/day/{day}"+h+" GET")
	}
	return set(name, lines[:n]...)
}

// large is a set for a table, with hosts.
func large() Set {
	s := Hundreds("large", 420)
	for i := range 80 {
		host := fmt.Sprintf("shop%d.example.com", i/4)
		pattern := host + []string{"/", "/cart", "/item/{id}", "/static/{file...}"}[i%4]
		r := route.Route{Pattern: pattern, Handler: i / 4 % 5, From: fmt.Sprintf("shops.yaml:%d", i+1)}
		if i%11 == 0 {
			r.Methods = []string{}
		}
		s.Routes = append(s.Routes, r)
	}
	return s
}
