package authcode

import (
	"cmp"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"slices"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/session"
)

// An attempt is a login that has begun: what has to be known when the client comes back from the provider. There is
// one for each tab in which somebody is about to log in, beside the session: a browser that starts with several tabs sends their requests at the same time.
type attempt struct {
	// seed is what state, nonce and verifier are made of. It's kept instead of them, since it's a lot shorter.
	seed string
	// begun is when, in seconds since 1970.
	begun int64
	// context is the name of the context, so that the answer of one provider isn't taken for that of another.
	context string
	// target is where the client wanted to go.
	target string
}

// The lengths, in bytes, of what attempts are made of.
const (
	seedSize     = 32
	stateSize    = 84
	nonceSize    = 32
	verifierSize = 84
)

// Attempts end after an hour, and a client has at most eight: with more tabs than that, or after more requests, the
// oldest has to begin again.
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

// asidePrefix is what the names of attempts begin with, beside the session.
const asidePrefix = "login-"

// name is the name of the attempt. Its state is nobody's business who sees only names.
func (a *attempt) name() string { return nameOf(a.state()) }

func nameOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return asidePrefix + base64.RawURLEncoding.EncodeToString(sum[:9])
}

// encode returns the value that parseAttempt reads.
func (a *attempt) encode() (value []byte) {
	value = appendField(value, a.seed)
	value = appendNumber(value, a.begun)
	value = appendField(value, a.context)
	return appendField(value, a.target)
}

// parseAttempt returns the attempt in a value, nil if it's none, or too old.
func parseAttempt(value []byte, now time.Time) *attempt {
	r := readFields(value)
	a := &attempt{seed: r.field(), begun: r.number(), context: r.field(), target: r.field()}
	if !r.ok || r.more() || len(a.seed) != seedSize || !recent(a.begun, now) {
		return nil
	}
	return a
}

// recent reports whether that was less than the life of an attempt ago. Clocks of several gateways may differ.
func recent(begun int64, now time.Time) bool {
	age := now.Unix() - begun
	return -60 <= age && age < int64(attemptLife/time.Second)
}

// add keeps an attempt for the client of s, and drops the oldest so that there aren't too many.
func (h *Handler) add(s *session.Session, a *attempt, now time.Time) error {
	var begun []*attempt
	for name, value := range s.Asides(asidePrefix) {
		if old := parseAttempt(value, now); old == nil || old.name() != name {
			s.DropAside(name)
		} else {
			begun = append(begun, old)
		}
	}
	slices.SortFunc(begun, func(a, b *attempt) int { return cmp.Compare(b.begun, a.begun) })
	for i, old := range begun {
		if i >= maxAttempts-1 {
			s.DropAside(old.name())
		}
	}
	return s.SetAside(a.name(), a.encode(), attemptLife)
}

// take returns the attempt with that state, or the last one if states are disabled, and drops it. It's nil if there is none; others
// tells that there are others.
func (h *Handler) take(s *session.Session, state string, now time.Time) (a *attempt, others bool) {
	wanted := nameOf(state)
	for name, value := range s.Asides(asidePrefix) {
		got := parseAttempt(value, now)
		if got == nil || got.name() != name {
			continue
		}
		others = true
		switch {
		case h.DisableState:
			if a == nil || got.begun >= a.begun {
				a = got
			}
		case name == wanted && subtle.ConstantTimeCompare([]byte(got.state()), []byte(state)) == 1:
			a = got
		}
	}
	if a != nil {
		s.DropAside(a.name())
	}
	return a, others
}
