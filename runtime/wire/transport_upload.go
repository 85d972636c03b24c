package wire

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// An upload sends the body of a request that isn't at hand, in a goroutine of its own, while the response is
// waited for or read. The goroutine may be waiting for the client when the exchange ends, so it holds nothing of that
// but what it takes leave for.
type upload struct {
	body    io.Reader
	left    int64 // -1 if the length is unknown
	length  int64 // as announced
	sock    *socket
	out     io.Writer
	patient time.Duration // how long the upstream may take to answer then
	done    chan struct{} // closed at the end

	mu       sync.Mutex
	trailer  func() gateway.Header // of the exchange; nil if there is none
	over     bool                  // the exchange needs it no more
	response bool                  // its head is there
	last     bool                  // the last bytes are being written
	ended    bool                  // then err is final
	err      error
}

// startUpload starts sending what is left of the body.
func (c *call) startUpload(l *link) {
	r := &c.leg.Request
	c.waits = false
	l.sock.rd.want = 0
	l.upload = &upload{
		body: r.Body, left: c.left, length: r.ContentLength, trailer: r.Trailer,
		sock: l.sock, out: l.out, patient: c.t.options.ResponseHeaderTimeout, done: make(chan struct{}),
	}
	if c.chunked {
		l.upload.left = -1
	}
	l.upload.last = l.upload.left == 0
	go l.upload.run()
}

func (u *upload) run() {
	err, ofBody := u.trySend()
	u.mu.Lock()
	u.ended, u.err = true, err
	if ofBody && !u.over {
		u.sock.Interrupt(err) // nobody will answer half of a request
	}
	u.mu.Unlock()
	close(u.done)
}

// trySend contains a panic of the body, which middleware may have made.
func (u *upload) trySend() (err error, ofBody bool) {
	ofBody = true
	defer answer.Rescue(&err)
	return u.send()
}

// send sends the body. ofBody says that an error is one of reading it, and not of writing to the
// upstream, which may have answered already.
func (u *upload) send() (err error, ofBody bool) {
	buf := outBuffers.Get().(*outBuffer)
	defer outBuffers.Put(buf)
	p := buf[chunkLine : chunkLine+bufferSize]
	if from, ok := u.body.(gateway.SplicedBody); ok && u.left >= spliceFrom && u.out == io.Writer(u.sock) {
		if err, ofBody = u.splice(from); err != nil {
			return err, ofBody
		}
	}
	for idle := 0; u.left != 0; {
		n, err := u.body.Read(p)
		switch {
		case u.isOver():
			return errOver, false
		case err != nil && err != io.EOF:
			return bodyError(err), true
		case u.left >= 0 && (int64(n) > u.left || err == io.EOF && int64(n) < u.left):
			return wrongLength(u.length), true
		}
		if werr := u.write(buf, n, err == io.EOF); werr != nil {
			return werr, false
		}
		if err == io.EOF {
			u.wait()
			return nil, false
		}
		if idle++; n > 0 {
			idle = 0
		} else if idle > maxIdleReads {
			return bodyError(io.ErrNoProgress), true
		}
	}
	u.wait()
	return u.expectEnd(p)
}

// splice has the body go to the upstream on its own.
func (u *upload) splice(body gateway.SplicedBody) (err error, ofBody bool) {
	n, err := body.SpliceTo(u.sock)
	u.left -= n
	_, ofBody = errors.AsType[*gateway.ReadError](err)
	switch {
	case u.isOver():
		return errOver, false
	case ofBody:
		return bodyError(err), true
	case err == nil && u.left != 0:
		return wrongLength(u.length), true
	}
	u.mu.Lock()
	u.last = true
	u.mu.Unlock()
	return err, false
}

// write writes n bytes in buf, which have room around them for the coding.
func (u *upload) write(buf *outBuffer, n int, end bool) error {
	b := buf[chunkLine : chunkLine+n]
	if u.left < 0 {
		var line [chunkLine]byte
		start := chunkLine
		if n > 0 {
			size := appendChunkSize(line[:0], n)
			start -= copy(buf[chunkLine-len(size):], size)
			b = append(buf[start:chunkLine+n], "\r\n"...)
		}
		if end {
			b = u.appendEnd(b)
		}
	} else if u.left -= int64(n); u.left == 0 {
		end = true
	}
	if end {
		u.mu.Lock()
		u.last = true
		u.mu.Unlock()
	}
	if len(b) == 0 {
		return nil
	}
	_, err := u.out.Write(b)
	return err
}

// appendEnd appends the last chunk and the trailer section.
func (u *upload) appendEnd(b []byte) []byte {
	b = append(b, "0\r\n"...)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.trailer != nil && !u.over {
		for _, f := range u.trailer() {
			if mayTrail(f.Name) {
				b = appendField(b, f.Name, f.Value)
			}
		}
	}
	return append(b, "\r\n"...)
}

// expectEnd fails if there is more of a body than announced.
func (u *upload) expectEnd(p []byte) (err error, ofBody bool) {
	for range maxIdleReads {
		n, err := u.body.Read(p)
		switch {
		case u.isOver():
			return errOver, false
		case n > 0:
			return wrongLength(u.length), true
		case err == io.EOF:
			return nil, false
		case err != nil:
			return bodyError(err), true
		}
	}
	return bodyError(io.ErrNoProgress), true
}

func (u *upload) isOver() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.over
}

// wait has the time run in which the upstream has to answer: all of the request is out.
func (u *upload) wait() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.response && !u.over && u.patient > 0 {
		u.sock.limitReads(after(u.patient))
	}
}

// answered ends that time.
func (u *upload) answered() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.response = true
	u.sock.limitReads(0)
}

// failure is why the upload has failed, nil if it hasn't yet.
func (u *upload) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// isOut reports whether nothing more than the last bytes has to be sent.
func (u *upload) isOut() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last || u.ended && u.err == nil
}

// lastWrite is how long the last bytes of a request that has been answered may take.
const lastWrite = 50 * time.Millisecond

// finished reports whether all has been sent. An upstream often answers before who has written the last
// bytes comes to say so.
func (u *upload) finished() bool {
	u.mu.Lock()
	wait := u.last && !u.ended
	u.mu.Unlock()
	if wait {
		t := time.NewTimer(lastWrite)
		select {
		case <-u.done:
		case <-t.C:
		}
		t.Stop()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended && u.err == nil
}

// stop takes the exchange away from u.
func (u *upload) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over, u.trailer = true, nil
	if !u.ended {
		u.sock.Interrupt(errOver)
	}
}
