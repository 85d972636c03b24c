package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/h2c"
)

// switchOver serves HTTP/2 on the connection of a request that asks for it (RFC 7540, section 3.2), and reports whether it has.
func (s *Server) switchOver(w http.ResponseWriter, r *http.Request) bool {
	if r.Header["Upgrade"] == nil || r.TLS != nil || r.ProtoMajor != 1 || r.ContentLength != 0 {
		return false
	}
	q := gateway.Request{Method: r.Method, Scheme: "http", Host: r.Host, Target: r.RequestURI, Proto: r.Proto, RawPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	for name, values := range r.Header {
		for _, v := range values {
			q.Header.Add(name, v)
		}
	}
	if !h2c.Asked(&q) {
		return false
	}
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	s.engine.addTunnel(c) // the server has let it go
	defer s.engine.removeTunnel(c)
	if _, err := io.WriteString(c, h2c.Response); err != nil {
		return true
	}
	b := &switched{Conn: c, r: buffered.Reader, begun: h2c.Frames(&q)}
	var got [len(preface)]byte
	_ = c.SetReadDeadline(time.Now().Add(prefaceTimeout))
	if _, err := io.ReadFull(b, got[:]); err == nil && string(got[:]) == preface {
		_ = c.SetReadDeadline(time.Time{})
		s.upgraded(b, based{s.engine, s.base})
	}
	return true
}

// A switched is a connection that has become one of HTTP/2.
type switched struct {
	net.Conn
	r     *bufio.Reader // what has been read already
	begun []byte
}

// Begun returns the frames of the first request.
func (c *switched) Begun() []byte { return c.begun }

func (c *switched) Read(p []byte) (int, error) {
	if c.r.Buffered() > 0 {
		return c.r.Read(p)
	}
	return c.Conn.Read(p)
}

// A based is an engine that tells net/http the context of all requests, as its own handlers do.
type based struct {
	*Engine
	base context.Context
}

// BaseContext is what net/http asks for.
func (b based) BaseContext() context.Context { return b.base }
