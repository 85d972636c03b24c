package opa_test

import (
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
)

func Example() {
	authorizer, err := opa.New(opa.Options{
		Regos: []opa.Rego{{
			Query: "data.authz.allow",
			Policies: []opa.Source{{Name: "authz.rego", Content: []byte(`package authz

import rego.v1

default allow := false

allow if {
	input.method == "GET"
	startswith(input.api, "/public/")
}
`)}},
		}},
	})
	if err != nil {
		panic(err)
	}
	handler := authorizer.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))
	for _, path := range []string{"/public/news", "/private/news"} {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: path}}
		fmt.Println(path, handler.Serve(x))
	}
	// Output:
	// /public/news <nil>
	// /private/news E3100.AppAuthzAuthorization no policy allows the request
}
