// Package apikey knows clients by a key in a header field.
package apikey

import (
	"crypto/subtle"
	"errors"
	"hash/maphash"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of an Authenticator.
type Options struct {
	// Keys are the keys that are known.
	Keys credentials.Source
	// Header is the field with the key; empty is X-Api-Key.
	Header string
	// Hash is what Keys hold of a key.
	Hash credentials.Hash
	// KeepCredentials leaves the field in the request.
	KeepCredentials bool
	// ClaimsKey is what the claims are found by; empty is claims.DefaultKey.
	ClaimsKey string
	// Logger is told when Keys have been read again, or couldn't be.
	Logger gateway.Logger
}

// An Authenticator knows clients by their keys.
type Authenticator struct {
	Options
	hasher *credentials.Hasher
	keys   *credentials.Store[keys]
}

// keys are found by a hash that nobody outside can compute, so that the time that it takes tells nothing of
// what they are. To compare the one of the same hash tells no more than its length.
type keys struct {
	seed maphash.Seed
	by   map[uint64]*key
}

type key struct {
	secret []byte
	attrs  map[string]any
	next   *key // of the same hash
}

// New reads the keys.
func New(o Options) (*Authenticator, error) {
	if o.Header == "" {
		o.Header = "X-Api-Key"
	}
	a := &Authenticator{Options: o}
	var err error
	if a.hasher, err = o.Hash.Hasher(); err != nil {
		return nil, err
	}
	a.keys, err = credentials.Open(o.Keys, true, o.Logger, makeKeys)
	return a, err
}

func makeKeys(list []credentials.Credential) (*keys, error) {
	k := &keys{maphash.MakeSeed(), make(map[uint64]*key, len(list))}
	for _, c := range list {
		h := maphash.Bytes(k.seed, c.Secret)
		k.by[h] = &key{c.Secret, c.Attrs, k.by[h]}
	}
	return k, nil
}

// find returns the key that b is, or nil.
func (k *keys) find(b []byte) *key {
	for c := k.by[maphash.Bytes(k.seed, b)]; c != nil; c = c.next {
		if subtle.ConstantTimeCompare(c.secret, b) == 1 {
			return c
		}
	}
	return nil
}

var (
	errSeveral = errors.New("there is more than one api key in the request")
	errUnknown = errors.New("non registered api key provided")
)

// Authenticate looks for the key in the request of x.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	value, ok, single := authn.Header(x, a.Header)
	switch {
	case !ok || value == "":
		return authn.Absent, nil
	case !single:
		return authn.Refused, errSeveral
	}
	w := a.hasher.Get()
	k := a.keys.Get(x.Start).find(w.Sum(value))
	a.hasher.Put(w)
	if k == nil {
		return authn.Refused, errUnknown
	}
	if !a.KeepCredentials {
		x.Request.Header.Del(a.Header)
	}
	id := authn.Identity{Method: "APIKey", Time: x.Start, Attrs: k.attrs}
	id.Put(x, a.ClaimsKey)
	return authn.Accepted, nil
}

// Challenge names the field. There is no registered scheme for that.
func (a *Authenticator) Challenge(h *gateway.Header, _ error) {
	h.Add("WWW-Authenticate", `ApiKey header="`+a.Header+`"`)
}

// Middleware lets requests with a known key pass. Others are refused with 403.
func (a *Authenticator) Middleware(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		outcome, err := a.Authenticate(x)
		switch outcome {
		case authn.Accepted:
			return next.Serve(x)
		case authn.Absent:
			return &gateway.Error{Status: 403, Message: "no api key provided"}
		}
		return &gateway.Error{Status: 403, Message: "unauthorized api key", Cause: err}
	})
}
