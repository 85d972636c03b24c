package server

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// The names by which net/http knows what serves HTTP/2, in TLSNextProto: over TLS, and on connections of another type, whose preface
// has been read already.
const (
	http2Protocol = "h2"
	anyProtocol   = "unencrypted_http2"
)

// preface is what clients of HTTP/2 begin with (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// prefaceTimeout is how long it may take, as in net/http.
const prefaceTimeout = 10 * time.Second

// checkFrames has HTTP/2 served on connections that are [checked]. net/http has been set up.
func (s *Server) checkFrames() {
	all := s.http.TLSNextProto
	serve := all[anyProtocol]
	if serve == nil {
		return // another net/http than the one that this is made for
	}
	table, limit := s.options.HTTP2.MaxDecoderHeaderTableSize, s.options.MaxHeaderBytes
	if limit <= 0 {
		limit = http.DefaultMaxHeaderBytes
	}
	limit += 4 << 10 // net/http adds something, too
	all[anyProtocol] = func(hs *http.Server, c *tls.Conn, h http.Handler) {
		inner, ok := c.NetConn().(interface{ UnencryptedNetConn() net.Conn })
		if !ok {
			serve(hs, c, h)
			return
		}
		nc := inner.UnencryptedNetConn()
		k := newChecked(nc, table, limit)
		if b, ok := nc.(interface{ Begun() []byte }); ok {
			k.begun = b.Begun()
		}
		serve(hs, hidden(k), h)
	}
	all[http2Protocol] = func(hs *http.Server, c *tls.Conn, h http.Handler) {
		if readPreface(c) {
			serve(hs, hidden(checkedTLS{newChecked(c, table, limit), c}), h)
		} else {
			_ = c.Close()
		}
	}
	if s.options.HTTP2.H2C {
		s.upgraded = func(c net.Conn, h http.Handler) { all[anyProtocol](s.http, hidden(c), h) }
		s.engine.upgrade = s.switchOver
	}
}

// readPreface reads the preface, and reports whether it is one.
func readPreface(c net.Conn) bool {
	var got [len(preface)]byte
	_ = c.SetReadDeadline(time.Now().Add(prefaceTimeout))
	_, err := io.ReadFull(c, got[:])
	_ = c.SetReadDeadline(time.Time{})
	return err == nil && string(got[:]) == preface
}

// A checkedTLS is a checked with TLS, of which net/http wants to know.
type checkedTLS struct {
	*checked
	tls *tls.Conn
}

// ConnectionState is that of the connection.
func (c checkedTLS) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// A hiddenConn is how connections of other types are handed over where net/http has a place for one of TLS.
type hiddenConn struct {
	net.Conn
	conn net.Conn
}

func (c hiddenConn) UnencryptedNetConn() net.Conn { return c.conn }

func hidden(c net.Conn) *tls.Conn { return tls.Client(hiddenConn{c, c}, nil) }
