//go:build !linux && !windows && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package sockopt

type descriptor int

func setInt(descriptor, int, int, int) error { return errUnsupported }

// known are those of o that the system has: none is known to be there.
func (o *Options) known() Options { return Options{} }

func (s *setter) so(*SO)   {}
func (s *setter) ip(*IP)   {}
func (s *setter) tcp(*TCP) {}
func (s *setter) udp(*UDP) {}
