package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var idKeyAuthnMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "IDKeyAuthnMiddleware",
	Roles:      []Role{Middleware, AuthenticationHandler},
	Methods:    map[Role]string{Middleware: "Middleware"},
	New: func() Spec {
		return &IDKeyAuthnMiddlewareSpec{
			ClaimsKey:     defaultClaimsKey,
			KeyHeaderName: "X-Api-Key",
			IDHeaderName:  "X-Api-Id",
			EnvProvider:   &IDKeyAuthnEnvProvider{IDPrefix: "GATEWAY_APIKEY_ID_", KeyPrefix: "GATEWAY_APIKEY_KEY_"},
		}
	},
}

// IDKeyAuthnMiddlewareSpec is the spec of an IDKeyAuthnMiddleware, which lets requests pass that have a known id and its key in two headers.
// Others are refused with 403.
//
// The claims are method (APIKey), auth_time (seconds since 1970), name, which is the id, and attrs, the attributes of the id. (In AILERON Gateway
// the key is among them, and the id isn't.)
//
// How keys are stored has three layers, each of which may be missing: a hash (hashAlg, perhaps with hmacSecret), encryption (commonKeyCryptType) and a text
// encoding. They are decrypted when they are read, and compared in constant time, for an unknown id, too.
type IDKeyAuthnMiddlewareSpec struct {
	// Logger is told when files of keys have been read again, or couldn't be. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler answers requests that are refused. Unset is that of metadata.errorHandler, or the default one.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// ClaimsKey is the name under which policies and others find the claims. Empty is the default.
	ClaimsKey string `json:"claimsKey"`
	// KeepCredentials leaves both headers in the request, so that the upstream sees them.
	KeepCredentials bool `json:"keepCredentials"`
	// KeyHeaderName is the header with the key. Empty is the default.
	KeyHeaderName string `json:"keyHeaderName"`
	// IDHeaderName is the header with the id. Empty is the default.
	IDHeaderName string `json:"idHeaderName" alt:"IDHeaderName"`
	// HashAlg is the hash by which keys are stored. Unset stores them as they are.
	HashAlg HashAlg `json:"hashAlg"`
	// HMACSecret is the key, in Base64, of an HMAC by hashAlg, by which keys are stored instead.
	HMACSecret string `json:"hmacSecret" alt:"HMACSecret" secret:"true"`
	// CommonKeyCryptType is how keys, or their hashes, are encrypted. Unset is not at all.
	CommonKeyCryptType CommonKeyCryptType `json:"commonKeyCryptType"`
	// CryptSecret is the key that they are encrypted with, in Base64: 16, 24 or 32 bytes.
	CryptSecret string `json:"cryptSecret" secret:"true"`
	// EnvProvider takes ids and keys from environment variables. It's the default.
	EnvProvider *IDKeyAuthnEnvProvider `json:"envProvider" oneof:"provider"`
	// FileProvider takes ids and keys from files.
	FileProvider *IDKeyAuthnFileProvider `json:"fileProvider" oneof:"provider"`
}

// IDKeyAuthnEnvProvider takes ids and keys from environment variables, when the gateway starts. An id and a key belong together if the same number is
// behind their prefixes. Those that are empty, or have no number or no other half, don't count.
type IDKeyAuthnEnvProvider struct {
	// KeyPrefix is what the names of variables with keys begin with.
	KeyPrefix string `json:"keyPrefix"`
	// IDPrefix is what the names of variables with ids begin with.
	IDPrefix string `json:"idPrefix" alt:"IDPrefix"`
	// Encoding is how keys are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// IDKeyAuthnFileProvider takes ids and keys from files, a line each: id:key, and behind another colon perhaps a JSON object of attributes. Blanks around
// lines, empty lines and those that begin with # don't count. A stored key can't contain a colon, unless it's encoded.
//
// Files are read when the gateway starts, and again within some seconds after they have changed, if a request comes. If something is wrong with
// them then, the keys that were read before stay valid.
type IDKeyAuthnFileProvider struct {
	// Paths are files, and folders, of which all files are read.
	Paths []string `json:"paths"`
	// Encoding is how keys are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// ErrorHandlerRef returns the error handler.
func (s *IDKeyAuthnMiddlewareSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// Refuses tells that preflight requests are refused: they have no key.
func (s *IDKeyAuthnMiddlewareSpec) Refuses() bool { return true }

// ReadsSecrets tells that requests carry keys.
func (s *IDKeyAuthnMiddlewareSpec) ReadsSecrets() string { return "keys" }

// Check reports what is wrong with the secrets that can be seen.
func (s *IDKeyAuthnMiddlewareSpec) Check(c *Check) {
	checkCredentialHeader(c, &s.KeyHeaderName)
	checkCredentialHeader(c, &s.IDHeaderName)
	s.hash().check(c)
	s.cipher().check(c)
	if s.FileProvider == nil {
		checkPrefix(c, &s.EnvProvider.KeyPrefix)
		checkPrefix(c, &s.EnvProvider.IDPrefix)
		return
	}
	if len(s.FileProvider.Paths) == 0 {
		c.Warnf(s.FileProvider, diag.NoEffect, "without paths there are no keys, and all requests are refused")
	}
	s.files(c).check(c)
}

func (s *IDKeyAuthnMiddlewareSpec) hash() keyHash { return keyHash{&s.HashAlg, &s.HMACSecret} }

func (s *IDKeyAuthnMiddlewareSpec) cipher() secretCipher {
	return secretCipher{&s.CommonKeyCryptType, &s.CryptSecret}
}

func (s *IDKeyAuthnMiddlewareSpec) files(c *Check) *credentialFiles {
	f := &credentialFiles{paths: s.FileProvider.Paths, encoding: &s.FileProvider.Encoding, secret: s.hash().lengthProblem}
	if s.cipher().isUsed(c) {
		f.secret = s.cipher().problem
	}
	return f
}

// Lower returns the authenticator, whose method Middleware is the middleware.
func (s *IDKeyAuthnMiddlewareSpec) Lower(l *Lower) ir.Expr {
	var keys ir.Expr
	if s.FileProvider != nil {
		keys = s.files(l.Check).lower(l)
	} else {
		keys = variables(l, &s.EnvProvider.IDPrefix, &s.EnvProvider.KeyPrefix, s.EnvProvider.Encoding)
	}
	return l.Try("idkey.New", l.Struct("idkey.Options",
		ir.Set("Keys", keys),
		ir.Set("IDHeader", l.ifSet(&s.IDHeaderName, l.String(&s.IDHeaderName))),
		ir.Set("KeyHeader", l.ifSet(&s.KeyHeaderName, l.String(&s.KeyHeaderName))),
		ir.Set("Hash", s.hash().lower(l)),
		ir.Set("Cipher", s.cipher().lower(l)),
		ir.Set("KeepCredentials", l.Bool(&s.KeepCredentials)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("Logger", loggerOf(l, &s.Logger)),
	))
}
