// Package examples holds gateways to learn from, one folder each. Its test replays the
// requests of each example over real sockets, against the gateway that the compiler makes.
package examples

import "embed"

// Demo is the example that "aileronc demo" runs, in the folder demo.
//
//go:embed demo
var Demo embed.FS
