// Package quicconf makes configurations of QUIC (RFC 9000), as package tlsconf makes those of TLS.
package quicconf

import (
	"time"

	"github.com/quic-go/quic-go"
)

// A Version is a version of QUIC.
type Version = quic.Version

// The versions.
const (
	Version1 = quic.Version1 // RFC 9000
	Version2 = quic.Version2 // RFC 9369
)

// Options configure QUIC on either side of a connection. Durations and sizes of 0 or less stand for the default.
type Options struct {
	// Versions are the versions that are spoken, the preferred one first. None stands for all.
	Versions []Version
	// HandshakeIdleTimeout is how long the peer may be silent during the handshake, which as a whole may take twice
	// as long; 5 s by default.
	HandshakeIdleTimeout time.Duration
	// MaxIdleTimeout is how long the peer may be silent afterwards; 30 s by default. The
	// shorter one of both sides holds (RFC 9000, section 10.1).
	MaxIdleTimeout time.Duration
	// InitialStreamReceiveWindow is how many bytes the peer may send on a new stream before any are read, 512 KiB by default.
	// If they are read fast, the window grows up to MaxStreamReceiveWindow, 6 MiB by default.
	InitialStreamReceiveWindow, MaxStreamReceiveWindow int64
	// InitialConnectionReceiveWindow and MaxConnectionReceiveWindow are the same for all streams of a connection
	// together, 512 KiB and 15 MiB by default.
	InitialConnectionReceiveWindow, MaxConnectionReceiveWindow int64
	// MaxIncomingStreams is how many requests the peer may have open on a connection, 100 by default;
	// a negative number is none. MaxIncomingUniStreams is the same for streams in one direction, of which
	// HTTP/3 needs three.
	MaxIncomingStreams, MaxIncomingUniStreams int64
	// KeepAlivePeriod is the silence after which a packet is sent to keep the connection. 0 or less sends none.
	KeepAlivePeriod time.Duration
	// DisablePathMTUDiscovery keeps packets at the size that every path takes (RFC 8899).
	DisablePathMTUDiscovery bool
	// Allow0RTT lets clients that come back send requests along with the handshake. Servers only. Whoever
	// records them can send them again (RFC 8470).
	Allow0RTT bool
	// EnableDatagrams takes datagrams (RFC 9221).
	EnableDatagrams bool
}

// maxWindow is the largest number that QUIC can express (RFC 9000, section 16).
const maxWindow = 1<<62 - 1

// New returns the configuration for o.
func New(o Options) *quic.Config {
	return &quic.Config{
		Versions:                       o.Versions,
		HandshakeIdleTimeout:           max(o.HandshakeIdleTimeout, 0),
		MaxIdleTimeout:                 max(o.MaxIdleTimeout, 0),
		InitialStreamReceiveWindow:     window(o.InitialStreamReceiveWindow, o.MaxStreamReceiveWindow),
		MaxStreamReceiveWindow:         window(o.MaxStreamReceiveWindow, 0),
		InitialConnectionReceiveWindow: window(o.InitialConnectionReceiveWindow, o.MaxConnectionReceiveWindow),
		MaxConnectionReceiveWindow:     window(o.MaxConnectionReceiveWindow, 0),
		MaxIncomingStreams:             o.MaxIncomingStreams,
		MaxIncomingUniStreams:          o.MaxIncomingUniStreams,
		KeepAlivePeriod:                max(o.KeepAlivePeriod, 0),
		DisablePathMTUDiscovery:        o.DisablePathMTUDiscovery,
		Allow0RTT:                      o.Allow0RTT,
		EnableDatagrams:                o.EnableDatagrams,
	}
}

// window keeps n in the range that there is, and below limit, if there is one: quic-go doesn't, for the initial
// window, so that a small limit alone would have no effect.
func window(n, limit int64) uint64 {
	const initial = 512 << 10
	n = min(max(n, 0), maxWindow)
	if limit > 0 && (n > limit || n == 0 && limit < initial) {
		n = limit
	}
	return uint64(n)
}
