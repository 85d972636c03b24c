package http3server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/capsule"
	"github.com/aileron-gateway/aileronc/runtime/internal/socketkey"
)

// upgradeOf is r, an extended CONNECT, as a request of HTTP/1.1 would be that wants the same (RFC 9220; RFC 8441,
// section 5). What HTTP/1.1 has besides is added: a key, for WebSocket.
func upgradeOf(r *http.Request) *http.Request {
	protocol := r.Proto
	r.Method, r.Proto = http.MethodGet, proto
	r.ContentLength, r.Body, r.Trailer = 0, http.NoBody, nil
	r.Header["Connection"] = []string{"Upgrade"}
	r.Header["Upgrade"] = []string{protocol}
	delete(r.Header, "Content-Length")
	if gateway.EqualName(protocol, "websocket") {
		r.Header["Sec-Websocket-Key"] = []string{socketkey.New()}
	} else {
		delete(r.Header, "Sec-Websocket-Key") // nothing that checkAccept would have to look at
	}
	return r
}

// checkAccept holds the answer to a WebSocket handshake against the key, as a client of HTTP/1.1 would (RFC 6455,
// section 4.1). Clients of HTTP/3 see neither.
func checkAccept(h *gateway.Header, key string) error {
	if h.Get("Sec-WebSocket-Accept") != socketkey.Accept(key) {
		return &gateway.Error{
			Status: http.StatusBadGateway, Code: "E2125", Kind: "CoreProxyProtocolSwitch",
			Message: "the answer to the WebSocket handshake is to another one",
		}
	}
	h.Del("Sec-WebSocket-Accept")
	return nil
}

// A tunnelWriter sends the response to an extended CONNECT.
type tunnelWriter struct {
	*writer
	conn      *quic.Conn
	datagrams bool             // datagrams are taken, and the stream holds capsules
	peer      http3.Settingser // tells whether the client takes them, too
}

// WriteHeader makes a 200 of a 101 (Switching Protocols), which HTTP/3 doesn't have (RFC 9114, section 4.5).
func (w *tunnelWriter) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		w.writer.WriteHeader(status)
		return
	}
	delete(w.header, "Connection")
	delete(w.header, "Upgrade")
	w.writer.WriteHeader(http.StatusOK)
}

// Hijack sends the head, and gives the stream away.
func (w *tunnelWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.FlushError(); err != nil {
		return nil, nil, err
	}
	_ = w.SetWriteDeadline(time.Time{})
	w.hijacked = true
	t := &tunnel{w: w.writer, conn: w.conn, in: w.str, out: w.writer}
	if w.datagrams {
		r := capsule.NewReader(w.str, w.str.ReceiveDatagram)
		t.in, t.closeIn = r, r.Close
		if takesDatagrams(w.peer) {
			t.out = capsule.NewWriter(w.writer, w.str.SendDatagram)
		}
	}
	return t, bufio.NewReadWriter(bufio.NewReaderSize(t, 16), nil), nil
}

// takesDatagrams reports whether the client has said that it takes datagrams.
func takesDatagrams(peer http3.Settingser) bool {
	select {
	case <-peer.ReceivedSettings():
		return peer.Settings().EnableDatagrams
	default:
		return false
	}
}

// A tunnel is the client's side of an upgraded request.
type tunnel struct {
	w       *writer
	conn    *quic.Conn
	in      io.Reader
	out     io.Writer
	closeIn func() error // nil if in is the stream itself
	ended   atomic.Bool  // what the client gets
}

func (t *tunnel) Read(p []byte) (int, error)  { return t.in.Read(p) }
func (t *tunnel) Write(p []byte) (int, error) { return t.out.Write(p) }

// CloseWrite ends what the client gets.
func (t *tunnel) CloseWrite() error {
	t.ended.Store(true)
	return t.w.str.Close()
}

// Close ends the tunnel. If CloseWrite hasn't been called before, the client sees a reset (RFC 9220, section 3).
func (t *tunnel) Close() error {
	t.w.str.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	if !t.ended.Load() {
		t.w.str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	}
	if t.closeIn != nil {
		return t.closeIn()
	}
	return nil
}

func (t *tunnel) LocalAddr() net.Addr                { return t.conn.LocalAddr() }
func (t *tunnel) RemoteAddr() net.Addr               { return t.conn.RemoteAddr() }
func (t *tunnel) SetReadDeadline(d time.Time) error  { return t.w.SetReadDeadline(d) }
func (t *tunnel) SetWriteDeadline(d time.Time) error { return t.w.SetWriteDeadline(d) }

// SetDeadline bounds both.
func (t *tunnel) SetDeadline(d time.Time) error {
	if err := t.SetReadDeadline(d); err != nil {
		return err
	}
	return t.SetWriteDeadline(d)
}
