package types

allow if {
	startwith(input.api, "/x")
}

other if {
	count(1) > 1
	missing == input.api
}
