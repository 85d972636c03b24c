package server

import (
	"encoding/binary"
	"io"
	"net"

	"golang.org/x/net/http2/hpack"
)

// The types and flags of frames that matter here (RFC 9113, section 6).
const (
	frameHeaders      = 0x1
	frameSettings     = 0x4
	frameContinuation = 0x9

	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	frameHeadSize = 9
	settingSize   = 6
)

// malformed is a field whose name is none (RFC 9113, section 8.2.1), as it is on the wire. net/http resets the stream of a head with it.
const malformed = "\x00\x01A\x00"

// A checked is a connection in HTTP/2 that is read by net/http. It mends two things there. A SETTINGS frame with a parameter twice is
// valid, and the last one counts (RFC 9113, section 6.5.3), but net/http ends the connection; so it gets the last one alone. And the
// stream of a request with a field that is about a connection must be reset (sections 8.1.1 and 8.2.2), but net/http answers by 400 and
// leaves it at that; so it gets a field that it does reset the stream for. As such a field is known of only when the head has been
// read, each head is followed by a CONTINUATION of its own, which nearly always is empty.
type checked struct {
	net.Conn
	in   []byte // what has been read and not been looked at
	buf  []byte // which in is in
	out  []byte // what is to be read next
	left int    // of the payload of a frame that is passed on

	begun []byte // frames that come behind the client's first SETTINGS, as if it had sent them

	// Of the head that is being read:
	fields   *hpack.Decoder // nil if the client has made an error, of which net/http knows better
	inHead   bool
	last     bool // this frame is its last one
	stream   [4]byte
	prefix   int // bytes before the fragment
	padding  int // bytes behind the fragment; -1 if the first byte of the payload tells
	improper bool
}

// newChecked returns c with a table for decoding of that size, and a limit to the size of strings.
func newChecked(c net.Conn, table, limit int) *checked {
	if table <= 0 {
		table = 4096
	}
	k := &checked{Conn: c, buf: make([]byte, 4<<10)}
	k.fields = hpack.NewDecoder(uint32(table), func(f hpack.HeaderField) { k.improper = k.improper || !isProper(f) })
	k.fields.SetMaxStringLength(limit)
	return k
}

// isProper reports whether a request may have a field (RFC 9113, section 8.2.2).
func isProper(f hpack.HeaderField) bool {
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return false
	case "te":
		return f.Value == "trailers" || f.Value == ""
	}
	return true
}

// NetConn is the connection itself.
func (k *checked) NetConn() net.Conn { return k.Conn }

// Read returns what net/http is to see.
func (k *checked) Read(p []byte) (int, error) {
	for {
		switch {
		case len(p) == 0:
			return 0, nil
		case len(k.out) > 0:
			n := copy(p, k.out)
			k.out = k.out[n:]
			return n, nil
		case k.left > 0:
			return k.pass(p)
		case k.inHead && k.last:
			k.endHead()
		default:
			if err := k.frame(); err != nil {
				if len(k.in) == 0 {
					return 0, err
				}
				k.out, k.in = append(k.out[:0], k.in...), nil // a part of a frame; the error comes again
			}
		}
	}
}

// fill reads until n bytes are there.
func (k *checked) fill(n int) error {
	if len(k.in) >= n {
		return nil
	}
	if cap(k.buf) < n {
		k.buf = make([]byte, n)
	}
	k.in = k.buf[:copy(k.buf, k.in)]
	for len(k.in) < n {
		got, err := k.Conn.Read(k.buf[len(k.in):])
		k.in = k.buf[:len(k.in)+got]
		if err != nil && len(k.in) < n {
			return err
		}
	}
	return nil
}

// pass returns what is left of the payload.
func (k *checked) pass(p []byte) (n int, err error) {
	p = p[:min(len(p), k.left)]
	if len(k.in) > 0 {
		n = copy(p, k.in)
		k.in = k.in[n:]
	} else if len(p) >= len(k.buf) {
		n, err = k.Conn.Read(p)
	} else {
		if err := k.fill(1); err != nil {
			return 0, err
		}
		return k.pass(p)
	}
	k.left -= n
	if k.inHead {
		k.decode(p[:n])
	}
	return n, err
}

// frame looks at the next frame.
func (k *checked) frame() error {
	if err := k.fill(frameHeadSize); err != nil {
		return err
	}
	size := int(k.in[0])<<16 | int(k.in[1])<<8 | int(k.in[2])
	kind, flags := k.in[3], k.in[4]
	if kind == frameSettings && flags&flagAck == 0 && size%settingSize == 0 && frameHeadSize+size <= len(k.buf) {
		if err := k.fill(frameHeadSize + size); err != nil {
			return err
		}
		k.out = k.settings(k.in[:frameHeadSize+size])
		k.in = k.in[frameHeadSize+size:]
		return nil
	}
	k.out = append(k.out[:0], k.in[:frameHeadSize]...)
	k.in, k.left = k.in[frameHeadSize:], size
	if k.fields != nil && (kind == frameHeaders || kind == frameContinuation) {
		k.beginHead(kind, flags)
	}
	return nil
}

// settings returns a SETTINGS frame in which no parameter is there twice, and what comes behind the first one.
func (k *checked) settings(f []byte) []byte {
	out := append(k.out[:0], f[:frameHeadSize]...)
	for p := f[frameHeadSize:]; len(p) > 0; p = p[settingSize:] {
		if !repeats(p) {
			out = append(out, p[:settingSize]...)
		}
	}
	size := len(out) - frameHeadSize
	out[1], out[2] = byte(size>>8), byte(size)
	out = append(out, k.begun...)
	k.begun = nil
	return out
}

// repeats reports whether the first parameter of p is there again, so that it has no effect. One that is an error has.
func repeats(p []byte) bool {
	id, value := binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])
	const enablePush, initialWindow, maxFrame, enableConnect = 2, 4, 5, 8
	switch {
	case (id == enablePush || id == enableConnect) && value > 1, id == initialWindow && value > 1<<31-1, id == maxFrame && (value < 1<<14 || value > 1<<24-1):
		return false
	}
	for p = p[settingSize:]; len(p) > 0; p = p[settingSize:] {
		if binary.BigEndian.Uint16(p) == id {
			return true
		}
	}
	return false
}

// beginHead begins a frame of a head, whose first bytes are in out. That it's the last one is left to a frame of our own.
func (k *checked) beginHead(kind, flags byte) {
	if kind == frameContinuation && !k.inHead {
		return // an error
	}
	k.inHead, k.last = true, flags&flagEndHeaders != 0
	k.out[4] &^= flagEndHeaders
	copy(k.stream[:], k.out[5:])
	k.prefix, k.padding = 0, 0
	if kind == frameHeaders && flags&flagPriority != 0 {
		k.prefix = 5
	}
	if kind == frameHeaders && flags&flagPadded != 0 {
		k.padding = -1
	}
}

// decode looks at p, a part of the payload, of which left is still to come.
func (k *checked) decode(p []byte) {
	if k.fields == nil || len(p) == 0 {
		return
	}
	rest := k.left
	if k.padding < 0 {
		k.padding, p = int(p[0]), p[1:]
	}
	skip := min(k.prefix, len(p))
	k.prefix -= skip
	p = p[skip:]
	if over := k.padding - rest; over > 0 {
		p = p[:max(0, len(p)-over)]
	}
	if _, err := k.fields.Write(p); err != nil {
		k.fields = nil
	}
}

// endHead ends a head, by a CONTINUATION (RFC 9113, section 6.10).
func (k *checked) endHead() {
	k.inHead = false
	fragment := ""
	if k.fields != nil && k.fields.Close() != nil {
		k.fields = nil
	}
	if k.improper && k.fields != nil {
		fragment = malformed
	}
	k.improper = false
	k.out = append(k.out[:0], 0, 0, byte(len(fragment)), frameContinuation, flagEndHeaders)
	k.out = append(append(k.out, k.stream[:]...), fragment...)
}

var _ io.Reader = (*checked)(nil)
