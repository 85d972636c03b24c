package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var basicAuthnMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "BasicAuthnMiddleware",
	Roles:      []Role{Middleware, AuthenticationHandler},
	Methods:    map[Role]string{Middleware: "Middleware"},
	New: func() Spec {
		return &BasicAuthnMiddlewareSpec{
			ClaimsKey:   defaultClaimsKey,
			EnvProvider: &UsersEnvProvider{UsernamePrefix: "GATEWAY_BASIC_USERNAME_", PasswordPrefix: "GATEWAY_BASIC_PASSWORD_"},
		}
	},
}

// BasicAuthnMiddlewareSpec is the spec of a BasicAuthnMiddleware, which lets requests pass that have the name and password of a known user (RFC 7617).
// Others are answered with 401 and a challenge, with an empty body.
//
// The claims are method (Basic), auth_time (seconds since 1970), name, and attrs, the attributes of the user.
//
// How passwords are stored has three layers, each of which may be missing: a hash (passwordCrypt), encryption (commonKeyCryptType) and a text encoding.
// They are compared in constant time, and an unknown user takes as long as a wrong password. A password that was right is remembered for a minute, so
// that its hash is computed once a minute, not for each request. At most half of the processors compute hashes at a time; who has to wait too long for that
// gets a 503. (In AILERON Gateway each request computes a hash, and the challenge is malformed.)
type BasicAuthnMiddlewareSpec struct {
	// Logger is told when files of users have been read again, or couldn't be, and at level Debug why requests are refused. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler answers requests that are refused without a challenge. Unset is that of metadata.errorHandler, or the default one.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// ClaimsKey is the name under which policies and others find the claims. Empty is the default.
	ClaimsKey string `json:"claimsKey"`
	// KeepCredentials leaves the Authorization header in the request, so that the upstream sees it.
	KeepCredentials bool `json:"keepCredentials"`
	// PasswordCrypt is how passwords are hashed. Unset is not at all.
	PasswordCrypt *PasswordCryptSpec `json:"passwordCrypt"`
	// CommonKeyCryptType is how passwords, or their hashes, are encrypted. Unset is not at all.
	CommonKeyCryptType CommonKeyCryptType `json:"commonKeyCryptType"`
	// CryptSecret is the key that they are encrypted with, in Base64: 16, 24 or 32 bytes.
	CryptSecret string `json:"cryptSecret" secret:"true"`
	// Realm is what browsers show as the name of what is protected.
	Realm string `json:"realm" format:"header-value"`
	// PreferError answers wrong credentials by the error handler, without a challenge, so that browsers don't ask for others.
	PreferError bool `json:"preferError"`
	// EnvProvider takes users from environment variables. It's the default.
	EnvProvider *UsersEnvProvider `json:"envProvider" oneof:"provider"`
	// FileProvider takes users from files.
	FileProvider *UsersFileProvider `json:"fileProvider" oneof:"provider"`
}

// ErrorHandlerRef returns the error handler.
func (s *BasicAuthnMiddlewareSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// Refuses tells that preflight requests are refused: they have no credentials.
func (s *BasicAuthnMiddlewareSpec) Refuses() bool { return true }

// ReadsSecrets tells that requests carry passwords.
func (s *BasicAuthnMiddlewareSpec) ReadsSecrets() string { return "passwords" }

// Check reports what is wrong with the secrets that can be seen.
func (s *BasicAuthnMiddlewareSpec) Check(c *Check) {
	s.PasswordCrypt.check(c)
	s.cipher().check(c)
	s.users(c).check(c)
}

func (s *BasicAuthnMiddlewareSpec) cipher() secretCipher {
	return secretCipher{&s.CommonKeyCryptType, &s.CryptSecret}
}

func (s *BasicAuthnMiddlewareSpec) users(c *Check) *users {
	u := &users{env: s.EnvProvider, file: s.FileProvider}
	if s.cipher().isUsed(c) {
		u.secret = s.cipher().problem
		return u
	}
	u.secret = func(b []byte) string { return s.PasswordCrypt.problem(c, b) }
	u.weakness = func(b []byte) string { return s.PasswordCrypt.weakness(c, b) }
	return u
}

// Lower returns the authenticator, whose method Middleware is the middleware.
func (s *BasicAuthnMiddlewareSpec) Lower(l *Lower) ir.Expr {
	return l.Try("basicauth.New", l.Struct("basicauth.Options",
		ir.Set("Users", s.users(l.Check).lower(l)),
		ir.Set("Realm", l.String(&s.Realm)),
		ir.Set("Passwords", s.PasswordCrypt.lower(l)),
		ir.Set("Cipher", s.cipher().lower(l)),
		ir.Set("PreferError", l.Bool(&s.PreferError)),
		ir.Set("KeepCredentials", l.Bool(&s.KeepCredentials)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("Logger", loggerOf(l, &s.Logger)),
	))
}
