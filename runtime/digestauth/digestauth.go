// Package digestauth knows clients by user and password, by the Digest scheme (RFC 7616): the password itself
// doesn't cross the network, and what does can't be used again.
//
// Nonces are those of this process: a client that talks to several gateways, or to one that was started
// again, gets a new one, which it takes without asking its user.
package digestauth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of an Authenticator.
type Options struct {
	// Users are the users that are known, and their passwords, which can't be hashes.
	Users credentials.Source
	// Realm is what the challenge names; it may be empty.
	Realm string
	// Algorithm is MD5, SHA-256 or SHA-512-256, or one of them with -sess behind it; empty is MD5, which
	// all clients know.
	Algorithm string
	// Cipher is how passwords are encrypted.
	Cipher credentials.Cipher
	// KeepCredentials leaves the Authorization field in the request.
	KeepCredentials bool
	// ClaimsKey is what the claims are found by; empty is claims.DefaultKey.
	ClaimsKey string
	// Logger is told when Users have been read again, or couldn't be, and at level Debug why requests are refused.
	Logger gateway.Logger
}

// An Authenticator knows clients by user and password.
type Authenticator struct {
	Options
	alg    *algorithm
	users  *credentials.Store[users]
	nonces *nonces
	opaque string
	// head and tail are the challenge before and behind the nonce.
	head, tail string
}

// New reads the users.
func New(o Options) (*Authenticator, error) {
	if o.Algorithm == "" {
		o.Algorithm = "MD5"
	}
	a := &Authenticator{Options: o, alg: newAlgorithm(o.Algorithm), nonces: newNonces()}
	if a.alg == nil {
		return nil, fmt.Errorf("there is no digest algorithm %q", o.Algorithm)
	}
	// It tells clients which challenge they answer, and is the same in all gateways of one config.
	a.opaque = a.alg.hash(o.Algorithm, o.Realm)
	a.head = "Digest realm=" + authn.Quote(o.Realm) + `, qop="auth", algorithm=` + o.Algorithm + `, nonce="`
	a.tail = `", opaque="` + a.opaque + `", charset=UTF-8`
	if !strings.HasPrefix(o.Algorithm, "MD5") { // clients for MD5 may be older than this
		a.tail += ", userhash=true"
	}
	var err error
	a.users, err = credentials.Open(o.Users, false, o.Logger, a.makeUsers)
	return a, err
}

var (
	errSeveral   = errors.New("there is more than one Authorization header in the request")
	errMalformed = errors.New("the Authorization header is malformed")
	errTarget    = errors.New("the uri of the credentials isn't that of the request")
	errWrong     = errors.New("unknown user or wrong password")
	errStale     = errors.New("the nonce is too old, unknown, or has been used already")
)

// Authenticate looks for credentials in the request of x.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	value, _, single := authn.Header(x, "Authorization")
	rest, ok := authn.CutScheme(value, "Digest")
	switch {
	case !ok:
		return authn.Absent, nil
	case !single:
		return authn.Refused, errSeveral
	}
	var p params
	if !p.parse(rest) {
		return authn.Refused, errMalformed
	}
	if p.realm != a.Realm || p.algorithm != "" && !gateway.EqualName(p.algorithm, a.Algorithm) {
		return authn.Absent, nil // an answer to another challenge
	}
	u, err := a.check(x, &p)
	if err != nil {
		return authn.Refused, err
	}
	if !a.KeepCredentials {
		x.Request.Header.Del("Authorization")
	}
	id := authn.Identity{Method: "Digest", Name: u.name, Time: x.Start, Attrs: u.attrs}
	id.Put(x, a.ClaimsKey)
	return authn.Accepted, nil
}

// check returns the user whose credentials p are, or an error.
func (a *Authenticator) check(x *gateway.Exchange, p *params) (*user, error) {
	name, hashed, ok := p.user()
	count, err := strconv.ParseUint(p.nc, 16, 32)
	if !ok || err != nil || len(p.nc) != 8 || p.nonce == "" || p.cnonce == "" || !gateway.EqualName(p.qop, "auth") ||
		p.opaque != "" && p.opaque != a.opaque {
		return nil, errMalformed
	}
	if origin(p.uri) != origin(x.Request.Target) {
		return nil, errTarget
	}
	u, known := a.users.Get(x.Start).find(name, hashed)
	// Only who knows the password is told that the nonce is stale: all others have to ask their user.
	if right := a.alg.verify(u, p, x.Request.Method); !right || !known {
		return nil, errWrong
	}
	if id, ok := a.nonces.open(p.nonce, x.Start); !ok || !a.nonces.use(id, uint32(count), x.Start) {
		return nil, errStale
	}
	return u, nil
}

// origin returns the path and query of a request target, which may have a scheme and host before it.
func origin(target string) string {
	for _, scheme := range []string{"http://", "https://"} {
		if len(target) < len(scheme) || !gateway.EqualName(target[:len(scheme)], scheme) {
			continue
		}
		rest := target[len(scheme):]
		i := strings.IndexAny(rest, "/?")
		switch {
		case i < 0:
			return "/"
		case rest[i] == '?':
			return "/" + rest[i:]
		}
		return rest[i:]
	}
	return target
}

// Challenge asks for credentials. If all was right but the nonce, a client needn't ask its user.
func (a *Authenticator) Challenge(h *gateway.Header, why error) {
	value := a.head + a.nonces.issue(time.Now()) + a.tail
	if errors.Is(why, errStale) {
		value += ", stale=true"
	}
	h.Add("WWW-Authenticate", value)
}

// Middleware lets requests of known users pass. Others are answered with 401: a challenge with an empty body.
func (a *Authenticator) Middleware(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		outcome, err := a.Authenticate(x)
		if outcome == authn.Accepted {
			return next.Serve(x)
		}
		if err != nil {
			authn.Log(a.Logger, x, err)
		}
		x.Response.Status = 401
		a.Challenge(&x.Response.Header, err)
		return nil
	})
}
