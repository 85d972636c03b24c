package gateway

// A Slot is a place in every exchange where one feature keeps its state.
// Declare it once, as a package variable: var requestID gateway.Slot[string].
type Slot[T any] struct {
	place byte // its address tells Slots apart
}

// A slot is a Slot in an exchange. Its memory stays there for the next one, so that state needs none of its own.
type slot struct {
	place *byte
	state cell // a *kept[T]
	used  bool
}

type cell interface{ clear() }

type kept[T any] struct{ value T }

func (k *kept[T]) clear() {
	var none T
	k.value = none
}

// find returns what x itself has in s, nil if that is nothing.
func (s *Slot[T]) find(x *Exchange) *T {
	for i := range x.slots {
		if c := &x.slots[i]; c.place == &s.place && c.used {
			return &c.state.(*kept[T]).value
		}
	}
	return nil
}

// Get returns what was put into the slot of x or, on a leg, of its parents.
func (s *Slot[T]) Get(x *Exchange) (value T, ok bool) {
	for ; x != nil; x = x.Parent {
		if p := s.find(x); p != nil {
			return *p, true
		}
	}
	return value, false
}

// Put puts value into the slot of x; on a leg, into that of its outermost parent,
// so that what comes after in the same request finds it.
func (s *Slot[T]) Put(x *Exchange, value T) { *s.Ref(x) = value }

// Ref is for editing what is in the slot that Put puts something into: a zero value if that is nothing. The memory is
// another exchange's when this one is over.
func (s *Slot[T]) Ref(x *Exchange) *T {
	for x.Parent != nil {
		x = x.Parent
	}
	for i := range x.slots {
		if c := &x.slots[i]; c.place == &s.place {
			c.used = true
			return &c.state.(*kept[T]).value
		}
	}
	k := new(kept[T])
	x.slots = append(x.slots, slot{&s.place, k, true})
	return &k.value
}

// clearSlots empties all slots of x.
func (x *Exchange) clearSlots() {
	for i := range x.slots {
		if c := &x.slots[i]; c.used {
			c.used = false
			c.state.clear()
		}
	}
}
