// Package h2c is the Upgrade from HTTP/1.1 to HTTP/2 in the clear (RFC 7540, section 3.2). RFC 9113 has abolished it, but clients that
// don't know whether a server speaks HTTP/2 still ask for it.
//
// The request that asks becomes the first one on the connection in HTTP/2. Requests with a body aren't upgraded, which is the server's choice.
package h2c

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Response is the answer to a request that is upgraded.
const Response = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

// Asked reports whether r, which has no body, asks for HTTP/2, and for nothing else.
func Asked(r *gateway.Request) bool {
	protocol, ok := r.Header.Joined("Upgrade", ",")
	if !ok || !gateway.EqualName(protocol, "h2c") || r.Proto != "HTTP/1.1" || r.Method == "CONNECT" || r.Host == "" || path(r) == "" ||
		!r.Header.HasToken("Connection", "Upgrade") || !r.Header.HasToken("Connection", "HTTP2-Settings") {
		return false
	}
	// There must be one, which is the payload of a SETTINGS frame. The client sends the frame once more when it has been answered.
	const settingSize = 6
	settings, n := "", 0
	for v := range r.Header.Values("HTTP2-Settings") {
		settings, n = v, n+1
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(settings, "="))
	return n == 1 && err == nil && len(payload)%settingSize == 0
}

// path is the :path of r.
func path(r *gateway.Request) string {
	switch {
	case strings.HasPrefix(r.Target, "/"), r.Target == "*":
		return r.Target
	case r.RawQuery != "":
		return r.RawPath + "?" + r.RawQuery
	}
	return r.RawPath
}

// Frames returns r as frames of the first stream of a client, whose tables of HPACK stay as they are.
func Frames(r *gateway.Request) []byte {
	var head []byte
	head = appendField(head, ":method", r.Method)
	head = appendField(head, ":scheme", r.Scheme)
	head = appendField(head, ":authority", r.Host)
	head = appendField(head, ":path", path(r))
	for i := range r.Header {
		f := &r.Header[i]
		name := strings.ToLower(f.Name)
		switch name {
		case "connection", "upgrade", "http2-settings", "keep-alive", "proxy-connection", "transfer-encoding", "host", "content-length":
			continue
		case "te":
			if !gateway.EqualName(f.Value, "trailers") {
				continue
			}
		}
		head = appendField(head, name, f.Value)
	}
	const headers, continuation, endStream, endHeaders, most = 0x1, 0x9, 0x1, 0x4, 16 << 10
	var frames []byte
	for kind, flags := byte(headers), byte(endStream); ; kind, flags = continuation, 0 {
		n := min(len(head), most)
		if n == len(head) {
			flags |= endHeaders
		}
		frames = append(frames, byte(n>>16), byte(n>>8), byte(n), kind, flags)
		frames = binary.BigEndian.AppendUint32(frames, 1)
		frames = append(frames, head[:n]...)
		if head = head[n:]; len(head) == 0 {
			return frames
		}
	}
}

// appendField appends a field that doesn't go into a table (RFC 7541, section 6.2.2).
func appendField(b []byte, name, value string) []byte {
	return appendString(appendString(append(b, 0), name), value)
}

// appendString appends a string as it is (RFC 7541, sections 5.1 and 5.2).
func appendString(b []byte, s string) []byte {
	const most = 1<<7 - 1
	n := len(s)
	if n < most {
		return append(append(b, byte(n)), s...)
	}
	b = append(b, most)
	for n -= most; n >= 1<<7; n >>= 7 {
		b = append(b, byte(n)|1<<7)
	}
	return append(append(b, byte(n)), s...)
}
