// Package aileronc carries the sources of its own runtime, so that the gateways
// that the compiler emits build against exactly the version it was tested with.
package aileronc

import "embed"

// Source holds go.mod, go.sum and the packages that generated code may import.
//
//go:embed go.mod go.sum all:runtime all:internal/envexpr
var Source embed.FS

// Version is the version of the compiler and its runtime.
const Version = "0.1.0"
