package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A progress is how far a request has got, as the hooks of net/http tell.
type progress struct {
	t     *Transport
	phase atomic.Uint32
	sent  atomic.Bool // there has been a connection, so that something may have been sent
}

func (p *progress) begin(t *Transport) {
	p.t = t
	p.to(gateway.PhaseConnect)
	p.sent.Store(false)
}

func (p *progress) to(phase gateway.Phase) { p.phase.Store(uint32(phase)) }

// hook has the hooks of trace tell p. Those of t that are set already are called, too.
func (p *progress) hook(t *httptrace.ClientTrace) {
	gotConn, wrote := t.GotConn, t.WroteRequest
	t.GetConn = func(string) { p.to(gateway.PhaseConnect) }
	t.TLSHandshakeStart = func() {
		// It may be on a connection that the request doesn't wait for any more.
		p.phase.CompareAndSwap(uint32(gateway.PhaseConnect), uint32(gateway.PhaseHandshake))
	}
	t.GotConn = func(info httptrace.GotConnInfo) {
		p.to(gateway.PhaseSend)
		p.sent.Store(true)
		gotConn(info)
		if g := guardOf(info.Conn); g != nil && info.Reused {
			g.reuse()
		}
		if info.Reused && p.t.conns.used(info.Conn) {
			_ = p.t.Close() // others that are idle may go there, too
		}
	}
	t.WroteRequest = func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			p.to(gateway.PhaseWait)
		}
		wrote(info)
	}
}

// failure says what was being done when err came.
func (p *progress) failure(leg *gateway.Exchange, err error) error {
	phase := gateway.Phase(p.phase.Load())
	if phase == gateway.PhaseConnect {
		phase = dial.Phase(err)
	}
	return failure(leg, phase, p.sent.Load(), err)
}

func failure(leg *gateway.Exchange, phase gateway.Phase, sent bool, err error) error {
	ctx := leg.Context()
	if end := ctx.Err(); end != nil && !errors.Is(err, end) && errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("%w: %w", end, err) // the cause alone doesn't tell that the context has ended
	}
	r := &leg.Request
	return &gateway.UpstreamError{Method: r.Method, Scheme: r.Scheme, Host: r.Host, Phase: phase, Sent: sent, Err: err}
}

// A responseBody is a body whose errors name the upstream.
type responseBody struct {
	io.ReadCloser
	leg *gateway.Exchange
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		r := &b.leg.Request
		err = &gateway.UpstreamError{Method: r.Method, Scheme: r.Scheme, Host: r.Host, Phase: gateway.PhaseRead, Sent: true, Err: err}
	}
	return n, err
}
