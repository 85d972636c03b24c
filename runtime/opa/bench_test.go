package opa_test

import (
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
)

// A policy of the usual kind: the scopes of the user decide by method, and a header counts.
const usual = `package authz

import rego.v1

default allow := false

allow if {
	"read" in input.auth.attrs.scope
	input.method == "GET"
}

allow if {
	"write" in input.auth.attrs.scope
	input.method == "POST"
	input.header["Foo"][0] == "bar"
}
`

// Whatever the policy is, some 50 allocations are the library's: its query, with caches and bindings. The rest of those of "constant" are
// one evaluation and its options; the others make the input, and evaluate more.
func BenchmarkServe(b *testing.B) {
	pass := gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })
	for name, text := range map[string]string{
		"constant": "package authz\nallow := true",
		"method":   "package authz\nallow { input.method == \"POST\" }",
		"scopes":   usual,
		"all":      "package authz\nallow { count(input) == 8 }",
	} {
		b.Run(name, func(b *testing.B) {
			a, err := opa.New(opa.Options{Regos: []opa.Rego{{Policies: rego(text)}}})
			if err != nil {
				b.Fatal(err)
			}
			h := a.Middleware(pass)
			x := request()
			id := authn.Identity{Method: "Basic", Name: "alice", Time: time.Unix(1.7e9, 0), Attrs: map[string]any{"scope": []any{"read", "write"}}}
			id.Put(x, "")
			b.ReportAllocs()
			for b.Loop() {
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
