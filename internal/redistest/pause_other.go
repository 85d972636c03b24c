//go:build !unix

package redistest

// Pause skips the test: processes can't be stopped here.
func (s *Server) Pause() { s.t.Skip("processes can't be paused on this system") }

// Resume has a paused server go on.
func (s *Server) Resume() {}
