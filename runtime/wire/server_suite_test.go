package wire_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/servertest"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16") // the tests of the suites wait more than they work
	goleak.VerifyTestMain(m)
}

// TestServerSuite holds the server to what is asked of every engine.
func TestServerSuite(t *testing.T) {
	servertest.Run(t, servertest.Engine{
		New:       func(o wire.ServerOptions, h gateway.Handler) servertest.Server { return wire.NewServer(o, h) },
		MaxFields: 512,
	})
}
