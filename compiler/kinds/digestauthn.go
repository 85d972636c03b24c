package kinds

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var digestAuthnMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "DigestAuthnMiddleware",
	Roles:      []Role{Middleware, AuthenticationHandler},
	Methods:    map[Role]string{Middleware: "Middleware"},
	New: func() Spec {
		return &DigestAuthnMiddlewareSpec{
			ClaimsKey:   defaultClaimsKey,
			Algorithm:   "MD5",
			EnvProvider: &UsersEnvProvider{UsernamePrefix: "GATEWAY_DIGEST_USERNAME_", PasswordPrefix: "GATEWAY_DIGEST_PASSWORD_"},
		}
	},
}

// DigestAuthnMiddlewareSpec is the spec of a DigestAuthnMiddleware, which lets requests pass whose clients prove that they know the password of a known user, without
// sending it (RFC 7616). Others are answered with 401 and a challenge, with an empty body.
//
// The claims are method (Digest), auth_time (seconds since 1970), name, and attrs, the attributes of the user.
//
// Credentials are good for one request, and for its method and target: the gateway knows the nonces that it gave, for five minutes, and how often each has been used.
// Clients may send requests at the same time; whose nonce is too old gets a new one, without asking its user. Nonces are those of one process, so clients of
// several gateways behind a load balancer should stay with one of them. Names may be hashed or not ASCII; the quality of protection is auth; clients of
// RFC 2069 are refused. (In AILERON Gateway any nonce is good, for ever, for any target.)
//
// For clients that know different algorithms, list several of these in an AuthenticationMiddleware, the strongest algorithm first.
type DigestAuthnMiddlewareSpec struct {
	// Logger is told when files of users have been read again, or couldn't be, and at level Debug why requests are refused. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler would answer errors, of which there are none: requests that are refused get a challenge.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler" inert:"requests that are refused get a challenge, with an empty body"`
	// ClaimsKey is the name under which policies and others find the claims. Empty is the default.
	ClaimsKey string `json:"claimsKey"`
	// KeepCredentials leaves the Authorization header in the request, so that the upstream sees it.
	KeepCredentials bool `json:"keepCredentials"`
	// PasswordCrypt does nothing: the scheme needs the passwords themselves.
	PasswordCrypt *PasswordCryptSpec `json:"passwordCrypt" inert:"the Digest scheme needs the passwords themselves, which can be encrypted, but not hashed"`
	// CommonKeyCryptType is how passwords are encrypted. Unset is not at all.
	CommonKeyCryptType CommonKeyCryptType `json:"commonKeyCryptType"`
	// CryptSecret is the key that they are encrypted with, in Base64: 16, 24 or 32 bytes.
	CryptSecret string `json:"cryptSecret" secret:"true"`
	// Realm is what browsers show as the name of what is protected.
	Realm string `json:"realm" format:"header-value"`
	// Algorithm is MD5, SHA-256 or SHA-512-256, or one of them with -sess behind it. MD5 is broken, but the only one that all clients know.
	Algorithm string `json:"algorithm"`
	// EnvProvider takes users from environment variables. It's the default.
	EnvProvider *UsersEnvProvider `json:"envProvider" oneof:"provider"`
	// FileProvider takes users from files.
	FileProvider *UsersFileProvider `json:"fileProvider" oneof:"provider"`
}

// digestAlgorithms are those that there are.
var digestAlgorithms = []string{"MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"}

// Refuses tells that preflight requests are refused: they have no credentials.
func (s *DigestAuthnMiddlewareSpec) Refuses() bool { return true }

// Check reports what is wrong with the secrets that can be seen.
func (s *DigestAuthnMiddlewareSpec) Check(c *Check) {
	s.cipher().check(c)
	switch {
	case s.Algorithm != "" && !slices.Contains(digestAlgorithms, s.Algorithm):
		c.Errorf(&s.Algorithm, diag.UnknownValue, "there is no algorithm %q; there are %s", s.Algorithm, strings.Join(digestAlgorithms, ", "))
	case s.Algorithm == "" || strings.HasPrefix(s.Algorithm, "MD5"):
		c.Warnf(&s.Algorithm, diag.Insecure, "MD5 is broken; use SHA-256 if all clients know it")
	}
	s.users(c).check(c)
}

func (s *DigestAuthnMiddlewareSpec) cipher() secretCipher {
	return secretCipher{&s.CommonKeyCryptType, &s.CryptSecret}
}

func (s *DigestAuthnMiddlewareSpec) users(c *Check) *users {
	u := &users{env: s.EnvProvider, file: s.FileProvider}
	if s.cipher().isUsed(c) {
		u.secret = s.cipher().problem
	}
	return u
}

// Lower returns the authenticator, whose method Middleware is the middleware.
func (s *DigestAuthnMiddlewareSpec) Lower(l *Lower) ir.Expr {
	s.PasswordCrypt.lower(l) // not used
	return l.Try("digestauth.New", l.Struct("digestauth.Options",
		ir.Set("Users", s.users(l.Check).lower(l)),
		ir.Set("Realm", l.String(&s.Realm)),
		ir.Set("Algorithm", l.ifSet(&s.Algorithm, l.String(&s.Algorithm))),
		ir.Set("Cipher", s.cipher().lower(l)),
		ir.Set("KeepCredentials", l.Bool(&s.KeepCredentials)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("Logger", loggerOf(l, &s.Logger)),
	))
}
