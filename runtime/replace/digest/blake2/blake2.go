// Package blake2 has the BLAKE2 algorithms (RFC 7693) for package digest.
package blake2

import (
	"hash"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

// S256 is BLAKE2s with 32 bytes.
func S256() hash.Hash { return unkeyed(blake2s.New256(nil)) }

// B256 is BLAKE2b with 32 bytes.
func B256() hash.Hash { return unkeyed(blake2b.New256(nil)) }

// B384 is BLAKE2b with 48 bytes.
func B384() hash.Hash { return unkeyed(blake2b.New384(nil)) }

// B512 is BLAKE2b with 64 bytes.
func B512() hash.Hash { return unkeyed(blake2b.New512(nil)) }

// unkeyed drops the error, which is about the length of the key.
func unkeyed(h hash.Hash, _ error) hash.Hash { return h }
