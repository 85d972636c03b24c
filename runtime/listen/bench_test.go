package listen_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/listen"
)

func BenchmarkRead(b *testing.B) {
	for _, bb := range []struct {
		name    string
		options listen.Options
	}{
		{"plain", listen.Options{}},
		{"limited", listen.Options{ConnectionLimit: 1}},
		{"deadline", listen.Options{ReadDeadline: time.Minute}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			bb.options.Addr = "127.0.0.1:0"
			l, err := listen.Listen(context.Background(), bb.options)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			server, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			p := make([]byte, 1)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = client.Write(p)
				if _, err := server.Read(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
