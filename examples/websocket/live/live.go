// Package live is an upstream with a WebSocket.
package live

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
)

// Echo returns each message of a WebSocket (RFC 6455) in capitals. Since it's an example of what passes the gateway, and not of how a
// WebSocket is made, it knows of short messages in one frame only; a package for WebSockets does better.
func Echo(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || key == "" {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "This is for WebSockets.", http.StatusUpgradeRequired)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "no connection to give away", http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	for rw.Flush() == nil {
		opcode, message, err := read(rw.Reader)
		if err != nil {
			return
		}
		switch opcode {
		case text:
			message = []byte(strings.ToUpper(string(message)))
		case ping:
			opcode = pong
		case closing:
			write(rw.Writer, closing, message)
			_ = rw.Flush()
			return
		}
		write(rw.Writer, opcode, message)
	}
}

const text, closing, ping, pong = 1, 8, 9, 10

// read reads a frame of a client, which is masked.
func read(r *bufio.Reader) (opcode byte, message []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(head[1] & 0x7f)
	if n == 126 {
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint16(length[:]))
	}
	if head[0]&0x80 == 0 || head[1]&0x80 == 0 || n == 127 {
		return 0, nil, io.ErrUnexpectedEOF // in parts, not masked, or large
	}
	masked := make([]byte, 4+n)
	if _, err := io.ReadFull(r, masked); err != nil {
		return 0, nil, err
	}
	mask, message := masked[:4], masked[4:]
	for i := range message {
		message[i] ^= mask[i%4]
	}
	return head[0] & 0x0f, message, nil
}

// write writes a frame.
func write(w *bufio.Writer, opcode byte, message []byte) {
	_ = w.WriteByte(0x80 | opcode)
	if n := len(message); n < 126 {
		_ = w.WriteByte(byte(n))
	} else {
		_, _ = w.Write([]byte{126, byte(n >> 8), byte(n)})
	}
	_, _ = w.Write(message)
}
