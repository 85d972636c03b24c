package kinds

import (
	"strconv"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// secretCipher is what stored secrets are encrypted by.
type secretCipher struct {
	alg *CommonKeyCryptType
	key *string
}

func (s secretCipher) known() bool { return *s.alg != "" && *s.alg != "CommonKeyCryptTypeUnknown" }

func (s secretCipher) check(c *Check) {
	if key := checkBase64(c, s.key); key != nil && len(key) != 16 && len(key) != 24 && len(key) != 32 {
		c.Errorf(s.key, diag.BadValue, "the key has %d bytes; it must have 16, 24 or 32", len(key))
	}
	switch {
	case isSet(c, s.key) && !s.known():
		c.Errorf(s.key, diag.MissingField, "cryptSecret needs a commonKeyCryptType")
	case s.known() && !isSet(c, s.key):
		c.Warnf(s.alg, diag.NoEffect, "without cryptSecret nothing is encrypted")
	}
}

// isUsed reports whether secrets are encrypted.
func (s secretCipher) isUsed(c *Check) bool { return s.known() && isSet(c, s.key) }

// problem tells why a secret can't be encrypted by the algorithm, or "".
func (s secretCipher) problem(secret []byte) string {
	short := "the secret has " + strconv.Itoa(len(secret)) + " bytes, too few to be encrypted by " + string(*s.alg)
	switch n := len(secret); *s.alg {
	case "AESGCM":
		if n <= 12+16 {
			return short
		}
	case "AESCBC":
		if n < 2*16 {
			return short
		}
		if n%16 != 0 {
			return "the secret has " + strconv.Itoa(n) + " bytes, but those of AESCBC are a multiple of 16"
		}
	default:
		if n <= 16 {
			return short
		}
	}
	return ""
}

// lower returns the credentials.Cipher, or nil.
func (s secretCipher) lower(l *Lower) ir.Expr {
	if !s.isUsed(l.Check) {
		l.String(s.key)
		return nil
	}
	return l.Call("credentials."+string(*s.alg), l.String(s.key))
}
