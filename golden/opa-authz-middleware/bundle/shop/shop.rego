package shop

allow {
	data.company.roles[input.auth.name][_] == "buyer"
	input.api == data.shop.paths[_]
}
