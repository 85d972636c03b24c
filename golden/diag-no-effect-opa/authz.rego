package authz

import rego.v1

default allow := false

allow if {
	input.methd == "GET"
	input.header["x-key"][0] == "a"
}
