package wire

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// exchange sends the request on l and fills in the response. It returns how much of the request
// was sent before the body was streamed.
func (c *call) exchange(l *link) (sent int, err error) {
	sent, failed, err := c.send(l)
	if failed == errNotSilent { // what has come is no answer
		return 0, failed
	}
	// The upstream may have answered before it closed: a request that is too large, say.
	if err == nil && failed == nil {
		if !(c.held && l.reused) {
			c.free()
		}
		if c.waits {
			l.sock.rd.want = after(c.t.options.ExpectContinueTimeout)
		} else if c.stream {
			c.startUpload(l)
		}
	}
	if err == nil {
		err = c.receive(l)
	} else {
		err = l.late(err)
	}
	if err == nil {
		return sent, nil
	}
	if failed == nil && l.upload != nil {
		failed = l.upload.failure()
	}
	c.phase = gateway.PhaseWait
	if !c.came && (failed != nil || l.upload != nil && !l.upload.isOut()) {
		c.phase = gateway.PhaseSend
	}
	c.sent = c.sent || sent > 0 || l.upload != nil
	if failed != nil && !c.came && l.sock.interrupted() == nil {
		err = failed
	}
	return sent, err
}

// send writes what is at hand of the request, sent bytes of it. If that is all, it waits for an answer, too. failed is
// why writing has ended, err is why that waiting has.
func (c *call) send(l *link) (sent int, failed, err error) {
	if !c.stream {
		l.sock.rd.want = after(c.t.options.ResponseHeaderTimeout)
		if c.asks() && l.tls == nil {
			var b *buffer
			var n int
			p, o := c.b, c.buf
			if c.held && l.reused {
				o = nil // it can't be made again
			}
			b, n, sent, err = l.sock.Ask(p, o, c.at, l.reused)
			if o != nil && sent == len(p) {
				c.buf, c.b = nil, nil
			}
			if b != nil {
				l.in.take(b, n)
			}
			switch {
			case sent == len(p):
				return sent, nil, err
			case err != nil:
				return sent, err, nil
			}
		}
		if c.asks() && sent == 0 && l.reused && !l.isSilent() {
			return 0, errNotSilent, nil
		}
	}
	n, failed := l.out.Write(c.b[sent:])
	if sent += n; failed == nil && len(c.rest) > 0 {
		_, failed = l.out.Write(c.rest)
	}
	if failed == nil && !c.stream {
		l.sock.rd.want = after(c.t.options.ResponseHeaderTimeout)
	}
	return sent, failed, nil
}

// asks reports whether the request is sent by Ask, which sees whether the upstream has been silent: it is in one piece.
func (c *call) asks() bool { return rawReads && !c.stream && len(c.rest) == 0 && !c.up.secure }

// late says so if err is the end of the time to answer.
func (l *link) late(err error) error {
	if errors.Is(err, errDeadline) && l.sock.interrupted() == nil {
		return errAwaiting
	}
	return err
}

// receive reads the response, and the informational ones before it.
func (c *call) receive(l *link) error {
	for interims := 0; ; {
		head, err := l.readHead()
		if err != nil {
			c.came = c.came || len(l.in.buffered()) > 0
			if c.waits && errors.Is(err, errDeadline) && l.sock.interrupted() == nil {
				c.startUpload(l) // the upstream has had its time to refuse
				continue
			}
			return l.late(err)
		}
		c.came = true
		if _, status, _ := strings.Cut(head, " "); !strings.HasPrefix(status, "1") {
			return c.final(l, head)
		}
		if interims++; interims > maxInterims {
			return errInterims
		}
		if done, err := c.informational(l, head); done || err != nil {
			return err
		}
	}
}

// maxInterims is more 1xx responses than an upstream sends that means well.
const maxInterims = 100

// informational takes a 1xx response. It reports whether that was the last one: 101 (Switching Protocols).
func (c *call) informational(l *link, head string) (done bool, err error) {
	var p gateway.Response // whoever gets it may keep the header
	f, fault := parseResponse(head, c.leg.Request.Method, &p, nil)
	switch {
	case fault != nil:
		return false, fault
	case p.Status == 101:
		if !c.upgrade || !f.upgrade || l.upload != nil || c.waits {
			return false, errSwitch
		}
		p.Conn = l.switchOver(c.leg)
		c.leg.Response = p
		return true, nil
	case p.Status == 100:
		// The client is told by its own server when the body is read, and that is now.
		if c.waits {
			c.startUpload(l)
		}
	case c.leg.Interim != nil:
		return false, c.leg.Interim(p.Status, p.Header)
	}
	return false, nil
}

// final takes the response.
func (c *call) final(l *link, head string) error {
	p := &c.leg.Response
	*p = gateway.Response{Header: p.Header[:0]}
	if l.reused && l.memo == nil {
		l.memo = new(responseMemo)
	}
	f, fault := parseResponse(head, c.leg.Request.Method, p, l.memo)
	if fault != nil {
		p.Reset()
		return fault
	}
	if l.upload != nil {
		l.upload.answered()
	}
	l.sock.rd.want = 0
	keep := !f.close && !c.close && !c.waits
	switch {
	case f.length != 0:
		p.Body = newBody(c.leg, l, &f, keep)
		return nil
	case c.leg.Request.Method == "HEAD", p.Status == 304:
		p.Body = gateway.NoBody // so that ContentLength counts
	default:
		p.ContentLength = 0
	}
	l.finish(keep)
	return nil
}

// readHead reads the head of a response.
func (l *link) readHead() (string, error) {
	limit := int(l.up.t.options.MaxResponseHeaderBytes)
	for from := 0; ; {
		b := l.in.buffered()
		if head := l.memo.match(b); head != "" {
			l.in.discard(len(head))
			return head, nil
		}
		n := headEnd(b, from)
		if n > limit || n == 0 && len(b) > limit {
			return "", fmt.Errorf("%w of %d bytes", errHeadSize, limit)
		}
		if n > 0 {
			head := string(b[:n])
			l.in.discard(n)
			return head, nil
		}
		const begin = "HTTP/"
		if k := min(len(b), len(begin)); string(b[:k]) != begin[:k] {
			return "", errNotHTTP // who speaks another protocol may wait for us now
		}
		from = len(b)
		if err := l.in.fill(); err != nil {
			if err == io.EOF && from > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}
