package jwt

import (
	"crypto/sha256"

	"github.com/aileron-gateway/aileronc/runtime/internal/remember"
)

// cacheSize is how many tokens either half of a cache holds.
const cacheSize = 4096

// A cache remembers tokens that were valid, by their hashes.
type cache = remember.Cache[[sha256.Size]byte, *entry]

func newCache() *cache { return remember.New[[sha256.Size]byte, *entry](cacheSize) }

// An entry is a token whose signature is right, by keys of that generation.
type entry struct {
	token      *Token
	generation uint64
	from       *remote // that the key came from, nil if it's one of the configuration
}
