package broken

allow {
	input.api == "/
}
