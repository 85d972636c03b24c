package routetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
)

// A Choice picks a number below n.
type Choice func(n int) int

// Bytes makes choices from the bytes that a fuzzer varies; when they are used up, always 0.
func Bytes(data []byte) Choice {
	return func(n int) int {
		if len(data) == 0 || n < 2 {
			return 0
		}
		c := int(data[0])
		data = data[1:]
		if n > 256 && len(data) > 0 {
			c = c<<8 | int(data[0])
			data = data[1:]
		}
		return c % n
	}
}

// Random makes random choices, the same ones for the same seed.
func Random(seed uint64) Choice { return rand.New(rand.NewPCG(seed, 1)).IntN }

// of picks an element.
func (c Choice) of(list ...string) string { return list[c(len(list))] }

// Patterns makes up to n patterns over a few words, so that many of them have
// something to do with each other.
func (c Choice) Patterns(n int) []string {
	var list []string
	for range 1 + c(n) {
		var b strings.Builder
		b.WriteString(c.of("", "", "", "a.com", "B.com", "b.com"))
		names := []string{"x", "y", "z", "type", "rest"}
		for range c(4) {
			switch k := c(10); k {
			case 0, 1, 2:
				fmt.Fprintf(&b, "/{%s}", names[0])
				names = names[1:]
			default:
				b.WriteString("/" + []string{"a", "b", "c", "%61", "a%2Fb", "é", "100%25"}[k-3])
			}
		}
		b.WriteString(c.of("/a", "/b", "/", "/{$}", "/"+"{"+names[0]+"}", "/{"+names[0]+"...}", "/c", "/%62"))
		list = append(list, b.String())
	}
	return list
}

// Routes makes routes over two handlers that ServeMux would take, with the routes of
// hosts that nobody answers added for most of them, as the compiler does.
func (c Choice) Routes(n int) []route.Route {
	var routes []route.Route
	for _, p := range c.Patterns(n) {
		r := route.Route{Pattern: p, Handler: c(2), From: "config.yaml:1"}
		switch c(6) {
		case 0:
			r.Methods = []string{"GET"}
		case 1:
			r.Methods = []string{"POST", "GET"}
		case 2:
			r.Methods = []string{}
		}
		routes = append(routes, r)
	}
	if c(5) > 0 {
		routes = append(routes, route.Route{Pattern: "a.com/", Handler: route.NotFound}, route.Route{Pattern: "b.com/", Handler: route.NotFound})
	}
	_, conflicts := route.Build(routes)
	for _, conflict := range slices.Backward(conflicts) {
		k := conflict.Route
		routes = append(routes[:k], routes[k+1:]...)
	}
	return routes
}

// A Request is what routing looks at.
type Request struct {
	Method, Host string
	Path         string // percent-encoded
	Query        string
}

// Request makes a request that some of the patterns may match.
func (c Choice) Request(patterns []string) Request {
	r := Request{Method: c.of("GET", "GET", "POST", "HEAD", "GET", "CONNECT")}
	p := "/"
	if len(patterns) > 0 {
		p = patterns[c(len(patterns))]
	}
	slash := strings.IndexByte(p, '/')
	r.Host = c.host(p[:slash])
	var b strings.Builder
	for seg := range strings.SplitSeq(p[slash+1:], "/") {
		b.WriteByte('/')
		switch {
		case strings.HasSuffix(seg, "...}") || seg == "" && c(2) == 0:
			b.WriteString(c.of("", "a", "a/b", "b/", "x%2Fy/z", "%20"))
		case seg == "{$}":
			b.WriteString(c.of("", "", "", "a"))
		case strings.HasPrefix(seg, "{"):
			b.WriteString(c.of("a", "b", "me", "x%2Fy", "%61", "7", "é", "c", "", "%25"))
		default:
			b.WriteString(c.literal(seg))
		}
	}
	r.Path = b.String()
	switch c(12) {
	case 0:
		r.Path += "/"
	case 1:
		r.Path += c.of("/a", "/b/", "/x/y", "//", "/..", "/.", "/../b", "/.a", "//a")
	case 2:
		r.Path = strings.TrimSuffix(r.Path, "/")
	case 3:
		r.Path = r.Path[:strings.LastIndexByte(r.Path, '/')]
	case 4:
		r.Path = c.of("/", "", "//", "/a/b/c/d/e/f", "/..", "/a/../a", "/"+"\\", "/\"a", "/%5Ca", "/a<b/")
	case 5:
		r.Query = c.of("q=1", "a=é", "?x=/../", "b=%zz")
	}
	return r
}

// host changes how a host is written, but rarely which one it is.
func (c Choice) host(h string) string {
	if h == "" || c(6) == 0 {
		h = c.of("a.com", "", "other.example.com", "b.com", "127.0.0.1")
	}
	switch c(6) {
	case 0:
		return strings.ToUpper(h)
	case 1:
		return h + ":8080"
	case 2:
		if h != "" {
			return h + "."
		}
	}
	return h
}

// literal changes how a segment is written, but rarely which one it is.
func (c Choice) literal(seg string) string {
	switch c(8) {
	case 0:
		if seg != "" && seg[0] != '%' {
			return fmt.Sprintf("%%%02x", seg[0]) + seg[1:]
		}
	case 1:
		return c.of("a", "b", "c", "d", ".", "..", "", "a%2Fb", "100%25", "%C3%A9")
	}
	return seg
}

// Seed returns n random bytes after the first one.
func Seed(seed uint64, first byte, n int) []byte {
	c := Random(seed)
	b := []byte{first}
	for range n {
		b = append(b, byte(c(256)))
	}
	return b
}
