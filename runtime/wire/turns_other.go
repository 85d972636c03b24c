//go:build !linux

package wire

// A parking is for turns, which nobody takes here.
type parking struct{}

func (s *socket) awaitTurn() bool   { return false }
func (s *socket) missTurn(int) bool { return false }
