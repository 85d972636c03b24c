package wire_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/internal/transporttest"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// TestTransportSuite holds the transport to what is asked of every engine.
func TestTransportSuite(t *testing.T) {
	transporttest.Run(t, transporttest.Engine{
		New:           func(o wire.TransportOptions) (transporttest.Transport, error) { return wire.NewTransport(o) },
		Default:       func() transporttest.Transport { return wire.DefaultTransport() },
		SmallBody:     8 << 10,
		LeavesCookies: true,
	})
}
