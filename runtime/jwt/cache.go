package jwt

import (
	"crypto/sha256"
	"sync"
)

// cacheSize is how many tokens either half of a cache holds.
const cacheSize = 4096

// A cache remembers tokens that were valid, by their hashes. It has two halves: when the young one is full, the old one is given up. So it's
// bounded, whoever is asked for stays, and there is no list to keep in order.
type cache struct {
	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]*entry
}

// An entry is a token whose signature is right, by keys of that generation.
type entry struct {
	token      *Token
	generation uint64
	from       *remote // that the key came from, nil if it's one of the configuration
}

// get returns the entry of a token.
func (c *cache) get(sum *[sha256.Size]byte) *entry {
	c.mu.RLock()
	e, young := c.young[*sum]
	if !young {
		e = c.old[*sum]
	}
	c.mu.RUnlock()
	if e != nil && !young {
		c.put(sum, e)
	}
	return e
}

// put remembers a token.
func (c *cache) put(sum *[sha256.Size]byte, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= cacheSize {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[[sha256.Size]byte]*entry)
	}
	c.young[*sum] = e
}
