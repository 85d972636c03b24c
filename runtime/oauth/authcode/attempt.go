package authcode

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"slices"
	"time"
)

// An attempt is a login that has begun: what has to be known when the client comes back from the provider. A session has
// one for each tab in which somebody is about to log in.
type attempt struct {
	// seed is what state, nonce and verifier are made of. It's kept instead of them, since it's a lot shorter.
	seed string
	// begun is when, in seconds since 1970.
	begun int64
	// context is the name of the context, so that the answer of one provider isn't taken for that of another.
	context string
	// target is where the client wanted to go.
	target string
	// saved is the request that is to be restored, if there is one, see savedRequest.
	saved string
}

// The lengths, in bytes, of what attempts are made of.
const (
	seedSize     = 32
	stateSize    = 84
	nonceSize    = 32
	verifierSize = 84
)

// Attempts end after an hour, and there are at most eight in a session: more tabs than that, and whoever has sent
// so many requests has to begin again in the oldest.
const (
	maxAttempts = 8
	attemptLife = time.Hour
)

// newAttempt begins a login.
func newAttempt(context, target string, now time.Time) *attempt {
	var seed [seedSize]byte
	_, _ = rand.Read(seed[:]) // never fails: it would end the process
	return &attempt{seed: string(seed[:]), begun: now.Unix(), context: context, target: target}
}

// state ties the answer of the provider to the session (RFC 6749, section 10.12).
func (a *attempt) state() string { return a.derive("state", stateSize) }

// nonce ties the ID token to the attempt (OpenID Connect Core, section 3.1.2.1).
func (a *attempt) nonce() string { return a.derive("nonce", nonceSize) }

// verifier ties the code to the attempt (RFC 7636).
func (a *attempt) verifier() string { return a.derive("verifier", verifierSize) }

// derive makes bytes of the seed, in Base64 for URLs. Who knows them knows neither the seed nor what else is made of it.
func (a *attempt) derive(what string, size int) string {
	b, err := hkdf.Expand(func() hash.Hash { return sha512.New() }, []byte(a.seed), what, size)
	if err != nil {
		panic(err) // only if more is asked for than HKDF can give
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// challenge is the code challenge of a verifier by the method S256 (RFC 7636, section 4.2).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// attempts are those of a session, the oldest first.
type attempts []*attempt

// parseAttempts reads the value of a session. What can't be read is dropped, as is what is too old.
func parseAttempts(value []byte, now time.Time) (all attempts) {
	for r := readFields(value); r.more(); {
		a := &attempt{seed: r.field(), begun: r.number(), context: r.field(), target: r.field(), saved: r.field()}
		if !r.ok || len(a.seed) != seedSize {
			break
		}
		if age := now.Unix() - a.begun; -60 <= age && age < int64(attemptLife/time.Second) {
			all = append(all, a)
		}
	}
	return all
}

// encode returns the value for a session.
func (all attempts) encode() (value []byte) {
	for _, a := range all {
		value = appendField(value, a.seed)
		value = appendNumber(value, a.begun)
		value = appendField(value, a.context)
		value = appendField(value, a.target)
		value = appendField(value, a.saved)
	}
	return value
}

// add appends a and drops the oldest attempts until there are few enough, and they are small enough to be kept.
func (all attempts) add(a *attempt, maxBytes int) attempts {
	all = append(all, a)
	for len(all) > 1 && (len(all) > maxAttempts || len(all.encode()) > maxBytes) {
		all = all[1:]
	}
	return all
}

// take returns the attempt of a state, nil if there is none, and the others.
func (all attempts) take(state string) (*attempt, attempts) {
	for i, a := range all {
		if subtle.ConstantTimeCompare([]byte(a.state()), []byte(state)) == 1 {
			return a, slices.Delete(slices.Clone(all), i, i+1)
		}
	}
	return nil, all
}

// last returns the attempt that was begun last, nil if there is none, and the others.
func (all attempts) last() (*attempt, attempts) {
	if len(all) == 0 {
		return nil, nil
	}
	return all[len(all)-1], all[:len(all)-1]
}
