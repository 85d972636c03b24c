// Package socketkey makes what HTTP/1.1 has in a WebSocket handshake and later versions don't (RFC 6455, section 4; RFC 8441,
// section 5).
package socketkey

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
)

// New returns a value of Sec-WebSocket-Key.
func New() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.StdEncoding.EncodeToString(random[:])
}

// Accept returns the value of Sec-WebSocket-Accept that answers a key.
func Accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
