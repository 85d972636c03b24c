package server

import (
	"io"
	"log"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// newErrorLog gives what net/http has to say to l.
func newErrorLog(l gateway.Logger) *log.Logger {
	if l == nil {
		return log.New(io.Discard, "", 0)
	}
	return log.New(errorLog{l}, "", 0)
}

type errorLog struct{ logger gateway.Logger }

// Write logs one message of net/http. Clients cause most of them: whoever scans
// ports leaves a failed handshake.
func (l errorLog) Write(p []byte) (int, error) {
	msg := strings.TrimSuffix(string(p), "\n")
	level := gateway.LevelWarn
	switch {
	case strings.Contains(msg, "panic serving"), strings.HasPrefix(msg, "http: Accept error"):
		level = gateway.LevelError
	case strings.HasPrefix(msg, "http: TLS handshake error"), strings.HasPrefix(msg, "http2:"):
		level = gateway.LevelDebug
	}
	if l.logger.Enabled(level) {
		l.logger.Log(nil, level, msg)
	}
	return len(p), nil
}
