package csrf

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/credentials"
)

// How many bytes a seed may have.
const (
	minSeed = 5
	maxSeed = 1024
)

// tokens are random seeds with their HMACs behind them, in hexadecimal. Whoever has the secret can tell that they were
// given, without keeping them.
type tokens struct {
	hasher *credentials.Hasher
	seed   int // length
	size   int // of the HMAC
	works  sync.Pool
}

// A work is memory for a token.
type work struct{ raw []byte }

func newTokens(alg func() hash.Hash, secret string, seed int) (*tokens, error) {
	if alg == nil {
		alg = sha256.New
	}
	h, err := credentials.HMAC(alg, secret).Hasher()
	if err != nil {
		return nil, err
	}
	t := &tokens{hasher: h, seed: seed, size: alg().Size()}
	t.works.New = func() any { return new(work) }
	return t, nil
}

// issue returns a new token.
func (t *tokens) issue() string {
	raw := make([]byte, t.seed, t.seed+t.size)
	_, _ = rand.Read(raw) // never fails: it would end the process
	w := t.hasher.Get()
	defer t.hasher.Put(w)
	return hex.EncodeToString(append(raw, w.SumBytes(raw)...))
}

// valid reports whether a token was issued. The seed may have another length, if it was configured so before.
func (t *tokens) valid(token string) bool {
	n := len(token)
	if n%2 != 0 || n < 2*(minSeed+t.size) || n > 2*(maxSeed+t.size) {
		return false
	}
	w := t.works.Get().(*work)
	defer t.works.Put(w)
	w.raw = append(w.raw[:0], token...)
	n, err := hex.Decode(w.raw, w.raw)
	if err != nil {
		return false
	}
	seed, sum := w.raw[:n-t.size], w.raw[n-t.size:n]
	h := t.hasher.Get()
	defer t.hasher.Put(h)
	return subtle.ConstantTimeCompare(h.SumBytes(seed), sum) == 1
}

// equal compares in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
