package resource

import "embed"

// Sources are the Go files of this package, for their doc comments.
//
//go:embed ref.go
var Sources embed.FS
