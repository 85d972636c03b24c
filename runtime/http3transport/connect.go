package http3transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/capsule"
	"github.com/aileron-gateway/aileronc/runtime/internal/socketkey"
	"github.com/aileron-gateway/aileronc/runtime/transport"
)

var (
	errNoConnect = errors.New("the upstream takes no extended CONNECT (RFC 9220)")
	errInterims  = errors.New("too many informational responses")
)

// connect sends a request with Upgrade, as an extended CONNECT (RFC 9220; RFC 8441, section 5).
func (t *Transport) connect(leg *gateway.Exchange) error {
	ctx := leg.Context()
	c, _, phase, err := t.pool.origin(leg.Request.Host).acquire(ctx)
	if err != nil {
		return transport.Failure(leg, phase, false, err)
	}
	k := &call{conn: c}
	s, err := k.open(ctx)
	if err == nil {
		phase = gateway.PhaseWait
		err = k.connect(ctx, leg, s, t.datagrams)
	}
	if err != nil {
		k.end()
		if end := ctx.Err(); end != nil {
			err = end
		}
		return transport.Failure(leg, phase, phase == gateway.PhaseWait, err)
	}
	return nil
}

// open opens a stream for an extended CONNECT, if the upstream takes any.
func (k *call) open(ctx context.Context) (*http3.RequestStream, error) {
	select {
	case <-k.conn.http.ReceivedSettings():
	case <-k.conn.quic.Context().Done():
		return nil, context.Cause(k.conn.quic.Context())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !k.conn.http.Settings().EnableExtendedConnect {
		return nil, errNoConnect
	}
	return k.conn.http.OpenRequestStream(ctx)
}

func (k *call) connect(ctx context.Context, leg *gateway.Exchange, s *http3.RequestStream, datagrams bool) error {
	give := func() {
		s.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
		s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	}
	stop := context.AfterFunc(ctx, give)
	req := connectRequest(leg)
	resp, err := exchange(s, req, leg)
	if err != nil {
		stop()
		give()
		return err
	}
	if resp.StatusCode/100 != 2 {
		resp.Body = &body{resp.Body, k}
		_ = s.Close() // nothing more comes from us
		return transport.Fill(leg, resp)
	}
	r := &leg.Response
	if err := transport.Fill(leg, &http.Response{StatusCode: http.StatusNoContent, Header: resp.Header, Body: http.NoBody}); err != nil {
		return err
	}
	r.Status, r.ContentLength = http.StatusSwitchingProtocols, -1
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", req.Proto)
	if key := leg.Request.Header.Get("Sec-WebSocket-Key"); key != "" {
		// The upstream has got no key, and answers to none.
		r.Header.Set("Sec-WebSocket-Accept", socketkey.Accept(key))
	}
	c := &tunnel{call: k, stream: s, body: resp.Body, in: resp.Body, out: s, stop: stop}
	if datagrams && capsule.IsUsed(leg.Request.Header.Get("Capsule-Protocol")) {
		in := capsule.NewReader(resp.Body, s.ReceiveDatagram)
		c.in, c.closeIn = in, in.Close
		if k.conn.http.Settings().EnableDatagrams {
			c.out = capsule.NewWriter(s, s.SendDatagram)
		}
	}
	r.Conn = c
	return nil
}

// connectRequest is the extended CONNECT for the request of leg.
func connectRequest(leg *gateway.Exchange) *http.Request {
	q := &leg.Request
	req := &http.Request{Method: http.MethodConnect, Header: make(http.Header, len(q.Header)), ProtoMajor: 3}
	for t := range q.Header.Tokens("Upgrade") {
		req.Proto = t
		break
	}
	req.URL = new(url.URL)
	transport.SetTarget(req.URL, q, false)
	for _, f := range q.Header {
		switch name := textproto.CanonicalMIMEHeaderKey(f.Name); name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Upgrade", "Keep-Alive", "Proxy-Connection",
			"Http2-Settings", "Te", "Sec-Websocket-Key":
		default:
			req.Header[name] = append(req.Header[name], f.Value)
		}
	}
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = nil // or quic-go would add its own
	}
	return req
}

// tooManyInterims is more 1xx responses than an upstream sends that means well.
const tooManyInterims = 100

// exchange sends req and reads the heads of the responses to it.
func exchange(s *http3.RequestStream, req *http.Request, leg *gateway.Exchange) (*http.Response, error) {
	if err := s.SendRequestHeader(req); err != nil {
		return nil, err
	}
	for range tooManyInterims {
		resp, err := s.ReadResponse()
		if err != nil || resp.StatusCode/100 != 1 {
			return resp, err
		}
		if leg.Interim == nil || resp.StatusCode == http.StatusContinue {
			continue
		}
		if err := leg.Interim(resp.StatusCode, flat(resp.Header)); err != nil {
			return nil, err
		}
	}
	return nil, errInterims
}

func flat(h http.Header) (list gateway.Header) {
	for name, values := range h {
		for _, v := range values {
			list.Add(name, v)
		}
	}
	return list
}

// A tunnel is the upstream's side of an upgraded request.
type tunnel struct {
	call    *call
	stream  *http3.RequestStream
	body    io.ReadCloser
	in      io.Reader
	out     io.Writer
	closeIn func() error // nil if in is body itself
	stop    func() bool  // of what resets the stream when the exchange ends
	ended   atomic.Bool  // what we send has ended
}

func (t *tunnel) Read(p []byte) (int, error)  { return t.in.Read(p) }
func (t *tunnel) Write(p []byte) (int, error) { return t.out.Write(p) }

// CloseWrite ends what the upstream gets.
func (t *tunnel) CloseWrite() error {
	t.ended.Store(true)
	return t.stream.Close()
}

// Close ends the tunnel. If CloseWrite hasn't been called before, the upstream sees a reset (RFC 9220, section 3).
func (t *tunnel) Close() error {
	t.stop()
	if !t.ended.Load() {
		t.stream.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	}
	err := t.body.Close()
	if t.closeIn != nil {
		_ = t.closeIn()
	}
	t.call.end()
	return err
}
