package remember

import "testing"

// What is remembered is bounded, and what is asked for again stays.
func TestCache(t *testing.T) {
	const size = 1000
	c := New[int, string](size)
	c.Put(-1, "kept")
	for n := range 10 * size {
		c.Put(n, "")
		if n%100 != 0 {
			continue
		}
		if got, ok := c.Get(-1); got != "kept" || !ok {
			t.Fatalf("forgotten after %d others", n)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*size {
		t.Errorf("%d are remembered", n)
	}
	if _, ok := c.Get(0); ok {
		t.Error("what nobody has asked for is remembered")
	}
	c.Put(-1, "new")
	if got, _ := c.Get(-1); got != "new" {
		t.Errorf("%q is remembered, not what came last", got)
	}
}
