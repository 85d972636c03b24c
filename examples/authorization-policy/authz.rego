package authz

import rego.v1

default allow := false

# Clerks work with orders.
allow if {
	"clerk" in roles
	input.method in {"GET", "POST"}
	startswith(input.api, "/orders/")
}

# Auditors read whatever there is, if they say why.
allow if {
	"auditor" in roles
	input.method == "GET"
	input.header["X-Reason"][0] != ""
}

roles := data.roles[input.auth.attrs.user]
