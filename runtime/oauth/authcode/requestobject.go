package authcode

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/uuid"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// A RequestObject is a signed authorization request: a JWT that has the parameters (RFC 9101).
type RequestObject struct {
	// URI is where the provider can fetch it, an absolute URL of the gateway. Then it's the same for all logins, and what is different
	// in each is in the query. Empty sends it by the client, with all of that in it.
	URI string
	// Keys has the private key that it's signed by.
	Keys jwt.Options
	// Lifetime is how long it's valid, counted from NotBefore; 0 is five minutes.
	Lifetime time.Duration
	// NotBefore is in what time it begins to be valid.
	NotBefore time.Duration
	// DisableCache has the URI say what it leads to, by its hash, so that a provider doesn't use what it has fetched before.
	DisableCache bool
}

// objects makes request objects.
type objects struct {
	RequestObject
	h     *Handler
	keys  *jwt.Handler
	mu    sync.Mutex
	fixed map[string]*object // by the names of contexts: those that are fetched
}

// An object is a request object that is used until it's renewed.
type object struct {
	token string
	renew time.Time
}

var errNoPrivateKey = errors.New("authcode: request objects need a private key")

// newObjects also returns the path that request objects are served at, empty if they aren't.
func newObjects(o *RequestObject) (*objects, string, error) {
	keys, err := jwt.New(o.Keys)
	if err != nil {
		return nil, "", fmt.Errorf("authcode: the keys of request objects: %w", err)
	}
	if !keys.CanSign() {
		return nil, "", errNoPrivateKey
	}
	p := &objects{RequestObject: *o, keys: keys, fixed: make(map[string]*object)}
	p.Lifetime = cmp.Or(o.Lifetime, 5*time.Minute)
	if o.URI == "" {
		return p, "", nil
	}
	u, err := url.Parse(o.URI)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path == "" {
		return nil, "", fmt.Errorf("authcode: the URI %q of request objects isn't one of http or https with a path", o.URI)
	}
	return p, u.Path, nil
}

// The parameters that stand in the query, too, whatever a request object has: OpenID Connect Core 1.0, section 6.1, asks for the
// first three.
var beside = []string{"client_id", "response_type", "scope", "code_challenge", "code_challenge_method", "nonce", "state"}

// replace returns the parameters that are sent in the place of p. In what is pushed there must be no URI (RFC 9126, section 2.1).
func (o *objects) replace(x *gateway.Exchange, c *oauth.Context, p params, pushed bool) (params, error) {
	sent := p.only(beside...)
	if o.URI == "" || pushed {
		token, err := o.sign(x, c, p)
		sent.add("request", token)
		return sent, err
	}
	token, err := o.shared(x, c)
	uri := o.URI
	if key := o.h.OAuth.QueryKey; key != "" && c.Name() != oauth.DefaultName {
		uri = appendQuery(uri, params{{key, c.Name()}}.encode())
	}
	if o.DisableCache {
		sum := sha256.Sum256([]byte(token))
		uri += "#" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	sent.add("request_uri", uri)
	return sent, err
}

// shared is the request object that the provider fetches. It has what is the same for all logins.
func (o *objects) shared(x *gateway.Exchange, c *oauth.Context) (string, error) {
	o.mu.Lock()
	f := o.fixed[c.Name()]
	o.mu.Unlock()
	if f != nil && time.Now().Before(f.renew) {
		return f.token, nil
	}
	all := o.h.params(c, newAttempt(c.Name(), "", time.Now()))
	var p params
	for _, q := range all {
		switch q.name {
		case "state", "nonce", "code_challenge", "code_challenge_method":
		default:
			p.add(q.name, q.value)
		}
	}
	token, err := o.sign(x, c, p)
	if err == nil {
		o.mu.Lock()
		o.fixed[c.Name()] = &object{token, time.Now().Add(o.Lifetime / 2)}
		o.mu.Unlock()
	}
	return token, err
}

// sign makes a request object of p.
func (o *objects) sign(x *gateway.Exchange, c *oauth.Context, p params) (string, error) {
	issuer, err := c.Issuer(x.Context())
	if err != nil {
		return "", err
	}
	now := time.Now()
	begin := now.Add(o.NotBefore)
	claims := jwt.Claims{
		"iss": c.Client().ID, "iat": now.Unix(), "nbf": begin.Unix(), "exp": begin.Add(o.Lifetime).Unix(), "jti": uuid.New(),
	}
	if issuer != "" {
		claims["aud"] = []string{issuer}
	}
	for _, q := range p {
		claims[q.name] = q.value
		switch q.name {
		case "claims", "max_age", "authorization_details": // which are JSON
			if v, err := jsonval.Parse(q.value); err == nil {
				claims[q.name] = v
			}
		}
	}
	token, err := o.keys.Sign(claims)
	if err != nil {
		return "", &gateway.Error{Status: 500, Code: "E3060", Kind: "AppAuthnGenerateRequestObject", Message: "the request object can't be signed", Cause: err}
	}
	return token, nil
}

// serveObject answers with a request object.
func (h *Handler) serveObject(x *gateway.Exchange) (authn.Outcome, error) {
	c := h.Select(x)
	if c == nil {
		return authn.Absent, nil
	}
	token, err := h.objects.shared(x, c)
	if err != nil {
		return authn.Failed, err
	}
	p := &x.Response
	p.Status, p.Bytes = 200, []byte(token)
	p.Header.Set("Content-Type", "application/jwt; charset=utf-8")
	p.Header.Set("X-Content-Type-Options", "nosniff")
	return authn.Answered, nil
}
