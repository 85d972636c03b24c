// Package aileronc carries the sources of its own runtime, so that the gateways
// that the compiler emits build against exactly the version it was tested with.
package aileronc

import "embed"

// Source holds go.mod, go.sum, the packages that generated code may import, and those that
// the runtime shares with the compiler.
//
//go:embed go.mod go.sum all:runtime all:internal/envexpr all:internal/cron all:internal/credfile all:internal/jsonpath all:internal/jsonval
var Source embed.FS

// Version is the version of the compiler and its runtime.
const Version = "0.1.0"
