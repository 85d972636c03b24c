package adapter

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Hijack gives the handler a connection to the client. From then on it runs beside the
// engine, no longer as a coroutine. It works for HTTP/1.1 only, as with net/http.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.conn != nil:
		return nil, nil, http.ErrHijacked
	case w.ended || w.begun:
		return nil, nil, errEnded
	case w.call.x.Request.Proto != "HTTP/1.1" && w.call.x.Request.Proto != "HTTP/1.0":
		return nil, nil, http.ErrNotSupported
	}
	w.conn = newPipe(w.call.x.Request.RemoteAddr)
	if err := w.call.emit(nil); err != nil {
		return nil, nil, err
	}
	conn := w.conn.handler
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}

// hijacked makes the response of a handler that has taken the connection. Either it
// has called WriteHeader before, or it writes the head on the connection by itself.
func (c *call) hijacked() error {
	w, p := &c.writer, c.writer.conn
	stop := context.AfterFunc(c.x.Context(), p.close)
	c.x.OnDone(func(*gateway.Exchange) {
		stop()
		p.close()
		_ = c.Close()
	})
	c.resume <- struct{}{}
	if w.status != 0 {
		w.head(&c.x.Response)
		c.setConn(p.engine, p.engine)
		return nil
	}
	in := bufio.NewReader(p.engine)
	head, err := http.ReadResponse(in, &http.Request{Method: c.x.Request.Method})
	if err != nil {
		if p.cause() != nil {
			panic(p.cause())
		}
		panic(http.ErrAbortHandler) // the handler has closed the connection without a word
	}
	c.x.Response = response(head, nil)
	c.setConn(buffered{p.engine, in}, head.Body)
	return nil
}

// setConn hands the connection on, as such after a 101, as the body otherwise.
func (c *call) setConn(conn io.ReadWriteCloser, body io.ReadCloser) {
	if c.x.Response.Status == http.StatusSwitchingProtocols {
		c.x.Response.Conn, c.x.Response.Body = conn, nil
		return
	}
	if c.x.Response.Body == nil {
		c.x.Response.ContentLength = c.writer.length
	}
	c.x.Response.Body = body
}

// buffered is a connection of which some bytes have been read ahead.
type buffered struct {
	*engineConn
	in *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.in.Read(p) }

// A pipe connects a handler that has taken the connection to the engine. It is made of
// two pipes, one for each direction, so that each can end before the other.
type pipe struct {
	handler *handlerConn
	engine  *engineConn

	mu  sync.Mutex
	err any // what the handler panicked with
}

func newPipe(remote string) *pipe {
	p := &pipe{}
	fromHandler, toEngine := net.Pipe()
	toHandler, fromEngine := net.Pipe()
	// Names are from the point of view of the bytes: the handler writes toEngine.
	p.engine = &engineConn{pipe: p, in: fromHandler, out: toHandler}
	p.handler = &handlerConn{in: fromEngine, out: toEngine, remote: addr(remote)}
	return p
}

// close ends both directions on both sides.
func (p *pipe) close() {
	_ = p.engine.Close()
	_ = p.handler.Close()
}

// fail ends the connection because of a panic of the handler.
func (p *pipe) fail(value any) {
	p.mu.Lock()
	p.err = value
	p.mu.Unlock()
	_ = p.handler.Close()
}

func (p *pipe) cause() any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// An engineConn is the side of the engine, the Conn of a gateway.Response.
type engineConn struct {
	pipe    *pipe
	in, out net.Conn
}

// Read returns what the handler wrote and, after a panic of it, the *gateway.Error.
func (e *engineConn) Read(p []byte) (int, error) {
	n, err := e.in.Read(p)
	if err == io.EOF {
		if cause, ok := e.pipe.cause().(error); ok {
			err = cause
		}
	}
	return n, err
}

func (e *engineConn) Write(p []byte) (int, error) { return e.out.Write(p) }

// CloseWrite tells the handler that the client has ended its side.
func (e *engineConn) CloseWrite() error { return e.out.Close() }

func (e *engineConn) Close() error {
	_ = e.out.Close()
	return e.in.Close()
}

// A handlerConn is the net.Conn that Hijack returns.
type handlerConn struct {
	in, out net.Conn
	remote  addr
}

func (h *handlerConn) Read(p []byte) (int, error)  { return h.in.Read(p) }
func (h *handlerConn) Write(p []byte) (int, error) { return h.out.Write(p) }

// CloseWrite tells the client that the handler has ended its side.
func (h *handlerConn) CloseWrite() error { return h.out.Close() }

func (h *handlerConn) Close() error {
	_ = h.out.Close()
	return h.in.Close()
}

func (h *handlerConn) LocalAddr() net.Addr                { return addr("") }
func (h *handlerConn) RemoteAddr() net.Addr               { return h.remote }
func (h *handlerConn) SetReadDeadline(t time.Time) error  { return h.in.SetReadDeadline(t) }
func (h *handlerConn) SetWriteDeadline(t time.Time) error { return h.out.SetWriteDeadline(t) }

func (h *handlerConn) SetDeadline(t time.Time) error {
	_ = h.in.SetReadDeadline(t)
	return h.out.SetWriteDeadline(t)
}

// An addr is the address of a peer, as the engine knows it.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

// restingConn is the connection of an inner 101 that goes to the engine past the
// middleware: the handler rests until it's closed.
func restingConn(c *call, conn io.ReadWriteCloser) io.ReadWriteCloser {
	r := resting{conn, c}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return restingHalf{r, half}
	}
	return r
}

type resting struct {
	io.ReadWriteCloser
	call *call
}

// Close closes the connection, and lets the middleware go on after its call of next.
func (r resting) Close() error {
	err := r.ReadWriteCloser.Close()
	_ = r.call.Close()
	return err
}

type restingHalf struct {
	resting
	half interface{ CloseWrite() error }
}

func (r restingHalf) CloseWrite() error { return r.half.CloseWrite() }
