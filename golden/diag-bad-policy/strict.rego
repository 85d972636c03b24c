package strict

import rego.v1

allow if {
	later := input.method
	input.api == "/"
}
