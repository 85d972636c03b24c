package wire_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/servertest"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// TestServerSuite holds the server to what is asked of every engine.
func TestServerSuite(t *testing.T) {
	servertest.Run(t, servertest.Engine{
		New:       func(o wire.ServerOptions, h gateway.Handler) servertest.Server { return wire.NewServer(o, h) },
		MaxFields: 512,
	})
}
