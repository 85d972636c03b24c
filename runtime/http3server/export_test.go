package http3server

// AcceptOf is for the tests that are in a package of their own.
var AcceptOf = acceptOf
