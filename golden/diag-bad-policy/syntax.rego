package authz

import rego.v1

allow if {
	input.method == "GET"
	input.api == ]
}
