// Package jwt verifies and signs JSON Web Tokens (RFC 7519), by keys of the configuration and by those that
// servers publish as a JSON Web Key Set (RFC 7517).
//
// A token that was valid is remembered by its hash, as long as the keys stay what they are, so that the signature is computed once. Its times, and who it's of
// and for, are looked at each time. Errors quote neither tokens nor keys.
package jwt

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of a Handler.
type Options struct {
	// PrivateKeys sign: the first of them does. The type of such a key is Private, or Common.
	PrivateKeys []Key
	// PublicKeys verify.
	PublicKeys []Key
	// JWKS are the URLs of sets of keys, by the issuers whose tokens they verify.
	JWKS map[string]string
	// UseJKU takes the keys for tokens of other issuers from where their header "jku" says, if that is one of the URLs in JWKS.
	UseJKU bool
	// Transport sends the requests for sets of keys. Nil is none: then JWKS has to be empty.
	Transport gateway.Handler
	// Logger is told, at level Warn, that a set of keys can't be read. Nil tells nobody.
	Logger gateway.Logger
}

// A Handler verifies and signs tokens. It's safe for concurrent use.
type Handler struct {
	signer   *signer
	keys     keySet
	unsigned bool // keys has one of None
	byIssuer map[string]*remote
	jku      map[string]*remote // by their URLs, nil if UseJKU isn't set
	fallback atomic.Pointer[remote]
	options  Options

	valid      *cache
	generation atomic.Uint64 // of the keys
}

// A Token is one whose signature is right.
type Token struct {
	Algorithm Algorithm
	KeyID     string
	Claims    Claims
}

// New reads the keys. It fails if one of them can't be read, or isn't for its algorithm.
func New(o Options) (*Handler, error) {
	h := &Handler{options: o, keys: make(keySet), valid: newCache()}
	for i := range o.PrivateKeys {
		s, err := o.PrivateKeys[i].signing()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			h.signer = s
		}
	}
	for i := range o.PublicKeys {
		k, err := o.PublicKeys[i].verifying()
		if err != nil {
			return nil, err
		}
		h.keys[k.id] = append(h.keys[k.id], k)
		h.unsigned = h.unsigned || k.alg == None
	}
	if len(o.JWKS) == 0 {
		return h, nil
	}
	h.byIssuer = make(map[string]*remote, len(o.JWKS))
	byURL := make(map[string]*remote)
	for issuer, url := range o.JWKS {
		if byURL[url] == nil {
			byURL[url] = h.newRemote(url)
		}
		h.byIssuer[issuer] = byURL[url]
	}
	if o.UseJKU {
		h.jku = byURL
	}
	return h, nil
}

// HasKeys reports whether there are keys to verify by, of the configuration or elsewhere.
func (h *Handler) HasKeys() bool {
	return len(h.keys) > 0 || len(h.byIssuer) > 0 || h.fallback.Load() != nil
}

// UseJWKS has tokens whose issuer has no set of keys of its own verified by that at url.
func (h *Handler) UseJWKS(url string) { h.fallback.Store(h.newRemote(url)) }

// Verify returns the token if its signature is right. Its claims may say anything: see [Handler.Validate].
func (h *Handler) Verify(ctx context.Context, token string) (*Token, error) {
	sum := hashOf(token)
	if e, _ := h.valid.Get(sum); e != nil && e.generation == h.generation.Load() {
		if e.from != nil {
			e.from.refreshIfStale()
		}
		return e.token, nil
	}
	generation := h.generation.Load()
	t, from, err := h.verify(ctx, token)
	if err != nil {
		return nil, invalid(err)
	}
	if generation == h.generation.Load() { // else it isn't known by which keys it was verified
		h.valid.Put(sum, &entry{t, generation, from})
	}
	return t, nil
}

// Validate returns the claims of a token if its signature is right and they are what v wants. Why it isn't valid is an error E3051, of which
// [errors.Is] tells whether the reason is ErrExpired.
func (h *Handler) Validate(ctx context.Context, token string, v *Validation) (Claims, error) {
	t, err := h.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if !v.allows(t.Algorithm) {
		return nil, invalid(errMethod)
	}
	if err := v.Check(t.Claims, time.Now()); err != nil {
		return nil, invalid(err)
	}
	return t.Claims, nil
}

// verify does what Verify does for a token that isn't remembered. from is where the key came from.
func (h *Handler) verify(ctx context.Context, token string) (t *Token, from *remote, err error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		if h.unsigned {
			t, err := h.verifyUnsigned(token)
			return t, nil, err
		}
		return nil, nil, errMalformed
	}
	header := &jws.Signatures[0].Protected
	t = &Token{Algorithm: Algorithm(header.Algorithm), KeyID: header.KeyID}
	if t.Claims, err = parseClaims(jws.UnsafePayloadWithoutVerification()); err != nil {
		return nil, nil, err
	}
	keys := h.keys.find(t.KeyID, t.Algorithm)
	if len(keys) == 0 || t.KeyID == "" { // without an ID, it may be any key
		if from = h.remoteOf(t.Claims, header); from != nil {
			more, err := from.find(ctx, t.KeyID, t.Algorithm)
			if err != nil && len(keys) == 0 {
				return nil, nil, err
			}
			keys = append(keys, more...)
		}
	}
	if len(keys) == 0 {
		return nil, nil, errNoKey
	}
	for _, k := range keys {
		if _, err := jws.Verify(k.verifier); err == nil {
			return t, from, nil
		}
	}
	return nil, nil, errSignature
}

// remoteOf returns the set of keys by which a token has to be verified that says c of itself, nil if there is none.
func (h *Handler) remoteOf(c Claims, header *jose.Header) *remote {
	if r := h.byIssuer[c.Text("iss")]; r != nil {
		return r
	}
	if h.jku != nil {
		url, _ := header.ExtraHeaders["jku"].(string)
		if r := h.jku[url]; r != nil {
			return r
		}
	}
	return h.fallback.Load()
}

func parseClaims(payload []byte) (Claims, error) {
	v, err := jsonval.Parse(string(payload))
	if err != nil {
		return nil, errClaims
	}
	c, ok := v.(map[string]any)
	if !ok {
		return nil, errClaims
	}
	return c, nil
}
