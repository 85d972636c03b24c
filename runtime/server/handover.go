package server

import (
	"context"
	"net"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/h2c"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var _ wire.HTTP2 = (*HTTP2)(nil)

// Cleartext reports whether clients without TLS may begin in HTTP/2.
func (h *HTTP2) Cleartext() bool { return h.H2C }

// Upgrade answers requests that ask for HTTP/2.
func (h *HTTP2) Upgrade(r *gateway.Request) (answer string, frames []byte) {
	if !h2c.Asked(r) {
		return "", nil
	}
	return h2c.Response, h2c.Frames(r)
}

// Serve has next answer the requests on the connections of l until ctx ends, then drains as
// [Server.Run] does. Connections that turn out not to speak HTTP/2 are closed.
func (h *HTTP2) Serve(ctx context.Context, l net.Listener, o *wire.ServerOptions, next gateway.Handler) error {
	s := New(Options{
		Listen:            listen.Options{ReadDeadline: o.Listen.ReadDeadline}, // l has heeded the others
		ReadTimeout:       o.ReadTimeout,
		ReadHeaderTimeout: o.ReadHeaderTimeout,
		WriteTimeout:      o.WriteTimeout,
		IdleTimeout:       o.IdleTimeout,
		ShutdownTimeout:   o.ShutdownTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		DisableKeepAlive:  o.DisableKeepAlive,
		GeneralOptions:    o.GeneralOptions,
		AltSvc:            o.AltSvc,
		HTTP2:             h,
		Errors:            o.Errors,
		Logger:            o.Logger,
	}, next)
	s.http.Protocols.SetHTTP1(false)
	s.listener = l
	return s.serve(ctx, func() {}) // the server that has handed them over tells of the start and the end
}
