package gateway

// A Slot is a place in every exchange where one feature keeps its state.
// Declare it once, as a package variable: var requestID gateway.Slot[string].
type Slot[T any] struct {
	_ byte // so that each Slot has an address of its own
}

type slot struct{ key, value any }

// Get returns what was put into the slot of x or, on a leg, of its parents.
func (s *Slot[T]) Get(x *Exchange) (value T, ok bool) {
	for ; x != nil; x = x.Parent {
		for i := range x.slots {
			if x.slots[i].key == any(s) {
				return x.slots[i].value.(T), true
			}
		}
	}
	return value, false
}

// Put puts value into the slot of x; on a leg, into that of its outermost parent,
// so that what comes after in the same request finds it.
func (s *Slot[T]) Put(x *Exchange, value T) {
	for x.Parent != nil {
		x = x.Parent
	}
	for i := range x.slots {
		if x.slots[i].key == any(s) {
			x.slots[i].value = value
			return
		}
	}
	x.slots = append(x.slots, slot{s, value})
}
