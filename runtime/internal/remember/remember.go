// Package remember keeps what has been found out, but not too much of it.
package remember

import "sync"

// A Cache remembers values. It has two halves: when the young one is full, the old one is given up. So it's
// bounded, whatever is asked for stays, and there is no list to keep in order.
type Cache[K comparable, V any] struct {
	size       int
	mu         sync.RWMutex
	young, old map[K]V
}

// New returns a Cache with two halves of that many values at most.
func New[K comparable, V any](size int) *Cache[K, V] { return &Cache[K, V]{size: size} }

// Get returns the value under key.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.RLock()
	value, young := c.young[key]
	if ok = young; !young {
		value, ok = c.old[key]
	}
	c.mu.RUnlock()
	if ok && !young {
		c.Put(key, value)
	}
	return value, ok
}

// Put remembers value under key.
func (c *Cache[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.size {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[K]V)
	}
	c.young[key] = value
}
