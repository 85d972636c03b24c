//go:build unix

package redistest

import "syscall"

// Pause makes the server silent: connections stay, and nothing answers. Resume ends that.
func (s *Server) Pause() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume has a paused server go on.
func (s *Server) Resume() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }
