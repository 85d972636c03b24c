package throttle

import (
	"strconv"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

func BenchmarkThrottle(b *testing.B) {
	bucket := TokenBucket{Size: 1e6, Rate: 1e9, Interval: time.Second}
	for _, tt := range []struct {
		name string
		rule Rule
	}{
		{"nothing", Rule{Methods: []string{"PUT"}}}, // what the rest of the loop costs
		{"bucket", Rule{Limit: bucket}},
		{"window", Rule{Limit: FixedWindow{Limit: 1 << 30}}},
		{"connections", Rule{Limit: MaxConnections{Max: 9}}},
		{"address", Rule{Limit: bucket, Keys: []Key{ClientAddress(Address{})}}},
		{"address6", Rule{Limit: bucket, Keys: []Key{ClientAddress(Address{})}}},
		{"header", Rule{Limit: bucket, Keys: []Key{Header("X-Key")}}},
		{"header and path", Rule{Limit: bucket, Keys: []Key{Header("X-Key"), Path()}}},
		{"connections of address", Rule{Limit: MaxConnections{Max: 9}, Keys: []Key{ClientAddress(Address{})}}},
		{"headers", Rule{Limit: bucket, Headers: true}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			tt.rule.Match = match.Prefix("/")
			h := New(Options{Rules: []Rule{tt.rule}})(pass)
			x := new(gateway.Exchange)
			b.ReportAllocs()
			now := time.Now()
			for b.Loop() {
				now = now.Add(time.Microsecond) // the buckets fill again
				x.Start = now
				x.Request.Method, x.Request.Path, x.Request.RemoteAddr = "GET", "/a/b/c", "192.0.2.1:4711"
				if tt.name == "address6" {
					x.Request.RemoteAddr = "[2001:db8::1:2:3]:4711"
				}
				x.Request.Header = append(x.Request.Header, gateway.Field{Name: "Accept", Value: "*/*"}, gateway.Field{Name: "X-Key", Value: "0123456789abcdef"})
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
				x.Finish()
				x.Reset()
			}
		})
	}
}

// BenchmarkManyKeys is the table with more keys than there is room for.
func BenchmarkManyKeys(b *testing.B) {
	h := New(Options{Rules: []Rule{{
		Match: match.Prefix("/"), Limit: TokenBucket{Size: 1e6, Rate: 1e9, Interval: time.Second}, Keys: []Key{Header("X-Key")},
	}}})(pass)
	names := make([]string, 1<<21)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	b.RunParallel(func(pb *testing.PB) {
		x := new(gateway.Exchange)
		for i := 0; pb.Next(); i++ {
			x.Request.Path = "/"
			x.Request.Header = append(x.Request.Header, gateway.Field{Name: "X-Key", Value: names[i*7919%len(names)]})
			if err := h.Serve(x); err != nil {
				b.Fatal(err)
			}
			x.Finish()
			x.Reset()
		}
	})
}
