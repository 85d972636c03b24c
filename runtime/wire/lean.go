package wire

import (
	"bytes"
	"crypto/tls"
	"errors"
	"reflect"
	"unsafe"
)

// crypto/tls keeps the buffers that the largest record, and the largest message of the handshake, have taken: 3.5 KB after
// a usual handshake, and 16 KB more once somebody has uploaded something. Clients that have nothing to ask for a while
// needn't cost that much. There is no way to give the buffers back but this one. It is a safe one: an empty buffer
// may be replaced by a new one while nobody reads from the connection, whatever crypto/tls does with it later.

// tlsBuffers is where they are in a tls.Conn. What a later version of Go has elsewhere is left alone; a test tells.
var tlsBuffers = func() (offsets []uintptr) {
	for _, name := range []string{"rawInput", "hand"} {
		f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
		if ok && f.Type == reflect.TypeFor[bytes.Buffer]() {
			offsets = append(offsets, f.Offset)
		}
	}
	return offsets
}()

// makeLean gives back the empty buffers of c, from which nobody is reading.
func makeLean(c *tls.Conn) {
	for _, offset := range tlsBuffers {
		if b := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), offset)); b.Len() == 0 {
			*b = bytes.Buffer{}
		}
	}
}

// askLean has the connection, which waits for a request in TLS, do so without buffers from now on. The watch calls it for those
// that have been doing so for a while, and holds c.mu.
func (c *conn) askLean(at instant) {
	if c.tls != nil && c.sock.raw != nil && !c.lean {
		c.lean = true
		c.sock.limitReads(at)
	}
}

// goesLean reports whether waiting has ended with err only since askLean wants it.
func (c *conn) goesLean(err error) bool {
	if !errors.Is(err, errDeadline) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.lean || c.server.draining.Load() {
		return false
	}
	c.sock.rd.limit.Store(0)
	return c.sock.interrupted() == nil && !c.sock.isDue()
}

// waitLean waits for more as input.wait does.
func (c *conn) waitLean() error {
	makeLean(c.tls)
	c.state = nil
	if err := c.sock.waitReadable(); err != nil {
		return err
	}
	c.keepState()
	return c.in.wait()
}
