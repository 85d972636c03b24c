package server_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/servertest"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16") // the tests of the suite wait more than they work
	goleak.VerifyTestMain(m)
}

// TestSuite holds the engine to what is asked of all.
func TestSuite(t *testing.T) {
	servertest.Run(t, servertest.Engine{
		New:                  newServer,
		Canonical:            true,
		KeepsAmbiguous:       true,
		IgnoresOldCoding:     true,
		RefusesEmptyLine:     true,
		TakesBareLF:          true,
		RepeatsContinue:      true,
		SendsNUL:             true,
		IdlesForFourBytes:    true,
		DropsAtShutdown:      true,
		WaitsForFirstRequest: true,
	})
}

func newServer(o wire.ServerOptions, h gateway.Handler) servertest.Server {
	return server.New(options(o), h)
}

// options are those of this engine that mean the same as o.
func options(o wire.ServerOptions) server.Options {
	return server.Options{
		Listen:            o.Listen,
		ReadTimeout:       o.ReadTimeout,
		ReadHeaderTimeout: o.ReadHeaderTimeout,
		WriteTimeout:      o.WriteTimeout,
		IdleTimeout:       o.IdleTimeout,
		ShutdownTimeout:   o.ShutdownTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		DisableKeepAlive:  o.DisableKeepAlive,
		GeneralOptions:    o.GeneralOptions,
		AltSvc:            o.AltSvc,
		Errors:            o.Errors,
		Logger:            o.Logger,
	}
}
