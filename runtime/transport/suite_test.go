package transport

import (
	"flag"
	"io"
	"log"
	"testing"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/internal/transporttest"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16") // the tests of the suite wait more than they work
	log.SetOutput(io.Discard)           // net/http tells there of what the tests have upstreams do
	goleak.VerifyTestMain(m)
}

// TestSuite holds the engine to what is asked of all.
func TestSuite(t *testing.T) {
	transporttest.Run(t, transporttest.Engine{
		New:              func(o wire.TransportOptions) (transporttest.Transport, error) { return HTTP1(options(o)) },
		Default:          func() transporttest.Transport { return Default() },
		SmallBody:        smallBody,
		NoticesLate:      true,
		SendsRefusedBody: true,
		KeepsConnecting:  true,
		KeepsAmbiguous:   true,
		CountsNoIdle:     true,
		TakesSloppy:      true,
	})
}

// options are those of this engine that mean the same as o.
func options(o wire.TransportOptions) HTTPOptions {
	return HTTPOptions{
		TLS:                    o.TLS,
		TLSHandshakeTimeout:    o.TLSHandshakeTimeout,
		DisableKeepAlives:      o.DisableKeepAlives,
		DisableCompression:     true, // the proxy is the only one to ask for something
		MaxIdleConns:           o.MaxIdleConns,
		MaxIdleConnsPerHost:    o.MaxIdleConnsPerHost,
		MaxConnsPerHost:        o.MaxConnsPerHost,
		IdleConnTimeout:        o.IdleConnTimeout,
		ResponseHeaderTimeout:  o.ResponseHeaderTimeout,
		ExpectContinueTimeout:  o.ExpectContinueTimeout,
		MaxResponseHeaderBytes: o.MaxResponseHeaderBytes,
		Dial:                   o.Dial,
	}
}
