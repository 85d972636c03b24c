// Package handlers holds plugins, and what isn't one.
package handlers

import "net/http"

// Plugin is a handler.
var Plugin http.Handler = http.NotFoundHandler()

// Answer isn't.
func Answer() int { return 42 }
