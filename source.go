// Package aileronc carries the sources of its own runtime, so that the gateways
// that the compiler emits build against exactly the version it was tested with.
package aileronc

import "embed"

// Source holds go.mod, go.sum, the packages that generated code may import, and those that
// the runtime shares with the compiler.
//
//go:embed go.mod go.sum all:runtime
//go:embed all:internal/credfile
//go:embed all:internal/cron
//go:embed all:internal/envexpr
//go:embed all:internal/jsonpath
//go:embed all:internal/jsonval
//go:embed all:internal/jwtkey
//go:embed all:internal/mediatype
//go:embed all:internal/policy
var Source embed.FS

// Version is the version of the compiler and its runtime.
const Version = "0.1.0"
