package digestauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"
	"time"
)

const (
	// lifetime is how long a nonce can be used. A client that uses it longer gets a new one, and doesn't ask its user again.
	lifetime = 5 * time.Minute
	// maxNonces is how many nonces are remembered, some 100 bytes each. Only those of clients that have shown
	// the right password are.
	maxNonces = 16384
)

// A nonceID is what makes a nonce different from others: 8 bytes of when it was issued, and 8 random ones.
type nonceID [16]byte

func (id *nonceID) issued() time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(id[:8])))
}

// nonces issues nonces that carry a message authentication code, so that none has to be kept until it's used,
// and knows how often each has been used.
type nonces struct {
	macs sync.Pool // of hash.Hash, with a key of this process

	mu   sync.Mutex
	uses map[nonceID]uses
	// floor is the time up to which all nonces have been forgotten: none of them is valid any more.
	floor time.Time
}

// uses are the counts with which a nonce has been used: the highest one, and which of the 63 before. Requests of
// one client may overtake each other.
type uses struct {
	highest uint32
	window  uint64 // bit n is for highest - n
}

func newNonces() *nonces {
	var key [sha256.BlockSize]byte
	_, _ = rand.Read(key[:]) // never fails: it would end the process
	n := &nonces{uses: make(map[nonceID]uses)}
	n.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, key[:])} }
	return n
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
	id  nonceID
}

// nonceLen is the length of a nonce as text: 16 bytes of its id and as many of the code.
const nonceLen = (32*8 + 5) / 6

// seal returns the nonce for id as text.
func (n *nonces) seal(id nonceID) (text [nonceLen]byte) {
	m := n.macs.Get().(*mac)
	m.Reset()
	m.id = id
	m.Write(m.id[:])
	m.Sum(m.sum[:0])
	var raw [32]byte
	copy(raw[copy(raw[:], id[:]):], m.sum[:])
	n.macs.Put(m)
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return text
}

// issue returns a new nonce.
func (n *nonces) issue(now time.Time) string {
	var id nonceID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixNano()))
	_, _ = rand.Read(id[8:])
	text := n.seal(id)
	return string(text[:])
}

// open returns the id of a nonce, if it was issued by this process and is not too old.
func (n *nonces) open(text string, now time.Time) (id nonceID, ok bool) {
	var raw [34]byte
	if len(text) != nonceLen {
		return id, false
	}
	if k, err := base64.RawURLEncoding.Decode(raw[:], []byte(text)); err != nil || k != 32 {
		return id, false
	}
	copy(id[:], raw[:])
	want := n.seal(id)
	age := now.Sub(id.issued())
	return id, subtle.ConstantTimeCompare(want[:], []byte(text)) == 1 && age < lifetime && age > -lifetime
}

// use notes that a nonce is used with a count. It reports false if it has been already, or if that isn't
// known any more.
func (n *nonces) use(id nonceID, count uint32, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	u, ok := n.uses[id]
	if !ok {
		if len(n.uses) >= maxNonces {
			n.forget(now)
		}
		if count == 0 || !id.issued().After(n.floor) {
			return false
		}
		n.uses[id] = uses{count, 1}
		return true
	}
	switch {
	case count > u.highest:
		u.window = u.window<<min(count-u.highest, 64) | 1
		u.highest = count
	case u.highest-count >= 64 || count == 0:
		return false
	default:
		bit := uint64(1) << (u.highest - count)
		if u.window&bit != 0 {
			return false
		}
		u.window |= bit
	}
	n.uses[id] = u
	return true
}

// forget makes room: those that are too old go. If they are few, all go, and no nonce that was issued until now
// is valid any more; clients then get new ones.
func (n *nonces) forget(now time.Time) {
	for id := range n.uses {
		if now.Sub(id.issued()) >= lifetime {
			delete(n.uses, id)
		}
	}
	if len(n.uses) > maxNonces*3/4 {
		clear(n.uses)
		n.floor = now
	}
}
