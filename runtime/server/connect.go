package server

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
	"github.com/aileron-gateway/aileronc/runtime/internal/socketkey"
	"github.com/aileron-gateway/aileronc/runtime/server/internal/xconnect"
)

// A client of HTTP/2 opens a WebSocket by extended CONNECT (RFC 8441). Handlers get it as what it stands for, a GET that wants an
// Upgrade, and the 101 (Switching Protocols) with which it's answered becomes the 200 that the client wants.

// By the time that this package is initialized, net/http has been, and has seen that extended CONNECT is wanted.
func init() { xconnect.Restore() }

// protocolField is where net/http puts the pseudo-header field.
const protocolField = ":protocol"

// A connect is what there is to know of a request by extended CONNECT.
type connect struct {
	protocol string // that is asked for; empty if it's another request
	key      string // Sec-WebSocket-Key, which only the gateway and the upstream know
}

// begin makes the request an Upgrade of HTTP/1.1, if it's a CONNECT for a WebSocket.
func (c *connect) begin(r *http.Request, q *gateway.Request) {
	protocol := r.Header[protocolField]
	*c = connect{}
	if r.ProtoMajor != 2 || len(protocol) == 0 {
		return
	}
	c.protocol = protocol[0]
	q.Header.Del(protocolField)
	if !c.isWebSocket(r) {
		return
	}
	c.key = socketkey.New()
	q.Method, q.ContentLength = http.MethodGet, 0
	q.Header.Set("Sec-Websocket-Key", c.key)
	q.Header.Add("Connection", "Upgrade")
	q.Header.Add("Upgrade", "websocket")
}

func (c *connect) isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodConnect && gateway.EqualName(c.protocol, "websocket")
}

// check returns why the request can't be served.
func (c *connect) check(r *http.Request) error {
	switch {
	case c.protocol == "" || c.isWebSocket(r):
		return nil
	case r.Method != http.MethodConnect: // RFC 8441, section 4
		return answer.Core(http.StatusBadRequest, "only a CONNECT has a :protocol")
	}
	return answer.Core(http.StatusNotImplemented, "a CONNECT for another protocol than a WebSocket")
}

// accepted returns why the response to c isn't one that can be told to the client.
func (c *connect) accepted(p *gateway.Response) error {
	switch {
	case c.key == "" || p.Status < 200 && p.Status != http.StatusSwitchingProtocols || p.Status > 299:
		return nil
	case p.Status != http.StatusSwitchingProtocols: // to the client, it would mean that the WebSocket is open
		return answer.Core(http.StatusNotImplemented, "there is no WebSocket")
	}
	if p.Header.Get("Sec-Websocket-Accept") != socketkey.Accept(c.key) {
		return answer.Core(http.StatusBadGateway, "a WebSocket that isn't one: Sec-WebSocket-Accept is wrong")
	}
	return nil
}

// openSocket answers that the WebSocket is open, and copies bytes between the stream and Response.Conn until either side has ended.
func (e *exchange) openSocket() error {
	defer answer.Discard(&e.Response)
	e.endInterim()
	e.Response.Header.Del("Sec-Websocket-Accept")
	rc := http.NewResponseController(e.w)
	_, _ = rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{})
	e.setHeader(unknown, false)
	e.w.WriteHeader(http.StatusOK)
	if err := e.flush(); err != nil {
		return err
	}
	upstream := e.Response.Conn
	stop := context.AfterFunc(e.r.Context(), func() { _ = upstream.Close() })
	defer stop()
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(upstream, e.r.Body)
		if w, ok := upstream.(interface{ CloseWrite() error }); ok && err == nil {
			err = w.CloseWrite()
		} else {
			_ = upstream.Close()
		}
		done <- err
	}()
	_, err := io.Copy(flushed{e}, upstream)
	_ = e.r.Body.Close() // ends the other direction, too: an upstream that has ended reads nothing any more
	<-done
	if err == nil {
		err = context.Cause(e.r.Context())
	}
	if err != nil {
		return &gateway.Error{
			Status: gateway.LogOnly, Code: "E2126", Kind: "CoreProxyBidirectionalCom",
			Message: "the upgraded connection broke off", Cause: err,
		}
	}
	return nil
}

// A flushed sends each write at once.
type flushed struct{ e *exchange }

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.e.w.Write(p)
	f.e.Sent += int64(n)
	if err == nil {
		err = f.e.flush()
	}
	return n, err
}
