// Package idkey knows clients by an id and a key in two header fields.
package idkey

import (
	"errors"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of an Authenticator.
type Options struct {
	// Keys are the ids that are known, and their keys.
	Keys credentials.Source
	// IDHeader is the field with the id; empty is X-Api-Id.
	IDHeader string
	// KeyHeader is the field with the key; empty is X-Api-Key.
	KeyHeader string
	// Hash is what Keys hold of a key.
	Hash credentials.Hash
	// Cipher is how keys, or their hashes, are encrypted.
	Cipher credentials.Cipher
	// KeepCredentials leaves both fields in the request.
	KeepCredentials bool
	// ClaimsKey is what the claims are found by; empty is claims.DefaultKey.
	ClaimsKey string
	// Logger is told when Keys have been read again, or couldn't be.
	Logger gateway.Logger
}

// An Authenticator knows clients by ids and keys.
type Authenticator struct {
	Options
	hasher *credentials.Hasher
	keys   *credentials.Store[map[string]*key]
	nobody key // whose key is compared if the id is unknown
}

type key struct {
	id     string
	secret credentials.Secret
	attrs  map[string]any
}

// New reads the keys.
func New(o Options) (*Authenticator, error) {
	if o.IDHeader == "" {
		o.IDHeader = "X-Api-Id"
	}
	if o.KeyHeader == "" {
		o.KeyHeader = "X-Api-Key"
	}
	a := &Authenticator{Options: o}
	var err error
	if a.hasher, err = o.Hash.Hasher(); err != nil {
		return nil, err
	}
	a.keys, err = credentials.Open(o.Keys, false, o.Logger, a.makeKeys)
	return a, err
}

func (a *Authenticator) makeKeys(list []credentials.Credential) (*map[string]*key, error) {
	if err := a.Cipher.Decrypt(list); err != nil {
		return nil, err
	}
	keys := make(map[string]*key, len(list))
	for _, c := range list {
		keys[c.ID] = &key{c.ID, credentials.NewSecret(c.Secret), c.Attrs}
	}
	return &keys, nil
}

var (
	errSeveral = errors.New("there is more than one api key or id in the request")
	errHalf    = errors.New("there is an api key without an id in the request, or an id without a key")
	errWrong   = errors.New("unknown id or wrong api key")
)

// Authenticate looks for id and key in the request of x.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	id, okID, singleID := authn.Header(x, a.IDHeader)
	value, okKey, singleKey := authn.Header(x, a.KeyHeader)
	switch {
	case !okID && !okKey:
		return authn.Absent, nil
	case id == "" || value == "":
		return authn.Refused, errHalf
	case !singleID || !singleKey:
		return authn.Refused, errSeveral
	}
	k, known := (*a.keys.Get(x.Start))[id]
	if !known {
		k = &a.nobody
	}
	w := a.hasher.Get()
	equal := k.secret.Equal(w.Sum(value))
	a.hasher.Put(w)
	if !equal || !known {
		return authn.Refused, errWrong
	}
	if !a.KeepCredentials {
		x.Request.Header.Del(a.IDHeader)
		x.Request.Header.Del(a.KeyHeader)
	}
	who := authn.Identity{Method: "APIKey", Name: k.id, Time: x.Start, Attrs: k.attrs}
	who.Put(x, a.ClaimsKey)
	return authn.Accepted, nil
}

// Challenge names the fields. There is no registered scheme for that.
func (a *Authenticator) Challenge(h *gateway.Header, _ error) {
	h.Add("WWW-Authenticate", `ApiKey header="`+a.KeyHeader+`", id="`+a.IDHeader+`"`)
}

// Middleware lets requests with a known id and its key pass. Others are refused with 403.
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
