package basicauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/password"
)

// remembered is how long a password that was right needn't be hashed again.
const remembered = time.Minute

// users are those that were read together. What is remembered of them goes with them.
type users struct {
	by   map[string]*user
	all  []*user
	seed maphash.Seed
}

type user struct {
	name  string
	attrs map[string]any
	plain credentials.Secret // if there is no hash
	hash  password.Hash
	last  atomic.Pointer[verified]
}

// A verified is a password that was right. There is one for each user, so there are never too many.
type verified struct {
	tag   [sha256.Size]byte
	until time.Time
}

func newUsers(n int) *users {
	return &users{make(map[string]*user, n), make([]*user, 0, n), maphash.MakeSeed()}
}

func (us *users) add(u *user) {
	us.by[u.name] = u
	us.all = append(us.all, u)
}

// find returns the user of a name. If there is none, it returns another one, the same for each name, so that refusing takes as long as
// it does for a wrong password.
func (us *users) find(name []byte) (u *user, known bool) {
	if u, ok := us.by[string(name)]; ok {
		return u, true
	}
	if len(us.all) == 0 {
		return nil, false
	}
	return us.all[maphash.Bytes(us.seed, name)%uint64(len(us.all))], false
}

// verify returns the user if the password is right, else nil. It fails if too many passwords are being verified.
func (a *Authenticator) verify(x *gateway.Exchange, name, pass []byte) (*user, error) {
	u, known := a.users.Get(x.Start).find(name)
	if u == nil {
		return nil, nil
	}
	ok := false
	if u.hash == nil {
		ok = u.plain.Equal(pass)
	} else {
		var err error
		if ok, err = a.verifyHash(x, u, known, pass); err != nil {
			return nil, err
		}
	}
	if !ok || !known {
		return nil, nil
	}
	return u, nil
}

// verifyHash verifies a password that is stored as a hash. What is remembered of it counts only for a user that
// is known, not for one who stands for another.
func (a *Authenticator) verifyHash(x *gateway.Exchange, u *user, known bool, pass []byte) (bool, error) {
	w := a.tags.Get()
	tag := [sha256.Size]byte(w.SumBytes(pass))
	a.tags.Put(w)
	if u.remembers(&tag, x.Start) && known {
		return true, nil
	}
	if err := a.gate.Enter(x); err != nil {
		return false, err
	}
	defer a.gate.Leave()
	if u.remembers(&tag, x.Start) && known { // from another request, in the meantime
		return true, nil
	}
	ok := u.hash.Verify(pass)
	if ok && known {
		u.last.Store(&verified{tag, x.Start.Add(remembered)})
	}
	return ok, nil
}

// remembers reports whether tag is that of the last password that was right.
func (u *user) remembers(tag *[sha256.Size]byte, now time.Time) bool {
	v := u.last.Load()
	return v != nil && subtle.ConstantTimeCompare(v.tag[:], tag[:]) == 1 && now.Before(v.until)
}
