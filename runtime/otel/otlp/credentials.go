package otlp

import (
	"context"
	"net"

	"google.golang.org/grpc/credentials"

	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// Credentials are those of gRPC for the files as they are when a connection is made.
func (o *Options) Credentials() credentials.TransportCredentials {
	if o.TLS == nil {
		return credentials.NewTLS(nil)
	}
	return &reloading{tls: o.TLS}
}

type reloading struct {
	tls  *tlsconf.Client
	name string // of the server, if somebody has overridden it
}

func (r *reloading) current() credentials.TransportCredentials {
	config := r.tls.Config()
	if r.name != "" {
		config = config.Clone()
		config.ServerName = r.name
	}
	return credentials.NewTLS(config)
}

// ClientHandshake makes conn a connection of TLS.
func (r *reloading) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return r.current().ClientHandshake(ctx, authority, conn)
}

// ServerHandshake is for servers, and fails without a certificate.
func (r *reloading) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return r.current().ServerHandshake(conn)
}

// Info describes the protocol.
func (r *reloading) Info() credentials.ProtocolInfo { return r.current().Info() }

// Clone returns a copy.
func (r *reloading) Clone() credentials.TransportCredentials {
	c := *r
	return &c
}

// OverrideServerName changes the name that the server must have.
func (r *reloading) OverrideServerName(name string) error {
	r.name = name
	return nil
}
