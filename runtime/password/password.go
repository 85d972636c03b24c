// Package password is about hashes of passwords that take time to compute, so that who steals them can't
// try many. The hashes themselves are in the packages below this one: a gateway links those that it uses.
package password

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// A Scheme is a way in which passwords are hashed, with parameters.
type Scheme interface {
	// Parse reads a stored hash. Its errors don't quote it.
	Parse(stored []byte) (Hash, error)
}

// A Hash is the hash of a password.
type Hash interface {
	// Verify reports whether it is that of password. How long it takes depends on the parameters and the
	// length of password alone.
	Verify(password []byte) bool
}

// Split splits a stored hash that is a salt and a key, with nothing between them.
func Split(stored []byte, saltLen, keyLen int) (salt, key []byte, err error) {
	if len(stored) != saltLen+keyLen {
		return nil, nil, errors.New("the hash has " + strconv.Itoa(len(stored)) + " bytes; it must have " + strconv.Itoa(saltLen+keyLen) +
			": those of the salt and those of the key")
	}
	return stored[:saltLen], stored[saltLen:], nil
}

// A PHC is a stored hash that carries its parameters, a string in the format of the
// Password Hashing Competition: $ID[$v=VERSION][$NAME=VALUE,…]$SALT$KEY.
type PHC struct {
	ID        string // "argon2id"
	Version   int    // 0 if there is none
	Params    map[string]int
	Salt, Key []byte
}

var errPHC = errors.New("the hash begins like one in PHC format, $id$params$salt$key, but isn't")

// ParsePHC reads a string in PHC format. ok is false if it is another kind of hash: if it doesn't begin with a
// dollar sign and prefix.
func ParsePHC(stored []byte, prefix string) (h PHC, ok bool, err error) {
	rest, ok := strings.CutPrefix(string(stored), "$")
	if !ok || !strings.HasPrefix(rest, prefix) {
		return h, false, nil
	}
	parts := strings.Split(rest, "$")
	if h.ID = parts[0]; len(parts) < 3 {
		return h, true, errPHC
	}
	parts, tail := parts[1:len(parts)-2], parts[len(parts)-2:]
	if h.Salt, err = base64.RawStdEncoding.DecodeString(tail[0]); err != nil || len(h.Salt) == 0 {
		return h, true, errPHC
	}
	if h.Key, err = base64.RawStdEncoding.DecodeString(tail[1]); err != nil || len(h.Key) == 0 {
		return h, true, errPHC
	}
	h.Params = make(map[string]int)
	for i, part := range parts {
		for param := range strings.SplitSeq(part, ",") {
			name, value, _ := strings.Cut(param, "=")
			n, err := strconv.ParseUint(value, 10, 31)
			switch {
			case err != nil:
				return h, true, errPHC
			case i == 0 && part == param && name == "v":
				h.Version = int(n)
			default:
				h.Params[name] = int(n)
			}
		}
	}
	return h, true, nil
}
