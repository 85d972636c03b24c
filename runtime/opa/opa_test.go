package opa_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
)

// rego is a policy as it would be read from a file.
func rego(text string) []opa.Source {
	return []opa.Source{{Name: "policy.rego", Content: []byte(text)}}
}

// ask returns the status that a request of x gets, 200 if it's allowed.
func ask(t *testing.T, a *opa.Authorizer, x *gateway.Exchange) int {
	t.Helper()
	reached := false
	err := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error {
		reached = true
		return nil
	})).Serve(x)
	if err == nil != reached {
		t.Fatalf("error %v, but the next handler was reached: %t", err, reached)
	}
	if err == nil {
		return 200
	}
	return gateway.StatusOf(err)
}

func open(t *testing.T, o opa.Options) *opa.Authorizer {
	t.Helper()
	a, err := opa.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Initialize(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Finalize(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func request() *gateway.Exchange {
	return &gateway.Exchange{Request: gateway.Request{
		Method: "POST", Scheme: "https", Host: "api.example:8443", Path: "/orders/ä", RawPath: "/orders/%C3%A4", RawQuery: "a=1&a=2&b=%20x&c",
		RemoteAddr: "192.0.2.7:4711",
		Header:     gateway.Header{{Name: "foo", Value: "bar"}, {Name: "X-REQUEST-ID", Value: "7"}, {Name: "Foo", Value: "baz"}},
	}}
}

func TestInput(t *testing.T) {
	for _, c := range []struct {
		condition string
		allowed   bool
	}{
		{`input.method == "POST"`, true},
		{`input.method == "GET"`, false},
		{`input.host == "api.example:8443"`, true},
		{`input.api == "/orders/ä"`, true},
		{`input.remote == "192.0.2.7:4711"`, true},
		{`input.header["Foo"] == ["bar", "baz"]`, true},
		{`input.header["Foo"][0] == "bar"`, true},
		{`input.header.Foo[_] == "baz"`, true},
		{`input.header["foo"][0] == "bar"`, false},
		{`input.header["X-Request-Id"] == ["7"]`, true},
		{`input.header["Missing"]`, false},
		{`count(input.header) == 2`, true},
		{`some name; input.header[name][0] == "7"`, true},
		{`h := input.header; h["Foo"][1] == "baz"`, true},
		{`input.query == {"a": ["1", "2"], "b": [" x"], "c": [""]}`, true},
		{`input.auth.name == "alice"; input.auth.attrs.scope[_] == "read"`, true},
		{`input.auth.auth_time == 1700000000`, true},
		{`input.auth.attrs.level > 1.4; input.auth.attrs.none == null; input.auth.attrs.yes`, true},
		{`input.env.vars.STAGE == "test"`, true},
		{`input.env.vars.OTHER`, false},
		{`input.env.pid > 0; input.env.uid >= 0; not input.env.gid; not input.env.ppid`, true},
		{`object.keys(input) == {"auth", "host", "remote", "method", "api", "query", "header", "env"}`, true},
		{`x := input; x["method"] == "POST"; x.header.Foo`, true},
		{`k := "method"; input[k] == "POST"`, true},
	} {
		for _, version := range []string{"import rego.v1\nallow if { %s }", "allow { %s }", "allow if { %s }"} {
			text := "package authz\n" + strings.Replace(version, "%s", c.condition, 1)
			a := open(t, opa.Options{
				Regos: []opa.Rego{{Policies: rego(text)}},
				Env:   opa.Env{Vars: []env.Var{{Name: "STAGE", Value: "test"}}, PID: true, UID: true},
			})
			x := request()
			claims.Put(x, claims.DefaultKey, claims.Map{
				"name": "alice", "auth_time": 1.7e9,
				"attrs": map[string]any{"scope": []any{"read", "write"}, "level": 1.5, "none": nil, "yes": true},
			})
			if got := ask(t, a, x) == 200; got != c.allowed {
				t.Errorf("%s: allowed: %t", text, got)
			}
		}
	}
}

func TestOnlyTrueAllows(t *testing.T) {
	for value, allowed := range map[string]bool{
		"true": true, "false": false, `"true"`: false, "1": false, "[true]": false, "null": false, "{}": false, "1/0 == 1": false, `to_number("x")`: false,
	} {
		a := open(t, opa.Options{Regos: []opa.Rego{{Policies: rego("package authz\nallow := " + value)}}})
		if got := ask(t, a, request()) == 200; got != allowed {
			t.Errorf("%s: allowed: %t", value, got)
		}
	}
}

func TestRegosInOrder(t *testing.T) {
	yes := opa.Rego{Query: "data.p.allow", Policies: rego("package p\nallow { input.api == \"/a\" }")}
	other := opa.Rego{Query: "data.p.allow", Policies: rego("package p\nallow { input.header.B[0] == \"1\" }")}
	conflict := opa.Rego{Query: "data.p.x", Policies: rego("package p\nx = true { input.method }\nx = false { input.method }")}
	strict := opa.Rego{Query: "data.p.x", Policies: rego("package p\nx { to_number(input.api) == 1 }"), StrictBuiltinErrors: true}
	for _, c := range []struct {
		name   string
		regos  []opa.Rego
		path   string
		header gateway.Header
		status int
	}{
		{"none", nil, "/a", nil, 403},
		{"the first", []opa.Rego{yes, other}, "/a", nil, 200},
		{"the second", []opa.Rego{yes, other}, "/b", gateway.Header{{Name: "b", Value: "1"}}, 200},
		{"neither", []opa.Rego{yes, other}, "/b", nil, 403},
		{"after an error", []opa.Rego{conflict, strict, yes}, "/a", nil, 200},
		{"only errors", []opa.Rego{conflict, strict}, "/a", nil, 403},
	} {
		a := open(t, opa.Options{Regos: c.regos})
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: c.path, Header: c.header}}
		if got := ask(t, a, x); got != c.status {
			t.Errorf("%s: status %d", c.name, got)
		}
	}
}

func TestRefusal(t *testing.T) {
	a := open(t, opa.Options{Regos: []opa.Rego{{Policies: rego("package authz\ndefault allow := false")}}})
	err := a.Middleware(nil).Serve(request())
	e, ok := gateway.AsError(err)
	if !ok || e.Status != 403 || e.Code != "E3100" || e.Kind != "AppAuthzAuthorization" {
		t.Errorf("error %#v", err)
	}
}

func TestBadStart(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) opa.Source {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return opa.Source{Name: path}
	}
	good := rego("package authz\nallow := true")
	for name, r := range map[string]opa.Rego{
		"no file":              {Policies: []opa.Source{{Name: filepath.Join(dir, "none.rego")}}},
		"no Rego":              {Policies: []opa.Source{file("bad.rego", "package x\nallow {{{")}},
		"a wrong type":         {Policies: rego("package authz\nallow { 1 == \"x\"; count(1) }")},
		"an unknown builtin":   {Policies: rego("package authz\nallow { nonesuch(1) }")},
		"not strict":           {Policies: rego("package authz\nallow { x := 1 }"), Strict: true},
		"a wrong query":        {Query: "data.authz[", Policies: good},
		"no data":              {Policies: good, Data: []opa.Document{{At: "/x", Source: opa.Source{Name: filepath.Join(dir, "none.json")}}}},
		"broken data":          {Policies: good, Data: []opa.Document{{At: "/x", Source: file("x.json", "{")}}},
		"data of no kind":      {Policies: good, Data: []opa.Document{{At: "/x", Source: file("x.txt", "{}")}}},
		"data where rules are": {Policies: good, Data: []opa.Document{{At: "/authz/allow", Source: file("y.json", "{}")}}},
		"data twice": {Policies: good, Data: []opa.Document{
			{At: "/x", Source: file("a.json", `{"a": 1}`)}, {At: "x/a", Source: file("b.json", "1")},
		}},
		"no bundle":    {Policies: good, Bundles: []opa.Source{{Name: filepath.Join(dir, "none.tar.gz")}}},
		"no tarball":   {Policies: good, Bundles: []opa.Source{file("x.tar.gz", "x")}},
		"no key":       {Policies: good, Verification: opa.Verification{Keys: []opa.VerificationKey{{ID: "a", File: filepath.Join(dir, "none")}}}},
		"no transport": {Policies: good, Bundles: []opa.Source{{Name: "http://127.0.0.1:1/x"}}},
	} {
		a, err := opa.New(opa.Options{Regos: []opa.Rego{r}})
		if err == nil {
			err = a.Initialize()
			err = errors.Join(err, a.Finalize())
		}
		if err == nil {
			t.Errorf("%s: it starts", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
