package throttle

import (
	"math/bits"
	"sync"
)

const (
	defaultKeys = 1 << 20
	ways        = 8 // entries where a key can be
	stripes     = 256
)

// A table holds the meters of keys. Its size is fixed. A key can be in any entry of one set. When
// all are in use, a new key takes the place of the one that has used least, and begins with what that one had used: the
// algorithm "space saving" (Metwally and others, 2005), a set at a time. Since a key that
// was displaced comes back to no less than what it had used, nobody can get rid of what they have used, nor of what
// others have, by sending other keys. Who has used most of a limit is displaced last.
type table struct {
	sets  []set
	locks [stripes]stripe
}

// A set is 128 bytes, two lines of the cache.
type set [ways]entry

// An entry is what is known of a key, by its hash.
type entry struct{ key, state uint64 }

// A stripe has a line of the cache to itself.
type stripe struct {
	sync.Mutex
	_ [56]byte
}

func newTable(keys int) *table {
	if keys <= 0 {
		keys = defaultKeys
	}
	n := (keys + ways - 1) / ways
	return &table{sets: make([]set, 1<<bits.Len(uint(n-1)))}
}

// lock returns the set of a key, locked. Other sets have the same lock.
func (t *table) lock(key uint64) (*set, *sync.Mutex) {
	i := key & uint64(len(t.sets)-1)
	l := &t.locks[i%stripes].Mutex
	l.Lock()
	return &t.sets[i], l
}

// start is when the window of now began. All keys of a set have the same windows, so that one can take the
// place of another. Those of different sets begin at different times, or all clients would come at once.
func (t *table) start(m *meter, key uint64, now int64) int64 {
	if m.window == 0 {
		return 0
	}
	i := key & uint64(len(t.sets)-1)
	phase, _ := bits.Mul64(bits.Reverse64(i), uint64(m.window))
	return now - (now+int64(phase))%m.window
}

// take counts a request of a key. It returns the state of the key's meter: after it if ok, before it if not.
func (s *set) take(m *meter, key uint64, start, now int64) (state uint64, ok bool) {
	free, least := 0, ^uint64(0)
	for i := range s {
		if e := &s[i]; e.key == key && e.state != 0 {
			return e.take(m, key, start, now)
		} else if u := m.used(e.state, now); u < least {
			free, least = i, u
		}
	}
	return s[free].take(m, key, start, now)
}

// take counts a request of a key here, on top of what was counted for the one that was here before.
func (e *entry) take(m *meter, key uint64, start, now int64) (state uint64, ok bool) {
	next, ok := m.take(e.state, now, start)
	if ok {
		e.key, e.state = key, next
	}
	return e.state, ok
}

// find returns the entry of a key, or nil.
func (s *set) find(key uint64) *entry {
	for i := range s {
		if e := &s[i]; e.key == key && e.state != 0 {
			return e
		}
	}
	return nil
}
