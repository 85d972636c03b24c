package kinds

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// PasswordCryptSpec is how passwords are hashed. Exactly one of its fields must be set.
//
// But for bcrypt, what is stored are the bytes of salt and key, so that they must be encoded, and the parameters must be those that the passwords were hashed
// with. Instead, hashes may carry their parameters, in PHC format: $argon2id$v=19$m=65536,t=3,p=4$SALT$KEY. They need no encoding.
type PasswordCryptSpec struct {
	// BCrypt hashes by bcrypt.
	BCrypt *BCryptSpec `json:"bcrypt" alt:"BCrypt" oneof:"crypt"`
	// SCrypt hashes by scrypt (RFC 7914).
	SCrypt *SCryptSpec `json:"scrypt" alt:"SCrypt" oneof:"crypt"`
	// PBKDF2 hashes by PBKDF2 (RFC 8018).
	PBKDF2 *PBKDF2Spec `json:"pbkdf2" alt:"PBKDF2" oneof:"crypt"`
	// Argon2i hashes by Argon2i (RFC 9106).
	Argon2i *Argon2Spec `json:"argon2i" oneof:"crypt"`
	// Argon2id hashes by Argon2id (RFC 9106).
	Argon2id *Argon2Spec `json:"argon2id" oneof:"crypt"`
}

// BCryptSpec is about hashes of the form $2a$10$…, which carry their parameters.
type BCryptSpec struct {
	// Cost is the cost that hashes should have at least: aileronc check tells those in files that have less. 0 is 10.
	Cost int32 `json:"cost" max:"31"`
}

// SCryptSpec are the parameters of scrypt. 0 stands for the default.
type SCryptSpec struct {
	// SaltLen is the length of salts, in bytes. The default is 32.
	SaltLen int32 `json:"saltLen" min:"0"`
	// N is the cost, a power of two. The default is 32768.
	N int32 `json:"n" min:"0"`
	// R is the size of blocks. The default is 8.
	R int32 `json:"r" min:"0"`
	// P is the parallelization. The default is 1.
	P int32 `json:"p" min:"0"`
	// KeyLen is the length of keys, in bytes. The default is 32.
	KeyLen int32 `json:"keyLen" min:"0"`
}

// PBKDF2Spec are the parameters of PBKDF2. 0 stands for the default.
type PBKDF2Spec struct {
	// SaltLen is the length of salts, in bytes. The default is 32.
	SaltLen int32 `json:"saltLen" min:"0"`
	// Iter is the number of rounds. The default is 4096, which is few by now: passwords should have 600000 with SHA256.
	Iter int32 `json:"iter" min:"0"`
	// KeyLen is the length of keys, in bytes. The default is 32.
	KeyLen int32 `json:"keyLen" min:"0"`
	// HashAlg is the hash algorithm. Unset is SHA256. SHAKE128 and SHAKE256 can't be used. (In AILERON Gateway, SHA512 and BLAKE2 can't, either.)
	HashAlg HashAlg `json:"hashAlg"`
}

// Argon2Spec are the parameters of Argon2. 0 stands for the default.
type Argon2Spec struct {
	// SaltLen is the length of salts, in bytes. The default is 32.
	SaltLen uint32 `json:"saltLen"`
	// Time is the number of passes. The default is 3 for argon2i and 1 for argon2id.
	Time uint32 `json:"time"`
	// Memory is what a hash takes of memory, in KiB. The default is 32768 for argon2i and 65536 for argon2id.
	Memory uint32 `json:"memory"`
	// Threads is the parallelism. The default is 4.
	Threads uint32 `json:"threads" max:"255"`
	// KeyLen is the length of keys, in bytes. The default is 32.
	KeyLen uint32 `json:"keyLen"`
}

// check reports parameters that can't be used, and weak ones.
func (s *PasswordCryptSpec) check(c *Check) {
	switch {
	case s == nil:
	case *s == PasswordCryptSpec{}:
		c.Errorf(s, diag.MissingField, "passwordCrypt needs one of the fields bcrypt, scrypt, pbkdf2, argon2i, argon2id")
	case s.SCrypt != nil:
		s.SCrypt.check(c)
	case s.PBKDF2 != nil:
		s.PBKDF2.check(c)
	}
}

func (s *SCryptSpec) check(c *Check) {
	n := cmp.Or(s.N, 32768)
	if n == 1 || n&(n-1) != 0 {
		c.Errorf(&s.N, diag.BadValue, "n is %d; it must be a power of two, and more than 1", n)
	} else if n < 1<<14 {
		c.Warnf(&s.N, diag.Insecure, "with n below 16384, who steals the hashes can try passwords fast")
	}
}

func (s *PBKDF2Spec) check(c *Check) {
	if s.HashAlg == "SHAKE128" || s.HashAlg == "SHAKE256" {
		c.Errorf(&s.HashAlg, diag.UnknownValue, "%s can't be used for PBKDF2, which is made of HMACs", s.HashAlg)
	}
	if iter := cmp.Or(s.Iter, 4096); iter < 100000 {
		c.Warnf(&s.Iter, diag.Insecure, "with %d rounds, who steals the hashes can try passwords fast", iter)
	}
}

// problem tells why a stored secret can't be a hash, or "".
func (s *PasswordCryptSpec) problem(c *Check, secret []byte) string {
	split := func(prefix string, saltLen, keyLen int64, fields ...any) string {
		if slices.ContainsFunc(fields, c.Deferred) || strings.HasPrefix(string(secret), prefix) || int64(len(secret)) == saltLen+keyLen {
			return ""
		}
		return "the hash has " + strconv.Itoa(len(secret)) + " bytes; it must have " + strconv.FormatInt(saltLen+keyLen, 10) + ": those of the salt and those of the key"
	}
	switch {
	case s == nil:
	case s.BCrypt != nil:
		if _, err := bcrypt.Cost(secret); err != nil {
			return "the hash isn't one of bcrypt, 60 characters that begin with $2"
		}
	case s.SCrypt != nil:
		k := s.SCrypt
		return split("$scrypt$", int64(cmp.Or(k.SaltLen, 32)), int64(cmp.Or(k.KeyLen, 32)), &k.SaltLen, &k.KeyLen)
	case s.PBKDF2 != nil:
		k := s.PBKDF2
		return split("$pbkdf2-", int64(cmp.Or(k.SaltLen, 32)), int64(cmp.Or(k.KeyLen, 32)), &k.SaltLen, &k.KeyLen)
	default:
		if k := cmp.Or(s.Argon2i, s.Argon2id); k != nil {
			return split("$argon2", int64(cmp.Or(k.SaltLen, 32)), int64(cmp.Or(k.KeyLen, 32)), &k.SaltLen, &k.KeyLen)
		}
	}
	return ""
}

// weakness tells why a hash that can be used is weaker than it should be, or "".
func (s *PasswordCryptSpec) weakness(c *Check, secret []byte) string {
	if s == nil || s.BCrypt == nil || c.Deferred(&s.BCrypt.Cost) {
		return ""
	}
	want := int(cmp.Or(s.BCrypt.Cost, 10))
	if cost, err := bcrypt.Cost(secret); err == nil && cost < want {
		return "the cost of the hash is " + strconv.Itoa(cost) + ", less than " + strconv.Itoa(want)
	}
	return ""
}

// lower returns the password.Scheme, or nil.
func (s *PasswordCryptSpec) lower(l *Lower) ir.Expr {
	switch {
	case s == nil:
		return nil
	case s.BCrypt != nil:
		l.Int(&s.BCrypt.Cost) // only for the compiler
		return l.Struct("password/bcrypt.Scheme")
	case s.SCrypt != nil:
		k := s.SCrypt
		return l.Struct("password/scrypt.Scheme",
			ir.Set("SaltLen", l.Int(&k.SaltLen)), ir.Set("N", l.Int(&k.N)), ir.Set("R", l.Int(&k.R)), ir.Set("P", l.Int(&k.P)), ir.Set("KeyLen", l.Int(&k.KeyLen)))
	case s.PBKDF2 != nil:
		k := s.PBKDF2
		return l.Struct("password/pbkdf2.Scheme",
			ir.Set("SaltLen", l.Int(&k.SaltLen)), ir.Set("Iter", l.Int(&k.Iter)), ir.Set("KeyLen", l.Int(&k.KeyLen)), ir.Set("Hash", k.hash()))
	case s.Argon2i != nil:
		return s.Argon2i.lower(l, "password/argon2.I")
	default:
		return s.Argon2id.lower(l, "password/argon2.ID")
	}
}

func (s *PBKDF2Spec) hash() ir.Expr {
	if s.HashAlg == "" || s.HashAlg == "HashAlgUnknown" || s.HashAlg == "SHA256" {
		return nil
	}
	return algorithm(s.HashAlg)
}

func (s *Argon2Spec) lower(l *Lower, typ string) ir.Expr {
	return l.Struct(typ,
		ir.Set("SaltLen", l.Int(&s.SaltLen)), ir.Set("Time", l.Int(&s.Time)), ir.Set("Memory", l.Int(&s.Memory)),
		ir.Set("Threads", l.Int(&s.Threads)), ir.Set("KeyLen", l.Int(&s.KeyLen)))
}
