package credentials

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// How often files are looked at, and how long one must have been left alone to be read: who writes it may not be done.
const (
	lookInterval = 2 * time.Second
	settleTime   = time.Second
)

// A Store holds what was made of the credentials of a Source. When files have changed, they
// are read again; if something is wrong with them then, what was read before stays, and the logger is told.
//
// Files are looked at every two seconds, by whoever gets from the store next. So there is no
// goroutine to be stopped, and nothing is looked at while nobody asks.
type Store[T any] struct {
	source Source
	keys   bool
	make   func([]Credential) (*T, error)
	logger gateway.Logger

	current atomic.Pointer[T]
	due     atomic.Int64 // when to look, as Unix time in nanoseconds

	mu    sync.Mutex // held by who looks
	read  string     // the stamp of what has been read last, successfully or not
	noted string     // the stamp that was seen last
}

// Open reads the credentials of s and calls make with them, then and whenever they have changed. keys says that
// they have no ids. No two may have the same id or, without ids, the same secret.
func Open[T any](s Source, keys bool, logger gateway.Logger, make func([]Credential) (*T, error)) (*Store[T], error) {
	st := &Store[T]{source: s, keys: keys, make: make, logger: logger}
	stamp, _ := s.stamp()
	v, _, err := st.load()
	if err != nil {
		return nil, err
	}
	st.current.Store(v)
	st.read, st.noted = stamp, stamp
	if stamp == "" {
		st.due.Store(math.MaxInt64)
	}
	return st, nil
}

func (st *Store[T]) load() (*T, int, error) {
	list, err := st.source.load(st.keys)
	if err != nil {
		return nil, 0, err
	}
	seen := make(map[string]string, len(list))
	for _, c := range list {
		key, what := c.ID, "user or id "+c.ID
		if st.keys {
			key, what = string(c.Secret), "key"
		}
		if first, ok := seen[key]; ok {
			return nil, 0, fmt.Errorf("%s: the %s is in %s, too", c.From, what, first)
		}
		seen[key] = c.From
	}
	v, err := st.make(list)
	return v, len(list), err
}

// Get returns what was made last. now is the time of the request, by which files are looked at from time to time.
func (st *Store[T]) Get(now time.Time) *T {
	if st.due.Load() <= now.UnixNano() {
		st.look(now)
	}
	return st.current.Load()
}

// look reads files again that have changed.
func (st *Store[T]) look(now time.Time) {
	if !st.mu.TryLock() {
		return // somebody else does
	}
	defer st.mu.Unlock()
	st.due.Store(now.Add(lookInterval).UnixNano())
	stamp, changed := st.source.stamp()
	settled := stamp == st.noted || now.Sub(changed) >= settleTime
	st.noted = stamp
	if stamp == st.read || !settled {
		return
	}
	st.read = stamp
	v, n, err := st.load()
	if err != nil {
		st.log(gateway.LevelError, "credentials not read again, those read before stay valid", gateway.String("error", err.Error()))
		return
	}
	st.current.Store(v)
	st.log(gateway.LevelInfo, "credentials read again", gateway.Int("credentials", int64(n)))
}

func (st *Store[T]) log(level gateway.Level, msg string, attr gateway.Attr) {
	if st.logger != nil && st.logger.Enabled(level) {
		st.logger.Log(nil, level, msg, attr)
	}
}
