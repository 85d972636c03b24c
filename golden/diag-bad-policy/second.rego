package authz

allow {
	input.method == "GET" &&
}
