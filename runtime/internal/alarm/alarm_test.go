package alarm

import (
	"testing"
	"time"
)

// An alarm rings once for each time that it's set, and not before.
func TestAlarm(t *testing.T) {
	a := New()
	defer a.Close()
	for _, d := range []time.Duration{5 * time.Millisecond, 0, 10 * time.Millisecond, -1} {
		start := time.Now()
		a.Set(d)
		a.Wait()
		if took := time.Since(start); took < d {
			t.Errorf("it rings after %v instead of %v", took, d)
		}
	}
	a.Set(time.Hour)
	a.Set(time.Millisecond) // counts
	a.Wait()
	a.Set(time.Millisecond)
	time.Sleep(5 * time.Millisecond)
	a.Wait() // it has rung already
	a.Set(time.Hour)
	go func() { a.Set(time.Millisecond) }()
	a.Wait() // another goroutine has set it meanwhile
}
