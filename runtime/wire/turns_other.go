//go:build !linux

package wire

// A parking is for turns, which nobody takes here.
type parking struct{}

// A turns is what nobody waits for here.
type turns struct{}

var order turns

func (t *turns) endIdle(bool) {}

func (s *socket) awaitTurn() bool   { return false }
func (s *socket) missTurn(int) bool { return false }
