package gateway

import "testing"

// TestSlot holds that the state of an exchange is gone with it, but not its memory.
func TestSlot(t *testing.T) {
	type state struct {
		count int
		names []string
	}
	var states, others Slot[state]
	x, leg, names := new(Exchange), new(Exchange), []string{"a"}
	serve := func() {
		x.Leg(leg)
		if _, ok := states.Get(leg); ok {
			t.Error("there is something before anybody has put it")
		}
		if p := states.Ref(leg); p.count != 0 || p.names != nil {
			t.Errorf("the state begins as %+v", *p)
		}
		states.Ref(x).count++
		states.Ref(leg).names = names
		if s, ok := states.Get(x); !ok || s.count != 1 {
			t.Errorf("the state is %+v, %t", s, ok)
		}
		if _, ok := others.Get(x); ok {
			t.Error("another slot has something, too")
		}
		others.Put(leg, state{count: 7})
		if s, _ := others.Get(leg); s.count != 7 {
			t.Errorf("the other one has %+v", s)
		}
		leg.Reset()
		x.Reset()
	}
	serve()
	if n := testing.AllocsPerRun(10, serve); n != 0 {
		t.Errorf("the next exchanges allocate %v times", n)
	}
}
