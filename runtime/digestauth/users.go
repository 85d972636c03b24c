package digestauth

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"strings"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/credentials"
)

// users are found by their names and by the hashes of their names.
type users struct {
	by, byHash map[string]*user
	nobody     user
}

type user struct {
	name  string
	attrs map[string]any
	ha1   string // H(name:realm:password), hexadecimal
}

func (a *Authenticator) makeUsers(list []credentials.Credential) (*users, error) {
	if err := a.Cipher.Decrypt(list); err != nil {
		return nil, err
	}
	us := &users{make(map[string]*user, len(list)), make(map[string]*user, len(list)), user{ha1: a.alg.hash(rand.Text())}}
	for _, c := range list {
		u := &user{c.ID, c.Attrs, a.alg.hash(c.ID, a.Realm, string(c.Secret))}
		us.by[c.ID] = u
		us.byHash[a.alg.hash(c.ID, a.Realm)] = u
	}
	return us, nil
}

// find returns a user. If there is none of that name, it's one whose password nobody knows, so that refusing takes as long as for
// a wrong password.
func (us *users) find(name string, hashed bool) (u *user, known bool) {
	if hashed {
		u, known = us.byHash[name]
	} else {
		u, known = us.by[name]
	}
	if !known {
		u = &us.nobody
	}
	return u, known
}

// An algorithm computes digests.
type algorithm struct {
	session bool
	works   sync.Pool // of *work
}

// newAlgorithm returns the algorithm of a name, or nil.
func newAlgorithm(name string) *algorithm {
	a := &algorithm{}
	name, a.session = strings.CutSuffix(name, "-sess")
	var fresh func() hash.Hash
	switch name {
	case "MD5":
		fresh = md5.New
	case "SHA-256":
		fresh = sha256.New
	case "SHA-512-256":
		fresh = sha512.New512_256
	default:
		return nil
	}
	a.works.New = func() any { return &work{Hash: fresh()} }
	return a
}

// A work is the memory for computing a digest.
type work struct {
	hash.Hash
	in            []byte
	sum           [sha256.Size]byte // the longest of all
	hex, ha1, ha2 [2 * sha256.Size]byte
}

// digest returns H of parts with colons between them, hexadecimal, in out.
func (w *work) digest(out *[2 * sha256.Size]byte, parts ...[]byte) []byte {
	w.in = w.in[:0]
	for i, p := range parts {
		if i > 0 {
			w.in = append(w.in, ':')
		}
		w.in = append(w.in, p...)
	}
	w.Reset()
	w.Write(w.in)
	return out[:hex.Encode(out[:], w.Sum(w.sum[:0]))]
}

// hash returns H of parts with colons between them, hexadecimal.
func (a *algorithm) hash(parts ...string) string {
	w := a.works.Get().(*work)
	defer a.works.Put(w)
	return string(w.digest(&w.hex, []byte(strings.Join(parts, ":"))))
}

// verify reports whether the response of p is that of the user (RFC 7616, section 3.4.1). With -sess, the session is that of
// the request.
func (a *algorithm) verify(u *user, p *params, method string) bool {
	w := a.works.Get().(*work)
	defer a.works.Put(w)
	nonce, cnonce := []byte(p.nonce), []byte(p.cnonce)
	ha1 := []byte(u.ha1)
	if a.session {
		ha1 = w.digest(&w.ha1, ha1, nonce, cnonce)
	}
	ha2 := w.digest(&w.ha2, []byte(method), []byte(p.uri))
	want := w.digest(&w.hex, ha1, nonce, []byte(p.nc), cnonce, []byte(p.qop), ha2)
	return subtle.ConstantTimeCompare(want, []byte(strings.ToLower(p.response))) == 1
}
