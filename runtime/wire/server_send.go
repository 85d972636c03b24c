package wire

import (
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var outBuffers = sync.Pool{New: func() any { return new(outBuffer) }}

// A sender sends a response. Head and content go out together as long as the content is there.
type sender struct {
	*exchange
	buf     *outBuffer
	b       []byte // to be written; begins in buf
	head    int    // how much of b isn't content
	chunked bool
}

// room is how much content fits behind what is in b, with the lines around a chunk, and the end.
func (o *sender) room() int { return len(o.buf) - len(o.b) - len("ffff\r\n\r\n0\r\n\r\n") }

// flush writes what is there.
func (o *sender) flush() error {
	if len(o.b) == 0 {
		return nil
	}
	n, err := o.c.out.Write(o.b)
	if o.Sent += int64(max(0, n-o.head)); err != nil {
		return err
	}
	o.b, o.head = o.buf[:0], 0
	return nil
}

// add takes p as content, and writes if it must.
func (o *sender) add(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), o.room())
		if n <= 0 {
			if err := o.flush(); err != nil {
				return err
			}
			continue
		}
		if o.chunked {
			before := len(o.b)
			o.b = appendChunkSize(o.b, n)
			o.head += len(o.b) - before + len("\r\n")
		}
		o.b = append(o.b, p[:n]...)
		if o.chunked {
			o.b = append(o.b, "\r\n"...)
		}
		p = p[n:]
	}
	return nil
}

// end writes the rest, and the trailer of a chunked body.
func (o *sender) end() error {
	if !o.chunked {
		return o.flush()
	}
	before := len(o.b)
	o.b = append(o.b, "0\r\n"...)
	if trailer := o.Response.Trailer; trailer != nil {
		for _, f := range trailer() {
			if mayTrail(f.Name) {
				o.b = appendField(o.b, f.Name, f.Value)
			}
		}
	}
	o.b = append(o.b, "\r\n"...)
	o.head += len(o.b) - before
	return o.flush()
}

// mayTrail reports whether a field may come behind the content (RFC 9110, section 6.5.1).
func mayTrail(name string) bool {
	return !isFraming(name) && !gateway.EqualName(name, "Trailer") && !gateway.EqualName(name, "Host") && !gateway.EqualName(name, "Upgrade")
}

// bytes sends a body that is there.
func (o *sender) bytes(p []byte) error {
	if o.chunked || len(p) <= o.room() || o.c.tls != nil {
		if err := o.add(p); err != nil {
			return err
		}
		return o.end()
	}
	if err := o.flush(); err != nil {
		return err
	}
	n, err := o.c.out.Write(p)
	o.Sent = int64(n)
	return err
}

// body sends Response.Body.
func (o *sender) body(length int64) error {
	switch body := o.Response.Body.(type) {
	case *responseBody:
		if length == unknown || body.coding == sized && length == body.rest() {
			if err := o.content(body); err != nil {
				return body.blame(err)
			}
			return nil
		}
	case *os.File:
		if o.takesFiles(length) {
			return o.file(body, length)
		}
	case *gateway.FileBody:
		if o.takesFiles(length) && body.Left == length {
			return o.file(body.File, length)
		}
	}
	return o.copy(length)
}

// content sends what comes from an upstream of the same engine.
func (o *sender) content(body *responseBody) error {
	c := &body.content
	for {
		for p := c.ready(); len(p) > 0; p = c.ready() {
			if err := o.add(p); err != nil {
				return err
			}
			c.used(len(p))
		}
		switch {
		case c.err == io.EOF:
			return o.end()
		case c.err != nil:
			_ = o.flush() // what has come is the client's
			return c.err
		}
		kernel := o.c.tls == nil && !o.chunked && c.isSplicable(o.c.sock)
		if !kernel && c.in.more() { // the content follows its head closely
			continue
		}
		if err := o.flush(); err != nil {
			return err
		}
		if kernel {
			n, err := c.splice(o.c.sock)
			if o.Sent += n; err != nil {
				return err
			}
			continue
		}
		if _, err := c.next(); err != nil && err != io.EOF {
			return err
		}
	}
}

// takesFiles reports whether it's worth while to have the kernel send a file, and possible. A small one goes out together with the
// head.
func (o *sender) takesFiles(length int64) bool {
	return length > int64(o.room()) && o.c.tls == nil && o.c.sock.writeEach == 0 && isTCP(o.c.sock.conn)
}

// file has the kernel send a file.
func (o *sender) file(f *os.File, length int64) error {
	if err := o.flush(); err != nil {
		return err
	}
	sock := o.c.sock
	if err := sock.arm(&sock.wd, setWrite, true); err != nil {
		return err
	}
	n, err := sock.conn.(*net.TCPConn).ReadFrom(&io.LimitedReader{R: f, N: length})
	o.Sent += n
	if err == nil && n < length {
		err = io.ErrUnexpectedEOF
	}
	return sock.failure(err)
}

// copy sends a body of which nothing is known. If its length is unknown, or it is a stream of events, each read
// goes out at once, and the head doesn't wait for the first one.
func (o *sender) copy(length int64) error {
	stream := length == unknown || isEventStream(o.Response.Header.Get("Content-Type"))
	if p, _ := gateway.Buffered(o.Response.Body); stream && len(p) == 0 {
		if err := o.flush(); err != nil {
			return err
		}
	}
	in := getBuffer()
	defer putBuffer(in)
	sent := int64(0)
	for idle := 0; ; {
		n, err := o.Response.Body.Read(in[:])
		if length != unknown && int64(n) > length-sent {
			n, err = int(length-sent), io.EOF // more would be taken for the next response
		}
		sent += int64(n)
		if werr := o.add(in[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err == nil && (stream || sent == length) { // in case the next read takes long
			err = o.flush()
		}
		if err != nil {
			_ = o.flush()
			return err
		}
		if idle++; n > 0 {
			idle = 0
		} else if idle > 100 {
			return io.ErrNoProgress
		}
	}
	if length != unknown && sent < length {
		_ = o.flush()
		return io.ErrUnexpectedEOF
	}
	return o.end()
}

func isEventStream(contentType string) bool {
	const t = "text/event-stream"
	return len(contentType) >= len(t) && strings.EqualFold(contentType[:len(t)], t)
}
