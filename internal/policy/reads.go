package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Fields are members of the input.
type Fields uint8

// The members of the input.
const (
	Auth Fields = 1 << iota
	Host
	Remote
	Method
	API
	Query
	Header
	Env
	Everything = Auth | Host | Remote | Method | API | Query | Header | Env
)

var fields = map[string]Fields{
	"auth": Auth, "host": Host, "remote": Remote, "method": Method, "api": API, "query": Query, "header": Header, "env": Env,
}

// Names are the names of the members, in their order.
var Names = []string{"auth", "host", "remote", "method", "api", "query", "header", "env"}

// Reads is what compiled policies can read of the input: a superset of what they do.
type Reads struct {
	Fields Fields
	// Headers are the names of the headers, if AllHeaders isn't set.
	Headers    []string
	AllHeaders bool
	// Context says that a builtin waits for something, so that it has to know when there's no need any more.
	Context bool
	// Missing are members that the input doesn't have, and headers in a spelling in which there are none.
	Missing []Missing
}

// Missing is a reference to a member that the input doesn't have, and At where it stands.
type Missing struct {
	Name string
	At   *ast.Location
	// Header says that it's the name of a header.
	Header bool
}

// waiting are the builtins that wait.
var waiting = map[string]bool{ast.HTTPSend.Name: true, ast.NetLookupIPAddr.Name: true}

// ReadsOf finds out what compiled policies and a query of them read. Where input stands by itself, or with something behind it
// that isn't a name, that is all.
func ReadsOf(c *ast.Compiler, query string) Reads {
	var r Reads
	seen := make(map[string]bool)
	if body, err := ParseQuery(query); err == nil {
		r.noteQuery(body, seen)
	}
	for _, m := range c.Modules {
		ast.NewGenericVisitor(func(x any) bool {
			if ref, ok := x.(ast.Ref); ok {
				r.note(ref, seen)
			}
			if with, ok := x.(*ast.With); ok { // what it replaces isn't read
				r.noteIn(with.Value, seen)
				return true
			}
			return false
		}).Walk(m)
	}
	if c.Required != nil {
		for _, b := range c.Required.Builtins {
			r.Context = r.Context || waiting[b.Name]
		}
	}
	return r
}

func (r *Reads) noteIn(x any, seen map[string]bool) {
	ast.WalkRefs(x, func(ref ast.Ref) bool {
		r.note(ref, seen)
		return false
	})
}

// noteQuery notes what a query reads, in which input by itself isn't a reference yet.
func (r *Reads) noteQuery(x any, seen map[string]bool) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case ast.Var:
			if x.Equal(ast.InputRootDocument.Value) {
				r.note(ast.Ref{ast.InputRootDocument}, seen)
			}
		case ast.Ref:
			r.note(x, seen)
			for _, step := range x[1:] {
				r.noteQuery(step, seen)
			}
			return true
		}
		return false
	}).Walk(x)
}

func (r *Reads) note(ref ast.Ref, seen map[string]bool) {
	if len(ref) == 0 || !ref[0].Equal(ast.InputRootDocument) {
		return
	}
	if len(ref) == 1 {
		r.Fields, r.AllHeaders = Everything, true
		return
	}
	name, ok := ref[1].Value.(ast.String)
	if !ok {
		r.Fields, r.AllHeaders = Everything, true
		return
	}
	f := fields[string(name)]
	if f == 0 {
		r.Missing = append(r.Missing, Missing{Name: string(name), At: ref[1].Location})
	}
	r.Fields |= f
	if f != Header {
		return
	}
	header, ok := ast.String(""), false
	if len(ref) > 2 {
		header, ok = ref[2].Value.(ast.String)
	}
	if !ok {
		r.AllHeaders = true
		return
	}
	if canonical := CanonicalName(string(header)); canonical != string(header) {
		r.Missing = append(r.Missing, Missing{Name: string(header), At: ref[2].Location, Header: true})
		return // there is none of that name, which counts exactly
	}
	if !seen[string(header)] {
		seen[string(header)] = true
		r.Headers = append(r.Headers, string(header))
	}
}

// Union is what r and s read together.
func (r Reads) Union(s Reads) Reads {
	r.Fields |= s.Fields
	r.AllHeaders = r.AllHeaders || s.AllHeaders
	r.Context = r.Context || s.Context
	r.Headers = slices.Clip(r.Headers)
	for _, h := range s.Headers {
		if !slices.Contains(r.Headers, h) {
			r.Headers = append(r.Headers, h)
		}
	}
	return r
}

// CanonicalName spells a header name as the input has it: "X-Request-Id".
func CanonicalName(name string) string {
	b := []byte(name)
	for i, c := range b {
		start := i == 0 || b[i-1] == '-'
		switch {
		case start && 'a' <= c && c <= 'z':
			b[i] -= 'a' - 'A'
		case !start && 'A' <= c && c <= 'Z':
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
