package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aileron-gateway/aileronc/internal/policy"
)

func TestVersions(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		version ast.RegoVersion
	}{
		"bodies without if":           {"package p\nallow { input.x }", ast.RegoV0},
		"future keywords":             {"package p\nimport future.keywords.if\nallow if { input.x }", ast.RegoV0},
		"a set of version 0":          {"package p\ns[x] { x := input.y[_] }", ast.RegoV0},
		"both":                        {"package p\nallow := true", ast.RegoV0},
		"import rego.v1":              {"package p\nimport rego.v1\nallow if { input.x }", ast.RegoV0CompatV1},
		"if":                          {"package p\nallow if { input.x }", ast.RegoV1},
		"if without braces":           {"package p\nallow if input.x", ast.RegoV1},
		"contains, every and some in": {"package p\ns contains x if { some x in input.y; every z in x { z } }", ast.RegoV1},
		"a name that is a keyword":    {"package p\ncontains { input.x }", ast.RegoV0},
	} {
		m, err := policy.Parse("p.rego", c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := m.RegoVersionSpan(), ast.RegoVersionSpanOf(c.version); got != want {
			t.Errorf("%s: version %v, not %v", name, got, want)
		}
		if _, err := policy.Compile(map[string]*ast.Module{"p.rego": m}, policy.Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVersionsTogether(t *testing.T) {
	modules := make(map[string]*ast.Module)
	for name, text := range map[string]string{
		"a.rego": "package p\nallow { helper }",
		"b.rego": "package p\nhelper if { input.x; data.q.y }",
		"c.rego": "package q\nimport rego.v1\ny if input.z",
	} {
		m, err := policy.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = m
	}
	if _, err := policy.Compile(modules, policy.Options{Strict: true}); err != nil {
		t.Error(err)
	}
}

// TestErrors: the errors are those of the version that a file is meant to be of.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"package p\nallow {{{":                                   "2:9",
		"package p\nallow if {\n\tinput.x ==\n}":                 "4:1",
		"package p\nallow {\n\tinput.x == 1\n}\nother {\n\t]\n}": "6:2",
		"package p\nimport rego.v1\nallow { input.x }":           "3:1",
		"package p\nallow if { input.x }\ns[x] { x := 1 }":       "3:1",
		"":              "0:0",
		"allow := true": "1:1",
		"package p\nallow if { input.x }\nmore if { input.y == ] }": "3:22",
	} {
		_, err := policy.Parse("p.rego", text)
		list := policy.Errors(err)
		if len(list) == 0 {
			t.Errorf("%q: error %v", text, err)
			continue
		}
		list.Sort()
		if got := list[0].Location; !strings.HasPrefix(got.String(), "p.rego:"+strings.Split(want, ":")[0]) {
			t.Errorf("%q: error %v at %v, not %s", text, list[0].Message, got, want)
		}
	}
}

func TestReads(t *testing.T) {
	for text, want := range map[string]policy.Reads{
		"allow := true":                                               {},
		`allow { input.method == "GET" }`:                             {Fields: policy.Method},
		`allow { input["api"] == "/" }`:                               {Fields: policy.API},
		`allow { input.header["Foo"][0] == "x" }`:                     {Fields: policy.Header, Headers: []string{"Foo"}},
		`allow { input.header.A; input.header["B"]}`:                  {Fields: policy.Header, Headers: []string{"A", "B"}},
		`allow { input.header[x] == ["y"] }`:                          {Fields: policy.Header, AllHeaders: true},
		`allow { h := input.header; h.A }`:                            {Fields: policy.Header, AllHeaders: true},
		`allow { input }`:                                             {Fields: policy.Everything, AllHeaders: true},
		`allow { x := input; x.method }`:                              {Fields: policy.Everything, AllHeaders: true},
		`allow { f(input) } f(x) { x.host }`:                          {Fields: policy.Everything, AllHeaders: true},
		`allow { input[x] }`:                                          {Fields: policy.Everything, AllHeaders: true},
		`allow { y with input as {"x": input.host} } y { input.api }`: {Fields: policy.Host | policy.API},
		`allow { every v in input.query.a { v } }`:                    {Fields: policy.Query},
		`allow { http.send({"url": input.host, "method": "get"}) }`:   {Fields: policy.Host, Context: true},
		`x = input.remote { true } allow { [y | y := input.env.vars.A] }`: {
			Fields: policy.Remote | policy.Env,
		},
	} {
		text = "package p\nimport future.keywords.every\n" + strings.ReplaceAll(text, "} ", "}\n")
		m, err := policy.Parse("p.rego", text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		c, err := policy.Compile(map[string]*ast.Module{"p.rego": m}, policy.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := policy.ReadsOf(c, "data.p.allow")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", text, d)
		}
	}
}

func TestReadsOfQuery(t *testing.T) {
	c, err := policy.Compile(nil, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]policy.Fields{
		"data.p.allow": 0, `input.method == "GET"`: policy.Method, "input": policy.Everything, "x := input; x.method": policy.Everything,
	} {
		if got := policy.ReadsOf(c, query).Fields; got != want {
			t.Errorf("%s reads %b, not %b", query, got, want)
		}
	}
}

func TestMissing(t *testing.T) {
	m, err := policy.Parse("p.rego", "package p\nallow {\n\tinput.path\n\tinput.header[\"foo-Bar\"]\n\tinput.header[\"Foo-Bar\"]\n}")
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Compile(map[string]*ast.Module{"p.rego": m}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range policy.ReadsOf(c, "data.p.allow").Missing {
		got = append(got, m.At.String()+" "+m.Name)
	}
	if d := cmp.Diff([]string{"p.rego:3 path", "p.rego:4 foo-Bar"}, got); d != "" {
		t.Error(d)
	}
}

func TestDefined(t *testing.T) {
	m, err := policy.Parse("p.rego", "package a.b\nallow { input.x }\ns[x] { x := 1 }")
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Compile(map[string]*ast.Module{"p.rego": m}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{"d": map[string]any{"e": true}}
	for query, want := range map[string]bool{
		"data.a.b.allow": true, "data.a.b.alow": false, "data.a.b.s[1]": true, "data.a.allow": false, "data.d.e": true, "data.d.f": false, "data.a.b": true,
		"data.a.b.nothing == false": true, "not data.x": true,
	} {
		if got := policy.Defined(c, query, func(path []string) bool { return policy.Has(data, path) }); got != want {
			t.Errorf("%s: %t", query, got)
		}
	}
	if d := cmp.Diff([]string{"data.a.b.allow", "data.a.b.s"}, policy.Rules(c)); d != "" {
		t.Error(d)
	}
}
