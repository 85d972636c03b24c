//go:build !race

package throttle

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Ten million clients don't fill the memory, and those that were refused before still are.
func TestFlood(t *testing.T) {
	const keys = 10_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	h := one(Rule{Limit: TokenBucket{Size: 10, Rate: 1, Interval: 24 * time.Hour}, Keys: []Key{Header("X-Key")}})
	x := new(gateway.Exchange)
	send := func(key string) error {
		x.Reset()
		x.Request.Header = append(x.Request.Header, gateway.Field{Name: "X-Key", Value: key})
		return h.Serve(x)
	}
	abusers := []string{"a", "b", "c", "d"}
	for _, a := range abusers {
		for range 20 {
			_ = send(a)
		}
	}
	var room [20]byte
	refused := 0
	for i := range keys {
		if send(string(strconv.AppendInt(room[:0], int64(i), 10))) != nil {
			refused++
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if mib := (int64(after.HeapInuse) - int64(before.HeapInuse)) >> 20; mib >= 64 {
		t.Errorf("%d keys take %d MiB", keys, mib)
	} else {
		t.Logf("%d keys take %d MiB; %d of them have been refused", keys, mib, refused)
	}
	for _, a := range abusers {
		if send(a) == nil {
			t.Errorf("the flood has reset the limit of %q", a)
		}
	}
	runtime.KeepAlive(h)
}
