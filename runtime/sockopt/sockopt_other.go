//go:build !linux

package sockopt

import (
	"errors"
	"syscall"
)

// errUnsupported is what Control fails with where options cannot be set.
var errUnsupported = errors.New("socket options can be set on Linux only")

func (o *Options) control(string, syscall.RawConn) error { return errUnsupported }
