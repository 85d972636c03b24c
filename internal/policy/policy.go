// Package policy reads Rego policies, bundles of them, and data for them. The compiler checks with it what the gateway will load, so
// that both understand the same.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Parse parses a file of policies, in the version of Rego that it's written in: what isn't valid in version 0, or isn't what a file
// that says "import rego.v1" may contain, is read as version 1. So files of both versions work, and what is valid in both means the same in both.
//
// Of a file that is valid in neither, the errors are those of the version in which it makes sense for longer.
func Parse(name, text string) (*ast.Module, error) {
	v0, err0 := parse(name, text, ast.RegoV0)
	if err0 == nil {
		return v0, nil
	}
	v1, err1 := parse(name, text, ast.RegoV1)
	if err1 == nil {
		return v1, nil
	}
	if later(err1, err0) {
		return nil, err1
	}
	return nil, err0
}

func parse(name, text string, v ast.RegoVersion) (*ast.Module, error) {
	m, err := ast.ParseModuleWithOpts(name, text, ast.ParserOptions{RegoVersion: v})
	if err == nil && m == nil {
		err = ast.Errors{ast.NewError(ast.ParseErr, &ast.Location{File: name, Row: 1, Col: 1}, "there is no policy in it")}
	}
	return m, err
}

// later reports whether the first error of a stands behind that of b.
func later(a, b error) bool {
	la, lb := first(a), first(b)
	return la != nil && (lb == nil || la.Compare(lb) > 0)
}

func first(err error) *ast.Location {
	var at *ast.Location
	for _, e := range Errors(err) {
		if e.Location != nil && (at == nil || e.Location.Compare(at) < 0) {
			at = e.Location
		}
	}
	return at
}

// Errors returns the single errors of Rego in err, nil if it's something else.
func Errors(err error) ast.Errors {
	if list, ok := errors.AsType[ast.Errors](err); ok {
		return list
	}
	if e, ok := errors.AsType[*ast.Error](err); ok {
		return ast.Errors{e}
	}
	return nil
}

// Options say how policies are compiled.
type Options struct {
	// Strict refuses more: unused variables and imports, names that hide others, builtins that are going away.
	Strict bool
	// Print keeps calls of print.
	Print bool
	// Partial means that some modules aren't there, so that functions may be unknown.
	Partial bool
}

// Compile type-checks modules, by the names of their files. It tells all that is wrong with them.
func Compile(modules map[string]*ast.Module, o Options) (*ast.Compiler, error) {
	c := ast.NewCompiler().SetErrorLimit(0).WithStrict(o.Strict).WithEnablePrintStatements(o.Print).WithAllowUndefinedFunctionCalls(o.Partial)
	c.Compile(modules)
	if c.Failed() {
		c.Errors.Sort()
		return nil, c.Errors
	}
	return c, nil
}

// ParseQuery parses a query, which is of version 1.
func ParseQuery(query string) (ast.Body, error) {
	return ast.ParseBodyWithOpts(query, ast.ParserOptions{RegoVersion: ast.RegoV1})
}

// Defined reports whether there is a rule, or data, for a query, as far as that can be told: a query that isn't a plain path is taken
// for defined. data tells if there is a document below data.
func Defined(c *ast.Compiler, query string, data func(path []string) bool) bool {
	body, err := ParseQuery(query)
	if err != nil || len(body) != 1 || body[0].Negated || len(body[0].With) > 0 {
		return true
	}
	term, _ := body[0].Terms.(*ast.Term)
	if term == nil {
		return true
	}
	ref, _ := term.Value.(ast.Ref)
	if ref == nil || !ref.IsGround() || !ref[0].Equal(ast.DefaultRootDocument) {
		return true
	}
	if len(c.GetRules(ref)) > 0 {
		return true
	}
	var path []string
	for _, t := range ref[1:] {
		s, ok := t.Value.(ast.String)
		if !ok {
			return true
		}
		path = append(path, string(s))
	}
	return data(path)
}

// Rules are the paths of all rules, sorted: "data.authz.allow".
func Rules(c *ast.Compiler) []string {
	var names []string
	for _, m := range c.Modules {
		for _, r := range m.Rules {
			names = append(names, r.Ref().GroundPrefix().String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Message is what e says, in a line, without its place and its code.
func Message(e *ast.Error) string {
	parts := []string{e.Message}
	if e.Details != nil && e.Code == ast.TypeErr {
		for _, l := range e.Details.Lines() {
			parts = append(parts, strings.Join(strings.Fields(l), " "))
		}
	}
	return strings.Join(parts, "; ")
}

// ErrDepth is the error of data that nests too deeply.
var ErrDepth = fmt.Errorf("it nests more than %d levels deep", maxDepth)
