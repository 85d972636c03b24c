//go:build !linux

package sockopt

import "syscall"

func (o *Options) control(string, syscall.RawConn) error { return errUnsupported }
