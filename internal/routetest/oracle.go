package routetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
)

// An Outcome is what routing a request comes to.
type Outcome struct {
	Status   int // 200 from a handler, 307, 404 or 405
	Handler  int
	Params   string // names and values
	Allow    string
	Location string
}

// Normal returns o with its location written as oracles write theirs.
func (o Outcome) Normal() Outcome {
	o.Location = normalLocation(o.Location)
	return o
}

// An Oracle is a ServeMux with the routes of a set, those of hosts that nobody answers included.
type Oracle struct {
	mux      *http.ServeMux
	routes   []route.Route
	patterns []string
}

// NewOracle registers routes with a ServeMux. They must not conflict.
func NewOracle(routes []route.Route) *Oracle {
	o := &Oracle{mux: http.NewServeMux()}
	for i, r := range routes {
		if r.Handler == route.NotFound && Register(o.mux, r.Pattern, o.handler(i)) != nil {
			continue // somebody else has it
		}
		if r.Handler != route.NotFound {
			o.mux.HandleFunc(lowerHost(r.Pattern), o.handler(i))
		}
		o.patterns = append(o.patterns, r.Pattern)
	}
	o.routes = routes
	return o
}

// Patterns are those that have been registered.
func (o *Oracle) Patterns() []string { return o.patterns }

// Register is mux.Handle with an error in place of a panic.
func Register(mux *http.ServeMux, pattern string, h http.HandlerFunc) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	mux.HandleFunc(lowerHost(pattern), h)
	return nil
}

// lowerHost writes the host of a pattern as routes compare it.
func lowerHost(pattern string) string {
	if i := strings.IndexByte(pattern, '/'); i > 0 {
		return strings.ToLower(pattern[:i]) + pattern[i:]
	}
	return pattern
}

// handler answers for route i, with the outcome in the header.
func (o *Oracle) handler(i int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e := o.routes[i]
		p, _ := route.Parse(e.Pattern)
		out := Outcome{Status: 200, Handler: e.Handler}
		switch {
		case e.Handler == route.NotFound:
			out = Outcome{Status: 404}
		case e.Methods != nil && !slices.Contains(e.Methods, r.Method):
			out = Outcome{Status: 405, Allow: strings.Join(slices.Sorted(slices.Values(e.Methods)), ", ")}
		default:
			for _, s := range p.Segments {
				if s.Kind != route.Text && s.Text != "" {
					out.Params += fmt.Sprintf("%s=%q ", s.Text, r.PathValue(s.Text))
				}
			}
		}
		w.(*recorder).out = out
	}
}

type recorder struct {
	*httptest.ResponseRecorder
	out Outcome
}

// Ask returns what the ServeMux makes of r. It has no answer, and ok is false, where
// ServeMux is known to be wrong, or where no server would let the request through.
func (o *Oracle) Ask(r Request) (out Outcome, ok bool) {
	u, err := url.ParseRequestURI(r.Path)
	if err != nil || oddSlash(r, u) {
		return Outcome{}, false
	}
	u.RawQuery = r.Query
	req := &http.Request{Method: r.Method, URL: u, Host: strings.ToLower(r.Host), Header: http.Header{}}
	if h, port, found := strings.Cut(req.Host, ":"); found {
		req.Host = strings.TrimSuffix(h, ".") + ":" + port
	} else {
		req.Host = strings.TrimSuffix(h, ".")
	}
	if r.Method == "CONNECT" {
		// ServeMux compares the host of the URL for redirects, and doesn't strip the port.
		req.Host, _, _ = strings.Cut(req.Host, ":")
		u.Host = req.Host
	}
	rec := &recorder{ResponseRecorder: httptest.NewRecorder()}
	o.mux.ServeHTTP(rec, req)
	switch {
	case rec.out.Status != 0:
		return rec.out, true
	case rec.Code == 307:
		return Outcome{Status: 307, Location: location(r, u, rec.Header().Get("Location"))}, true
	}
	return Outcome{Status: rec.Code}, true
}

// oddSlash reports whether ServeMux gets the segments of r wrong: it takes a segment
// that is an escaped slash for the end of the path, and an empty one, which only CONNECT has,
// for a wildcard without a value. And net/url decodes escaped slashes of a path that has
// other bytes in it that should have been escaped.
func oddSlash(r Request, u *url.URL) bool {
	for seg := range strings.SplitSeq(r.Path, "/") {
		if strings.EqualFold(seg, "%2F") {
			return true
		}
	}
	if r.Method == "CONNECT" && strings.Contains(r.Path, "//") {
		return true
	}
	return strings.Contains(strings.ToUpper(r.Path), "%2F") && u.EscapedPath() != r.Path
}

// normalLocation writes the path and query of a location in one way of several.
func normalLocation(loc string) string {
	p, query, found := strings.Cut(loc, "?")
	segs := strings.Split(p, "/")
	for i, s := range segs {
		if u, err := url.PathUnescape(s); err == nil {
			segs[i] = url.PathEscape(u)
		}
	}
	if found {
		query = "?" + strings.ReplaceAll(query, "%c3%a9", "%C3%A9")
	}
	return strings.Join(segs, "/") + query
}

// location corrects that of ServeMux, which escapes the path once more when it has
// cleaned it, and decodes it when it has added a slash. From a path without escapes
// nothing is to be corrected.
func location(r Request, u *url.URL, got string) string {
	want := u.EscapedPath()
	if want == "" {
		want = "/"
	}
	slash := strings.HasSuffix(want, "/")
	want = path.Clean(want)
	gotPath, query, found := strings.Cut(got, "?")
	if want != "/" && (slash || strings.HasSuffix(gotPath, "/")) {
		want += "/"
	}
	if !strings.Contains(r.Path, "%") {
		decoded, _ := url.PathUnescape(gotPath)
		again, _ := url.PathUnescape(decoded)
		wanted, _ := url.PathUnescape(want)
		if decoded != wanted && again != wanted {
			want = got
		}
	}
	if found {
		want += "?" + query
	}
	return normalLocation(want)
}
