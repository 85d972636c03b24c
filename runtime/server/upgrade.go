package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// upgrade sends a 101 (Switching Protocols) and then copies bytes between the client and
// Response.Conn, until both sides have ended.
func (e *exchange) upgrade() error {
	defer answer.Discard(&e.Response)
	e.endInterim()
	e.setHeader(unknown, false)
	e.w.Header()["Connection"] = upgradeOption
	e.w.WriteHeader(http.StatusSwitchingProtocols)
	// Hijack sends the head, and takes off the deadlines of the connection.
	client, buffered, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	e.engine.addTunnel(client)
	defer e.engine.removeTunnel(client)
	if e.Sent, err = tunnel(client, buffered.Reader, e.Response.Conn); err != nil {
		return &gateway.Error{
			Status: gateway.LogOnly, Code: "E2126", Kind: "CoreProxyBidirectionalCom",
			Message: "the upgraded connection broke off", Cause: err,
		}
	}
	return nil
}

// tunnel copies both ways, what is buffered of the client first, and returns the number
// of bytes that the client got. The end of one side is passed on to the other; an
// error ends both.
func tunnel(client net.Conn, buffered *bufio.Reader, upstream io.ReadWriteCloser) (sent int64, err error) {
	done := make(chan error, 1)
	go func() {
		err := copyBuffered(upstream, buffered)
		if err == nil {
			_, err = io.Copy(upstream, client)
		}
		finish(upstream, client, err)
		done <- err
	}()
	sent, err = io.Copy(client, upstream)
	finish(client, upstream, err)
	if other := <-done; err == nil || errors.Is(err, net.ErrClosed) {
		err = other
	}
	if errors.Is(err, net.ErrClosed) { // by finish, or by the server that stops
		err = nil
	}
	return sent, err
}

func copyBuffered(to io.Writer, from *bufio.Reader) error {
	b, _ := from.Peek(from.Buffered())
	if len(b) == 0 {
		return nil
	}
	_, err := to.Write(b)
	return err
}

// finish passes on the end of what was copied from one side to the other.
func finish(to, from io.Closer, err error) {
	if w, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		err = w.CloseWrite()
		if err == nil {
			return
		}
	}
	_ = to.Close()
	if err != nil {
		_ = from.Close()
	}
}
