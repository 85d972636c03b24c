package credentials

import (
	"crypto/hmac"
	"errors"
	"hash"
	"sync"

	"github.com/aileron-gateway/aileronc/internal/credfile"
)

// A Hash is what becomes of a key that a client presents, before it is compared with what is
// stored: nothing, [Hashed] or [HMAC].
type Hash struct {
	alg    func() hash.Hash
	secret string
	keyed  bool
}

// Hashed is the hash of one of the algorithms in package replace/digest.
func Hashed(alg func() hash.Hash) Hash { return Hash{alg: alg} }

// HMAC is the message authentication code of RFC 2104. secret is its key in Base64. SHAKE128 and SHAKE256
// are no algorithms for it.
func HMAC(alg func() hash.Hash, secret string) Hash { return Hash{alg, secret, true} }

// A Hasher does what a Hash says. It is safe for concurrent use.
type Hasher struct{ works sync.Pool }

// A Work is a Hasher's memory for one key.
type Work struct {
	hash    hash.Hash // may be nil
	in, out []byte
}

// Hasher returns the Hasher for h. It fails if the secret of an HMAC isn't Base64, or is empty.
func (h Hash) Hasher() (*Hasher, error) {
	alg := h.alg
	if h.keyed {
		key, err := credfile.Base64(h.secret)
		switch {
		case err != nil:
			return nil, errors.New("the secret of the HMAC is not Base64 with padding")
		case len(key) == 0: // then anybody could compute it
			return nil, errors.New("the secret of the HMAC is empty")
		}
		alg = func() hash.Hash { return hmac.New(h.alg, key) }
	}
	r := &Hasher{}
	r.works.New = func() any {
		w := &Work{}
		if alg != nil {
			w.hash = alg()
		}
		return w
	}
	return r, nil
}

// Get returns a Work, to be given back by Put.
func (h *Hasher) Get() *Work { return h.works.Get().(*Work) }

// Put takes w back. What its Sum returned isn't valid any more.
func (h *Hasher) Put(w *Work) {
	clear(w.in)
	h.works.Put(w)
}

// Sum returns what becomes of key.
func (w *Work) Sum(key string) []byte {
	w.in = append(w.in[:0], key...)
	return w.sum()
}

// SumBytes is Sum for bytes.
func (w *Work) SumBytes(key []byte) []byte {
	w.in = append(w.in[:0], key...)
	return w.sum()
}

func (w *Work) sum() []byte {
	if w.hash == nil {
		return w.in
	}
	w.hash.Reset()
	w.hash.Write(w.in)
	w.out = w.hash.Sum(w.out[:0])
	return w.out
}
