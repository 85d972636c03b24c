// Package basicauth knows clients by user and password, by the Basic scheme (RFC 7617).
//
// Passwords may be stored as hashes that take long to compute. A password that was right is
// remembered for a minute, by a hash with a key that lives as long as the process, so that a client pays
// the time of the slow hash once a minute. How many are computed at a time is limited; who knows no
// password can't take more than half of the processors.
package basicauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/password"
)

// Options are the settings of an Authenticator.
type Options struct {
	// Users are the users that are known, and their passwords.
	Users credentials.Source
	// Realm is what the challenge names; it may be empty.
	Realm string
	// Passwords is how passwords are hashed. Nil is not at all.
	Passwords password.Scheme
	// Cipher is how passwords, or their hashes, are encrypted.
	Cipher credentials.Cipher
	// PreferError answers wrong credentials by an error without a challenge, so that browsers
	// don't ask for others.
	PreferError bool
	// KeepCredentials leaves the Authorization field in the request.
	KeepCredentials bool
	// ClaimsKey is what the claims are found by; empty is claims.DefaultKey.
	ClaimsKey string
	// Logger is told when Users have been read again, or couldn't be, and at level Debug why requests
	// get a challenge.
	Logger gateway.Logger
}

// An Authenticator knows clients by user and password.
type Authenticator struct {
	Options
	users     *credentials.Store[users]
	challenge string
	gate      *password.Gate
	tags      *credentials.Hasher // of passwords that were right
	buffers   sync.Pool           // of *[]byte
}

// New reads the users.
func New(o Options) (*Authenticator, error) {
	a := &Authenticator{Options: o, gate: password.NewGate()}
	a.challenge = "Basic realm=" + authn.Quote(o.Realm) + `, charset="UTF-8"`
	a.buffers.New = func() any { return new([]byte) }
	var key [sha256.BlockSize]byte
	_, _ = rand.Read(key[:]) // never fails: it would end the process
	var err error
	if a.tags, err = credentials.HMAC(sha256.New, base64.StdEncoding.EncodeToString(key[:])).Hasher(); err != nil {
		return nil, err
	}
	a.users, err = credentials.Open(o.Users, false, o.Logger, a.makeUsers)
	return a, err
}

// makeUsers makes users of credentials.
func (a *Authenticator) makeUsers(list []credentials.Credential) (*users, error) {
	if err := a.Cipher.Decrypt(list); err != nil {
		return nil, err
	}
	us := newUsers(len(list))
	for _, c := range list {
		u := &user{name: c.ID, attrs: c.Attrs}
		if a.Passwords == nil {
			u.plain = credentials.NewSecret(c.Secret)
		} else {
			var err error
			if u.hash, err = a.Passwords.Parse(c.Secret); err != nil {
				return nil, fmt.Errorf("%s: %w", c.From, err)
			}
		}
		us.add(u)
	}
	return us, nil
}

var (
	errSeveral   = errors.New("there is more than one Authorization header in the request")
	errMalformed = errors.New("the Authorization header is malformed")
	errWrong     = errors.New("unknown user or wrong password")
)

// Authenticate looks for user and password in the request of x.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	value, _, single := authn.Header(x, "Authorization")
	encoded, ok := authn.CutScheme(value, "Basic")
	switch {
	case !ok:
		return authn.Absent, nil
	case !single:
		return authn.Refused, errSeveral
	}
	buf := a.buffers.Get().(*[]byte)
	defer a.release(buf)
	b, err := base64.StdEncoding.AppendDecode((*buf)[:0], []byte(strings.Trim(encoded, " ")))
	*buf = b
	if err != nil {
		return authn.Refused, errMalformed
	}
	name, pass, ok := cutColon(b)
	if !ok {
		return authn.Refused, errMalformed
	}
	u, err := a.verify(x, name, pass)
	switch {
	case err != nil:
		return authn.Failed, err
	case u == nil:
		return authn.Refused, errWrong
	}
	if !a.KeepCredentials {
		x.Request.Header.Del("Authorization")
	}
	id := authn.Identity{Method: "Basic", Name: u.name, Time: x.Start, Attrs: u.attrs}
	id.Put(x, a.ClaimsKey)
	return authn.Accepted, nil
}

func (a *Authenticator) release(buf *[]byte) {
	clear((*buf)[:cap(*buf)])
	a.buffers.Put(buf)
}

// cutColon splits user and password at the first colon.
func cutColon(b []byte) (name, pass []byte, ok bool) {
	for i, c := range b {
		if c == ':' {
			return b[:i], b[i+1:], true
		}
	}
	return nil, nil, false
}

// Challenge asks for user and password, unless errors are preferred and some have been brought already.
func (a *Authenticator) Challenge(h *gateway.Header, why error) {
	if !a.PreferError || !errors.Is(why, errWrong) {
		h.Add("WWW-Authenticate", a.challenge)
	}
}

// Middleware lets requests of known users pass. Others are answered with 401: by a challenge with an empty body or, with
// PreferError and wrong credentials, by an error.
func (a *Authenticator) Middleware(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		outcome, err := a.Authenticate(x)
		switch outcome {
		case authn.Accepted:
			return next.Serve(x)
		case authn.Failed:
			return err
		case authn.Refused:
			if a.PreferError && err == errWrong {
				return &gateway.Error{
					Status: 401, Code: "E3050", Kind: "AppAuthnAuthentication", Message: "Basic authentication failed",
					Cause: &gateway.Error{Status: 401, Code: "E3056", Kind: "AppAuthnInvalidCredential", Message: err.Error()},
				}
			}
			authn.Log(a.Logger, x, err)
		}
		x.Response.Status = 401
		x.Response.Header.Add("WWW-Authenticate", a.challenge)
		return nil
	})
}
