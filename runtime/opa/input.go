package opa

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aileron-gateway/aileronc/internal/policy"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// The names of the members of the input.
var (
	authName   = ast.StringTerm("auth")
	hostName   = ast.StringTerm("host")
	remoteName = ast.StringTerm("remote")
	methodName = ast.StringTerm("method")
	apiName    = ast.StringTerm("api")
	queryName  = ast.StringTerm("query")
	headerName = ast.StringTerm("header")
	envName    = ast.StringTerm("env")
)

// input makes those members of the input that policies read.
func (a *Authorizer) input(x *gateway.Exchange, reads *policy.Reads) ast.Value {
	q := &x.Request
	members := make([][2]*ast.Term, 0, 8)
	add := func(f policy.Fields, name *ast.Term, value string) {
		if reads.Fields&f != 0 {
			members = append(members, [2]*ast.Term{name, ast.StringTerm(value)})
		}
	}
	add(policy.Host, hostName, q.Host)
	add(policy.Remote, remoteName, q.RemoteAddr)
	add(policy.Method, methodName, q.Method)
	add(policy.API, apiName, q.Path)
	if reads.Fields&policy.Auth != 0 {
		members = append(members, [2]*ast.Term{authName, authTerm(claims.Get(x, a.key))})
	}
	if reads.Fields&policy.Query != 0 {
		members = append(members, [2]*ast.Term{queryName, queryTerm(q.RawQuery)})
	}
	if reads.Fields&policy.Header != 0 {
		members = append(members, [2]*ast.Term{headerName, headerTerm(q.Header, reads)})
	}
	if reads.Fields&policy.Env != 0 {
		members = append(members, [2]*ast.Term{envName, a.process})
	}
	return ast.NewObject(members...)
}

func authTerm(claims map[string]any) *ast.Term {
	if claims == nil {
		return ast.NullTerm()
	}
	return term(claims)
}

// headerTerm is the object of the headers, by their canonical names. If policies read only some of them, it has no others.
func headerTerm(h gateway.Header, reads *policy.Reads) *ast.Term {
	names := reads.Headers
	if reads.AllHeaders {
		names = make([]string, 0, len(h))
		for i := range h {
			if name := gateway.CanonicalName(h[i].Name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	members := make([][2]*ast.Term, 0, len(names))
	for _, name := range names {
		var values []*ast.Term
		for v := range h.Values(name) {
			values = append(values, ast.StringTerm(v))
		}
		if values != nil {
			members = append(members, [2]*ast.Term{ast.StringTerm(name), ast.ArrayTerm(values...)})
		}
	}
	return ast.ObjectTerm(members...)
}

func queryTerm(raw string) *ast.Term {
	if raw == "" {
		return ast.ObjectTerm()
	}
	values, _ := url.ParseQuery(raw) // malformed pairs are left out
	members := make([][2]*ast.Term, 0, len(values))
	for name, list := range values {
		terms := make([]*ast.Term, len(list))
		for i, v := range list {
			terms[i] = ast.StringTerm(v)
		}
		members = append(members, [2]*ast.Term{ast.StringTerm(name), ast.ArrayTerm(terms...)})
	}
	return ast.ObjectTerm(members...)
}

// term makes a term of what [claims.Source] has.
func term(value any) *ast.Term {
	switch v := value.(type) {
	case nil:
		return ast.NullTerm()
	case string:
		return ast.StringTerm(v)
	case bool:
		return ast.BooleanTerm(v)
	case float64:
		return ast.NumberTerm(json.Number(strconv.FormatFloat(v, 'f', -1, 64)))
	case []any:
		terms := make([]*ast.Term, len(v))
		for i := range v {
			terms[i] = term(v[i])
		}
		return ast.ArrayTerm(terms...)
	case map[string]any:
		members := make([][2]*ast.Term, 0, len(v))
		for name, member := range v {
			members = append(members, [2]*ast.Term{ast.StringTerm(name), term(member)})
		}
		return ast.ObjectTerm(members...)
	}
	// Plugins of users may have put other types.
	other, err := ast.InterfaceToValue(value)
	if err != nil {
		return ast.NullTerm()
	}
	return ast.NewTerm(other)
}

// term is what policies see of the process.
func (e *Env) term() *ast.Term {
	vars := ast.NewObject()
	for _, v := range e.Vars {
		vars.Insert(ast.StringTerm(v.Name), ast.StringTerm(v.Value))
	}
	env := ast.NewObject([2]*ast.Term{ast.StringTerm("vars"), ast.NewTerm(vars)})
	for _, id := range []struct {
		name string
		show bool
		get  func() int
	}{{"pid", e.PID, os.Getpid}, {"ppid", e.PPID, os.Getppid}, {"uid", e.UID, os.Getuid}, {"gid", e.GID, os.Getgid}} {
		if id.show {
			env.Insert(ast.StringTerm(id.name), ast.IntNumberTerm(id.get()))
		}
	}
	return ast.NewTerm(env)
}
