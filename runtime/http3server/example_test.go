package http3server_test

import (
	"context"
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/http3server"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

func Example() {
	config, err := tlsconf.Server(tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: "server.crt", KeyFile: "server.key"}}})
	if err != nil {
		fmt.Println("there is no certificate here")
		return
	}
	s := http3server.New(http3server.Options{
		Listen: listen.Options{Addr: ":443", TLS: config},
		QUIC:   quicconf.Options{MaxIncomingStreams: 256},
		AltSvc: `h3=":443"; ma=86400`,
	}, gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status, x.Response.Bytes = 200, []byte("hello")
		return nil
	}))
	if err := s.Run(context.Background()); err != nil {
		panic(err)
	}
	// Output: there is no certificate here
}
