package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var keyAuthnMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "KeyAuthnMiddleware",
	Roles:      []Role{Middleware, AuthenticationHandler},
	Methods:    map[Role]string{Middleware: "Middleware"},
	New: func() Spec {
		return &KeyAuthnMiddlewareSpec{
			ClaimsKey:     defaultClaimsKey,
			KeyHeaderName: "X-Api-Key",
			EnvProvider:   &KeyAuthnEnvProvider{KeyPrefix: "GATEWAY_APIKEY_"},
		}
	},
}

const defaultClaimsKey = "AuthnClaims"

// KeyAuthnMiddlewareSpec is the spec of a KeyAuthnMiddleware, which lets requests pass that have a known key in a header.
// Others are refused with 403.
//
// The claims are method (APIKey), auth_time (seconds since 1970) and attrs, the attributes of the key. The key itself is not
// among them, as it is in AILERON Gateway; give it a name by its attributes. Several keys in one request are refused.
//
// Keys are compared in constant time. What is stored may be spelled in lower or upper case where the encoding has no case.
type KeyAuthnMiddlewareSpec struct {
	// Logger is told when files of keys have been read again, or couldn't be. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler answers requests that are refused. Unset is that of metadata.errorHandler, or the default one.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// ClaimsKey is the name under which policies and others find the claims. Empty is the default.
	ClaimsKey string `json:"claimsKey"`
	// KeepCredentials leaves the header in the request, so that the upstream sees it.
	KeepCredentials bool `json:"keepCredentials"`
	// KeyHeaderName is the header with the key. Empty is the default.
	KeyHeaderName string `json:"keyHeaderName"`
	// HashAlg is the hash by which keys are stored. Unset stores them as they are.
	HashAlg HashAlg `json:"hashAlg"`
	// HMACSecret is the key, in Base64, of an HMAC by hashAlg, by which keys are stored instead.
	HMACSecret string `json:"hmacSecret" alt:"HMACSecret" secret:"true"`
	// EnvProvider takes keys from environment variables. It's the default.
	EnvProvider *KeyAuthnEnvProvider `json:"envProvider" oneof:"provider"`
	// FileProvider takes keys from files.
	FileProvider *KeyAuthnFileProvider `json:"fileProvider" oneof:"provider"`
}

// KeyAuthnEnvProvider takes keys from environment variables, when the gateway starts.
type KeyAuthnEnvProvider struct {
	// KeyPrefix is what the names of the variables begin with. Each that isn't empty holds a key. Pairs such as GATEWAY_APIKEY_ID_1 and
	// GATEWAY_APIKEY_KEY_1 are those of an IDKeyAuthnMiddleware and left alone. (AILERON Gateway takes both for keys.)
	KeyPrefix string `json:"keyPrefix"`
	// Encoding is how keys are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// KeyAuthnFileProvider takes keys from files, a line each: the key, and behind a colon perhaps a JSON object of attributes. Blanks
// around lines, empty lines and those that begin with # don't count. A key can't contain a colon.
//
// Files are read when the gateway starts, and again within some seconds after they have changed, if a request comes. If something is wrong with
// them then, the keys that were read before stay valid.
type KeyAuthnFileProvider struct {
	// Paths are files, and folders, of which all files are read.
	Paths []string `json:"paths"`
	// Encoding is how keys are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// ErrorHandlerRef returns the error handler.
func (s *KeyAuthnMiddlewareSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// Refuses tells that preflight requests are refused: they have no key.
func (s *KeyAuthnMiddlewareSpec) Refuses() bool { return true }

// ReadsSecrets tells that requests carry keys.
func (s *KeyAuthnMiddlewareSpec) ReadsSecrets() string { return "keys" }

// Check reports what is wrong with the secrets that can be seen.
func (s *KeyAuthnMiddlewareSpec) Check(c *Check) {
	checkCredentialHeader(c, &s.KeyHeaderName)
	s.hash().check(c)
	if s.FileProvider == nil {
		checkPrefix(c, &s.EnvProvider.KeyPrefix)
		return
	}
	if len(s.FileProvider.Paths) == 0 {
		c.Warnf(s.FileProvider, diag.NoEffect, "without paths there are no keys, and all requests are refused")
	}
	s.files().check(c)
}

func (s *KeyAuthnMiddlewareSpec) hash() keyHash { return keyHash{&s.HashAlg, &s.HMACSecret} }

func (s *KeyAuthnMiddlewareSpec) files() *credentialFiles {
	return &credentialFiles{paths: s.FileProvider.Paths, encoding: &s.FileProvider.Encoding, keys: true, secret: s.hash().lengthProblem}
}

// Lower returns the authenticator, whose method Middleware is the middleware.
func (s *KeyAuthnMiddlewareSpec) Lower(l *Lower) ir.Expr {
	keys := ir.Field{Name: "Keys"}
	if s.FileProvider != nil {
		keys.Value = s.files().lower(l)
	} else {
		keys.Value = variables(l, nil, &s.EnvProvider.KeyPrefix, s.EnvProvider.Encoding)
	}
	return l.Try("apikey.New", l.Struct("apikey.Options",
		keys,
		ir.Set("Header", l.ifSet(&s.KeyHeaderName, l.String(&s.KeyHeaderName))),
		ir.Set("Hash", s.hash().lower(l)),
		ir.Set("KeepCredentials", l.Bool(&s.KeepCredentials)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("Logger", loggerOf(l, &s.Logger)),
	))
}
