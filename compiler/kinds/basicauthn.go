package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
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
			EnvProvider: &BasicAuthnEnvProvider{UsernamePrefix: "GATEWAY_BASIC_USERNAME_", PasswordPrefix: "GATEWAY_BASIC_PASSWORD_"},
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
	EnvProvider *BasicAuthnEnvProvider `json:"envProvider" oneof:"provider"`
	// FileProvider takes users from files.
	FileProvider *BasicAuthnFileProvider `json:"fileProvider" oneof:"provider"`
}

// BasicAuthnEnvProvider takes users from environment variables, when the gateway starts. A name and a password belong together if the same number is behind
// their prefixes. Those that are empty, or have no number or no other half, don't count.
type BasicAuthnEnvProvider struct {
	// UsernamePrefix is what the names of variables with user names begin with.
	UsernamePrefix string `json:"usernamePrefix"`
	// PasswordPrefix is what the names of variables with passwords begin with.
	PasswordPrefix string `json:"passwordPrefix"`
	// Encoding is how passwords are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// BasicAuthnFileProvider takes users from files, a line each: name:password, and behind another colon perhaps a JSON object of attributes. Blanks around
// lines, empty lines and those that begin with # don't count. A stored password can't contain a colon, unless it's encoded.
//
// Files are read when the gateway starts, and again within some seconds after they have changed, if a request comes. If something is wrong with
// them then, the users that were read before stay.
type BasicAuthnFileProvider struct {
	// Paths are files, and folders, of which all files are read.
	Paths []string `json:"paths"`
	// Encoding is how passwords are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
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
	if s.FileProvider == nil {
		checkPrefix(c, &s.EnvProvider.UsernamePrefix)
		checkPrefix(c, &s.EnvProvider.PasswordPrefix)
		return
	}
	if len(s.FileProvider.Paths) == 0 {
		c.Warnf(s.FileProvider, diag.NoEffect, "without paths there are no users, and all requests are refused")
	}
	s.files(c).check(c)
}

func (s *BasicAuthnMiddlewareSpec) cipher() secretCipher {
	return secretCipher{&s.CommonKeyCryptType, &s.CryptSecret}
}

func (s *BasicAuthnMiddlewareSpec) files(c *Check) *credentialFiles {
	f := &credentialFiles{paths: s.FileProvider.Paths, encoding: &s.FileProvider.Encoding}
	if s.cipher().isUsed(c) {
		f.secret = s.cipher().problem
		return f
	}
	f.secret = func(b []byte) string { return s.PasswordCrypt.problem(c, b) }
	f.weakness = func(b []byte) string { return s.PasswordCrypt.weakness(c, b) }
	return f
}

// Lower returns the authenticator, whose method Middleware is the middleware.
func (s *BasicAuthnMiddlewareSpec) Lower(l *Lower) ir.Expr {
	var users ir.Expr
	if s.FileProvider != nil {
		users = s.files(l.Check).lower(l)
	} else {
		users = variables(l, &s.EnvProvider.UsernamePrefix, &s.EnvProvider.PasswordPrefix, s.EnvProvider.Encoding)
	}
	return l.Try("basicauth.New", l.Struct("basicauth.Options",
		ir.Set("Users", users),
		ir.Set("Realm", l.String(&s.Realm)),
		ir.Set("Passwords", s.PasswordCrypt.lower(l)),
		ir.Set("Cipher", s.cipher().lower(l)),
		ir.Set("PreferError", l.Bool(&s.PreferError)),
		ir.Set("KeepCredentials", l.Bool(&s.KeepCredentials)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("Logger", loggerOf(l, &s.Logger)),
	))
}
