package http3server

import (
	"io"
	"net/http"
	"os"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
	"github.com/aileron-gateway/aileronc/runtime/internal/capsule"
)

// ServeHTTP runs one exchange. quic-go calls it when the head of a request has come.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	c.begin()
	defer c.end()
	str, err := w.(http3.HTTPStreamer).HTTPStream()
	if err != nil {
		return // which it can't be: nothing has been written
	}
	out := newWriter(str, &s.options)
	defer end(out, r)
	delete(r.Header, "Host") // if there was one, it was the authority
	extended := r.Method == http.MethodConnect && r.Proto != proto
	if !r.TLS.HandshakeComplete && (extended || !isSafe(r.Method)) {
		waitForHandshake(c.quic, r)
	}
	if extended {
		s.engine.ServeHTTP(&tunnelWriter{
			writer: out, conn: c.quic, peer: w.(http3.Settingser),
			datagrams: s.options.QUIC.EnableDatagrams && capsule.IsUsed(r.Header.Get("Capsule-Protocol")),
		}, upgradeOf(r))
		return
	}
	findBody(str.QUICStream(), r)
	if d := s.options.ReadTimeout; d > 0 && r.ContentLength != 0 {
		_ = out.SetReadDeadline(time.Now().Add(d))
	}
	s.engine.ServeHTTP(out, r)
}

const proto = "HTTP/3.0"

// end ends the stream of a request. A response that isn't complete is cut off, so that the client notices.
func end(w *writer, r *http.Request) {
	v := recover()
	switch {
	case w.hijacked:
	case v == nil && w.ended:
		// What is left of the request nobody wants (RFC 9114, section 4.1).
		w.str.CancelRead(quic.StreamErrorCode(http3.ErrCodeNoError))
		return
	default:
		w.str.CancelRead(quic.StreamErrorCode(http3.ErrCodeInternalError))
		w.str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeInternalError))
	}
	if v != nil && v != http.ErrAbortHandler {
		panic(v) // it isn't the handler's: the engine contains those
	}
}

// bodyless is how long a client may take to show that a request has no body, if such requests seldom have one.
const bodyless = time.Second

// findBody tells a request without a body from one with a body of unknown length: the stream of the former ends
// behind the head. Mostly, that comes along with the head.
func findBody(str *quic.Stream, r *http.Request) {
	if r.ContentLength < 0 && r.Method != http.MethodConnect {
		var b [1]byte
		_ = str.SetReadDeadline(time.Now().Add(100 * time.Microsecond))
		_, err := str.Peek(b[:])
		if os.IsTimeout(err) && seldomHasBody(r.Method) {
			_ = str.SetReadDeadline(time.Now().Add(bodyless))
			_, err = str.Peek(b[:])
		}
		_ = str.SetReadDeadline(time.Time{})
		if err != io.EOF {
			return
		}
		_, _ = r.Body.Read(b[:]) // the end
		r.ContentLength = 0
	}
	if r.ContentLength <= 0 {
		r.ContentLength, r.Body, r.Trailer = 0, http.NoBody, nil
	}
}

func seldomHasBody(method string) bool { return isSafe(method) || method == http.MethodDelete }

// isSafe reports whether a method asks for nothing but an answer (RFC 9110, section 9.2.1).
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// earlyPatience is how long a request that has come too early waits for the handshake to end.
const earlyPatience = 5 * time.Second

// waitForHandshake returns when the client has shown that it's there, or has been too slow in that. Whoever has recorded
// a request and sends it again can't show it.
func waitForHandshake(c *quic.Conn, r *http.Request) {
	timer := time.NewTimer(earlyPatience)
	defer timer.Stop()
	select {
	case <-c.HandshakeComplete():
		state := c.ConnectionState().TLS
		r.TLS = &state
	case <-r.Context().Done():
	case <-timer.C:
	}
}

// A guard stands between the engine and the handler.
type guard struct{ next gateway.Handler }

var (
	errEarly     = answer.Core(http.StatusTooEarly, "the request came before the handshake was over")
	errNoUpgrade = answer.Core(http.StatusNotImplemented, "the handler doesn't switch to the protocol of the extended CONNECT")
)

// Serve hands the exchange on, if it may be answered yet.
func (g guard) Serve(x *gateway.Exchange) error {
	q := &x.Request
	early := q.TLS != nil && !q.TLS.HandshakeComplete
	extended := q.Header.Has("Upgrade") // which ordinary requests of HTTP/3 can't have (RFC 9114, section 4.2)
	switch {
	case early && (extended || !isSafe(q.Method)):
		return errEarly
	case early:
		x.Upstream.Set("Early-Data", "1") // RFC 8470, section 5.1
	}
	if !extended {
		return g.next.Serve(x)
	}
	key := q.Header.Get("Sec-WebSocket-Key") // the handler may change it
	if err := g.next.Serve(x); err != nil {
		return err
	}
	switch p := &x.Response; {
	case 200 <= p.Status && p.Status < 300: // to the client, it would mean that it has a tunnel
		return errNoUpgrade
	case p.Status == http.StatusSwitchingProtocols && key != "":
		return checkAccept(&p.Header, key)
	}
	return nil
}
