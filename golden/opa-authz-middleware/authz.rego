package authz

import rego.v1

default allow := false

allow if {
	"readonly" in input.auth.attrs.scope
	input.method == "GET"
}

allow if input.header["X-Customer"][0] == "acme"
