// Package xconnect makes the servers of net/http offer extended CONNECT (RFC 8441), by which clients open WebSockets in HTTP/2.
//
// net/http looks into the environment for that, GODEBUG=http2xconnect=1, once, when it's initialized, and since it's off by
// default for the sake of handlers that don't know it, there's no other way. Of the packages that are ready to be
// initialized, the first by import path is (Go specification, "Program initialization"). This one needs nothing but os, and its
// path is before that of net/http. [Restore] takes the environment back to what it was.
package xconnect

import (
	"os"
	"strings"
)

const name, setting = "GODEBUG", "http2xconnect="

var before, changed = enable()

// enable changes the environment, unless whoever has started the program has decided.
func enable() (before string, changed bool) {
	before = os.Getenv(name)
	if strings.Contains(before, setting) {
		return before, false
	}
	value := setting + "1"
	if before != "" {
		value = before + "," + value
	}
	return before, os.Setenv(name, value) == nil
}

// Restore gives the environment back what it had. Programs that this one starts shouldn't be bothered.
func Restore() {
	switch {
	case !changed:
	case before == "":
		_ = os.Unsetenv(name)
	default:
		_ = os.Setenv(name, before)
	}
	changed = false
}
