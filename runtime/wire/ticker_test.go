package wire

import (
	"testing"
	"time"
)

// A ticker ticks again and again, and not before it's time.
func TestTicker(t *testing.T) {
	const every = 5 * time.Millisecond
	start := time.Now()
	k := newTicker(every)
	for range 4 {
		k.wait()
	}
	if took := time.Since(start); took < 4*every {
		t.Errorf("four ticks take %v", took)
	}
	time.Sleep(3 * every) // what has been missed is one tick
	k.wait()
	k.stop()
}
