package adapter

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// push writes the response of an inner handler to w, which is the writer of the call
// or one that middleware has put around it.
func (c *call) push(w http.ResponseWriter, r *gateway.Response) {
	h := w.Header()
	c.pushHeader(h, r)
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case r.Conn != nil:
		c.pushConn(w, r.Conn)
	case r.Body == nil:
		if len(r.Bytes) > 0 || bodyAllowed(status) && !c.writer.isHead {
			h["Content-Length"] = []string{strconv.Itoa(len(r.Bytes))}
		}
		w.WriteHeader(status)
		if len(r.Bytes) > 0 {
			_, _ = w.Write(r.Bytes)
		}
	default:
		defer r.Body.Close()
		if r.ContentLength >= 0 && (r.ContentLength > 0 || bodyAllowed(status)) {
			h["Content-Length"] = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		w.WriteHeader(status)
		c.pushBody(w, r)
		pushTrailer(h, r)
	}
}

// pushHeader adds the fields of an inner response to what middleware has put into h
// already. As if the inner handler had set them, they replace those of the same name,
// but for the lists that every party adds to.
func (c *call) pushHeader(h http.Header, r *gateway.Response) {
	for name, values := range Header(r.Header) {
		switch name {
		case "Content-Length":
			continue
		case "Link", "Server-Timing", "Set-Cookie", "Vary", "Via":
			values = append(h[name], values...)
		}
		h[name] = values
	}
	for _, name := range []string{"Content-Type", "Date"} {
		// An empty list keeps net/http and its likes from making up a value. Only a
		// response that says so goes without a date.
		if _, ok := h[name]; !ok && (name != "Date" || r.NoDate) {
			h[name] = nil
		}
	}
	c.writer.mu.Lock()
	c.writer.like = r.Header
	c.writer.mu.Unlock()
}

// pushBody copies the body. If its length is unknown, each piece is flushed.
func (c *call) pushBody(w http.ResponseWriter, r *gateway.Response) {
	buf := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buf)
	flusher := http.NewResponseController(w)
	for {
		n, err := r.Body.Read(buf[:])
		if n > 0 {
			if _, e := w.Write(buf[:n]); e != nil {
				return
			}
			if r.ContentLength < 0 && err == nil {
				_ = flusher.Flush()
			}
		}
		switch {
		case err == io.EOF:
			return
		case err != nil:
			// A cut body must not end like a whole one.
			c.abort(err)
		}
	}
}

func pushTrailer(h http.Header, r *gateway.Response) {
	if r.Trailer == nil {
		return
	}
	names := announced(h)
	for _, f := range r.Trailer() {
		name := http.CanonicalHeaderKey(f.Name)
		if !slices.Contains(names, name) {
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], f.Value)
	}
}

// pushConn passes the upgraded connection of an inner response to the engine, past the
// middleware, if the 101 gets there.
func (c *call) pushConn(w http.ResponseWriter, conn io.ReadWriteCloser) {
	c.writer.mu.Lock()
	c.writer.upgraded = conn
	c.writer.mu.Unlock()
	defer conn.Close()
	w.WriteHeader(http.StatusSwitchingProtocols)
}
