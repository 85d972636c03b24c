package quicconf_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"

	"github.com/aileron-gateway/aileronc/runtime/quicconf"
)

func TestNew(t *testing.T) {
	const kib = 1 << 10
	for name, tt := range map[string]struct {
		o    quicconf.Options
		want quic.Config
	}{
		"defaults": {quicconf.Options{}, quic.Config{}},
		"negative numbers": {
			quicconf.Options{
				HandshakeIdleTimeout: -1, MaxIdleTimeout: -1, KeepAlivePeriod: -1, InitialStreamReceiveWindow: -1, MaxStreamReceiveWindow: -1,
				InitialConnectionReceiveWindow: -1, MaxConnectionReceiveWindow: -1, MaxIncomingStreams: -1, MaxIncomingUniStreams: -1,
			},
			quic.Config{MaxIncomingStreams: -1, MaxIncomingUniStreams: -1},
		},
		"everything": {
			quicconf.Options{
				Versions: []quicconf.Version{quicconf.Version2}, HandshakeIdleTimeout: 1, MaxIdleTimeout: 2, KeepAlivePeriod: 3,
				InitialStreamReceiveWindow: 4, MaxStreamReceiveWindow: 5, InitialConnectionReceiveWindow: 6, MaxConnectionReceiveWindow: 7,
				MaxIncomingStreams: 8, MaxIncomingUniStreams: 9, DisablePathMTUDiscovery: true, Allow0RTT: true, EnableDatagrams: true,
			},
			quic.Config{
				Versions: []quic.Version{quic.Version2}, HandshakeIdleTimeout: 1, MaxIdleTimeout: 2, KeepAlivePeriod: 3,
				InitialStreamReceiveWindow: 4, MaxStreamReceiveWindow: 5, InitialConnectionReceiveWindow: 6, MaxConnectionReceiveWindow: 7,
				MaxIncomingStreams: 8, MaxIncomingUniStreams: 9, DisablePathMTUDiscovery: true, Allow0RTT: true, EnableDatagrams: true,
			},
		},
		"a window that starts above its limit": {
			quicconf.Options{InitialStreamReceiveWindow: 90 * kib, MaxStreamReceiveWindow: 64 * kib},
			quic.Config{InitialStreamReceiveWindow: 64 * kib, MaxStreamReceiveWindow: 64 * kib},
		},
		"a limit below the default": {
			quicconf.Options{MaxConnectionReceiveWindow: 64 * kib},
			quic.Config{InitialConnectionReceiveWindow: 64 * kib, MaxConnectionReceiveWindow: 64 * kib},
		},
		"a limit above it": {quicconf.Options{MaxStreamReceiveWindow: 1<<63 - 1}, quic.Config{MaxStreamReceiveWindow: 1<<62 - 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got := quicconf.New(tt.o)
			if diff := cmp.Diff(shown(&tt.want), shown(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shown are the fields that options set.
func shown(c *quic.Config) map[string]any {
	return map[string]any{
		"versions": c.Versions, "handshake": c.HandshakeIdleTimeout, "idle": c.MaxIdleTimeout, "keep": c.KeepAlivePeriod,
		"stream": []uint64{c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow}, "connection": []uint64{c.InitialConnectionReceiveWindow, c.MaxConnectionReceiveWindow},
		"streams": c.MaxIncomingStreams, "uni": c.MaxIncomingUniStreams, "mtu": c.DisablePathMTUDiscovery, "early": c.Allow0RTT, "datagrams": c.EnableDatagrams,
	}
}

func Example() {
	config := quicconf.New(quicconf.Options{MaxIdleTimeout: time.Minute, MaxIncomingStreams: 256})
	_ = config // for quic.Listen and quic.Dial
}
