//go:build linux

package wire_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// TestSuitesTakingTurns has sockets behave as ever when they wait for their turn.
func TestSuitesTakingTurns(t *testing.T) {
	wire.TakeTurns(t)
	t.Run("server", TestServerSuite)
	t.Run("transport", TestTransportSuite)
}
