// Package digest replaces texts by their hash, so that equal values can still be
// told apart from others in a log.
package digest

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"

	"github.com/aileron-gateway/aileronc/runtime/replace"
	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
)

// An Alg makes the hash of one algorithm.
type Alg func() hash.Hash

// Hash replaces a text by its encoded hash.
func Hash(alg Alg, e encode.Encoding) replace.Func {
	return func(s string) string { return sum(alg(), s, e) }
}

// HMAC replaces a text by its encoded message authentication code (RFC 2104). It
// fails if key is no hexadecimal number, or empty. SHAKE128 and SHAKE256 are no algorithms
// for it.
func HMAC(alg Alg, key string, e encode.Encoding) (replace.Func, error) {
	k, err := hex.DecodeString(key)
	if err != nil {
		// The message of err quotes the digit, which is part of a secret.
		return nil, errors.New("the key of the HMAC is not hexadecimal")
	}
	if len(k) == 0 { // then anybody could compute it
		return nil, errors.New("the key of the HMAC is empty")
	}
	return func(s string) string { return sum(hmac.New(alg, k), s, e) }, nil
}

func sum(h hash.Hash, s string, e encode.Encoding) string {
	var out [sha512.Size]byte // the longest of all
	h.Write([]byte(s))
	return e(h.Sum(out[:0]))
}

// SHA1 has 20 bytes (RFC 3174). Collisions are known.
func SHA1() hash.Hash { return sha1.New() }

// SHA224 has 28 bytes (FIPS 180-4).
func SHA224() hash.Hash { return sha256.New224() }

// SHA256 has 32 bytes (FIPS 180-4).
func SHA256() hash.Hash { return sha256.New() }

// SHA384 has 48 bytes (FIPS 180-4).
func SHA384() hash.Hash { return sha512.New384() }

// SHA512 has 64 bytes (FIPS 180-4).
func SHA512() hash.Hash { return sha512.New() }

// SHA512_224 is SHA-512/224 with 28 bytes (FIPS 180-4).
func SHA512_224() hash.Hash { return sha512.New512_224() }

// SHA512_256 is SHA-512/256 with 32 bytes (FIPS 180-4).
func SHA512_256() hash.Hash { return sha512.New512_256() }

// SHA3_224 has 28 bytes (FIPS 202).
func SHA3_224() hash.Hash { return sha3.New224() }

// SHA3_256 has 32 bytes (FIPS 202).
func SHA3_256() hash.Hash { return sha3.New256() }

// SHA3_384 has 48 bytes (FIPS 202).
func SHA3_384() hash.Hash { return sha3.New384() }

// SHA3_512 has 64 bytes (FIPS 202).
func SHA3_512() hash.Hash { return sha3.New512() }

// SHAKE128 gives 32 bytes (FIPS 202).
func SHAKE128() hash.Hash { return &shake{sha3.NewSHAKE128(), 32} }

// SHAKE256 gives 64 bytes (FIPS 202).
func SHAKE256() hash.Hash { return &shake{sha3.NewSHAKE256(), 64} }

// shake cuts an extendable output to a size. It can't be written to after Sum.
type shake struct {
	*sha3.SHAKE
	size int
}

func (s *shake) Size() int { return s.size }

func (s *shake) Sum(b []byte) []byte {
	out := make([]byte, s.size)
	_, _ = s.Read(out) // never fails
	return append(b, out...)
}
