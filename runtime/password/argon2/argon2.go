// Package argon2 verifies passwords by Argon2i and Argon2id (RFC 9106).
package argon2

import (
	"cmp"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/argon2"

	"github.com/aileron-gateway/aileronc/runtime/password"
)

// An I is the scheme of Argon2i. It reads hashes that are a salt and a key, without the parameters, and those that
// have them, of either scheme: $argon2i$v=19$m=32768,t=3,p=4$salt$key.
type I struct {
	SaltLen int // bytes; 0 is 32
	Time    int // passes; 0 is 3
	Memory  int // KiB; 0 is 32768
	Threads int // 0 is 4
	KeyLen  int // bytes; 0 is 32
}

// An ID is the scheme of Argon2id, else like I.
type ID struct {
	SaltLen int // bytes; 0 is 32
	Time    int // passes; 0 is 1
	Memory  int // KiB; 0 is 65536
	Threads int // 0 is 4
	KeyLen  int // bytes; 0 is 32
}

type hash struct {
	derive                func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
	salt, key             []byte
	time, memory, threads int
}

// Parse reads a hash.
func (s I) Parse(stored []byte) (password.Hash, error) {
	h := &hash{derive: argon2.Key, time: cmp.Or(s.Time, 3), memory: cmp.Or(s.Memory, 32<<10), threads: cmp.Or(s.Threads, 4)}
	return h.parse(stored, cmp.Or(s.SaltLen, 32), cmp.Or(s.KeyLen, 32))
}

// Parse reads a hash.
func (s ID) Parse(stored []byte) (password.Hash, error) {
	h := &hash{derive: argon2.IDKey, time: cmp.Or(s.Time, 1), memory: cmp.Or(s.Memory, 64<<10), threads: cmp.Or(s.Threads, 4)}
	return h.parse(stored, cmp.Or(s.SaltLen, 32), cmp.Or(s.KeyLen, 32))
}

func (h *hash) parse(stored []byte, saltLen, keyLen int) (password.Hash, error) {
	phc, ok, err := password.ParsePHC(stored, "argon2")
	switch {
	case err != nil:
		return nil, err
	case ok:
		if h.derive = named(phc.ID); h.derive == nil || phc.Version != argon2.Version {
			return nil, errors.New("the hash must be one of argon2i or argon2id, version 19")
		}
		h.time, h.memory, h.threads, h.salt, h.key = phc.Params["t"], phc.Params["m"], phc.Params["p"], phc.Salt, phc.Key
	default:
		if h.salt, h.key, err = password.Split(stored, saltLen, keyLen); err != nil {
			return nil, err
		}
	}
	if h.time < 1 || h.memory < 1 || h.threads < 1 || h.threads > 255 {
		return nil, errors.New("the parameters of Argon2 can't be used: time and memory must be at least 1, threads from 1 to 255")
	}
	return h, nil
}

func named(id string) func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
	switch id {
	case "argon2i":
		return argon2.Key
	case "argon2id":
		return argon2.IDKey
	}
	return nil
}

// Verify compares in constant time.
func (h *hash) Verify(password []byte) bool {
	key := h.derive(password, h.salt, uint32(h.time), uint32(h.memory), uint8(h.threads), uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1
}
