package kinds

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var sessionMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "SessionMiddleware",
	Roles:      []Role{Middleware},
	New: func() Spec {
		return &SessionMiddlewareSpec{
			CookieName:    "_SESSION",
			SecureEncoder: SecureEncoderSpec{HashAlg: "SHA256", CommonKeyCryptType: "AESGCM"},
			MaxCookies:    8,
		}
	},
}

// SessionMiddlewareSpec is the spec of a SessionMiddleware, which keeps values for a client from one request to the next, for what stands behind it: logins, tokens against forged
// requests, and Go plugins. They are in cookies, encrypted, or in a storage, and the cookie has the id.
//
// A client for whom nothing is kept gets no cookie, and what hasn't changed isn't sent again. What can't be decoded, because somebody has changed it or the keys are others, is no session
// rather than an error. Without secrets the keys are random: sessions end with the gateway, and other gateways don't know them. (In AILERON Gateway they can be computed from
// the name of the host; and an id there is new only once, while here a login gets a new one.)
type SessionMiddlewareSpec struct {
	// Storage keeps the sessions: a RedisClient. Unset keeps them in cookies; then a session that somebody has copied can't be ended before its time.
	Storage resource.Ref `json:"storage" role:"Storage"`
	// Prefix is put before ids to make the keys of the storage.
	Prefix string `json:"prefix" pattern:"^[0-9a-zA-Z-_:]*$"`
	// CookieName is the name of the cookie with the id. Cookies that hold sessions have numbers behind it, and those beside it, of logins that have begun, a hyphen and a name.
	CookieName string `json:"cookieName" pattern:"^[0-9a-zA-Z-_]+$"`
	// Cookie are the attributes of the cookies. Unset is the path /, secure and httpOnly; if it's set, only what it says counts.
	Cookie *CookieSpec `json:"cookie"`
	// SecureEncoder says how sessions are encoded.
	SecureEncoder SecureEncoderSpec `json:"secureEncoder"`
	// Tracer makes spans of the operations of the storage, named session, with an attribute operation: GET, SET or DELETE.
	Tracer resource.Ref `json:"tracer" role:"Tracer"`
	// IdleTimeout is how long a session lasts that isn't used, in seconds. 0 is for ever, or as long as the storage keeps it. AILERON Gateway has no such field.
	IdleTimeout int32 `json:"idleTimeout" min:"0"`
	// Lifetime is how long a session lasts at most, in seconds, counted from its begin or the login. 0 is for ever. AILERON Gateway has no such field.
	Lifetime int32 `json:"lifetime" min:"0"`
	// MaxCookies is how many cookies, of 4 KB, a session without a storage may take. The gateway must accept headers of that size: see maxHeaderBytes of HTTPServer. 0 stands for the default. AILERON Gateway has no such field.
	MaxCookies int32 `json:"maxCookies" min:"0" max:"50"`
}

// SecureEncoderSpec says how sessions are encoded: as JSON, which is compressed, encrypted, and followed by an HMAC.
type SecureEncoderSpec struct {
	// HashAlg is the hash of the HMAC.
	HashAlg HashAlg `json:"hashAlg"`
	// HMACSecret is the key of the HMAC, in Base64. Write ${NAME} to read it from the environment when the gateway starts. Empty is a random one.
	HMACSecret string `json:"hmacSecret" alt:"HMACSecret" secret:"true"`
	// CommonKeyCryptType is how sessions are encrypted.
	CommonKeyCryptType CommonKeyCryptType `json:"commonKeyCryptType"`
	// CryptSecret is the key of the encryption, of 16, 24 or 32 bytes, in Base64. Empty is a random one.
	CryptSecret string `json:"cryptSecret" secret:"true"`
	// EnableCompression compresses sessions, with gzip.
	EnableCompression bool `json:"enableCompression"`
	// DisableHMAC leaves the HMAC out. AESGCM notices changes by itself, the others don't.
	DisableHMAC bool `json:"disableHMAC" alt:"DisableHMAC"`
	// DisableEncryption lets clients read their sessions, or who can read the storage.
	DisableEncryption bool `json:"disableEncryption"`
	// PreviousSecrets are secrets that sessions may still have. They get the new ones when they are used. AILERON Gateway has no such field.
	PreviousSecrets []SessionSecretsSpec `json:"previousSecrets"`
}

// SessionSecretsSpec are secrets that were in use before.
type SessionSecretsSpec struct {
	// HMACSecret is the key of the HMAC, in Base64.
	HMACSecret string `json:"hmacSecret" alt:"HMACSecret" secret:"true"`
	// CryptSecret is the key of the encryption, in Base64.
	CryptSecret string `json:"cryptSecret" secret:"true"`
}

// Check reports secrets that are none, that are missing, or that become part of the program, and cookies that give sessions away.
func (s *SessionMiddlewareSpec) Check(c *Check) {
	s.Cookie.check(c, true)
	s.SecureEncoder.check(c)
	if s.Storage.IsZero() && c.IsSet(&s.Prefix) {
		c.Warnf(&s.Prefix, diag.NoEffect, "prefix has no effect without storage")
	}
	if s.Storage.IsZero() && !s.Tracer.IsZero() {
		c.Warnf(&s.Tracer, diag.NoEffect, "tracer has no effect without storage")
	}
	if !s.Storage.IsZero() && c.IsSet(&s.MaxCookies) {
		c.Warnf(&s.MaxCookies, diag.NoEffect, "maxCookies has no effect with storage")
	}
}

func (s *SecureEncoderSpec) check(c *Check) {
	checkKnown(c, &s.HashAlg, "HashAlgUnknown")
	checkKnown(c, &s.CommonKeyCryptType, "CommonKeyCryptTypeUnknown")
	if !s.DisableHMAC && (s.HashAlg == "SHAKE128" || s.HashAlg == "SHAKE256") {
		c.Errorf(&s.HashAlg, diag.UnknownValue, "%s can't be used for an HMAC; KMAC would be the way, which is not there", s.HashAlg)
	}
	hmac := !s.DisableHMAC || c.Deferred(&s.DisableHMAC)
	crypt := !s.DisableEncryption || c.Deferred(&s.DisableEncryption)
	checkBase64(c, &s.HMACSecret)
	checkCryptKey(c, &s.CryptSecret)
	s.checkUse(c, hmac, crypt)
	for i := range s.PreviousSecrets {
		p := &s.PreviousSecrets[i]
		checkBase64(c, &p.HMACSecret)
		checkCryptKey(c, &p.CryptSecret)
	}
	switch {
	case hmac:
	case !crypt:
		c.Warnf(&s.DisableHMAC, diag.Insecure, "without an HMAC and without encryption clients can make sessions as they like, and so be whoever they like")
	case s.CommonKeyCryptType != "AESGCM":
		c.Warnf(&s.DisableHMAC, diag.Insecure, "without an HMAC nobody notices when a client changes its session: %s doesn't; AESGCM does", s.CommonKeyCryptType)
	}
}

// checkUse reports secrets that are used and missing, or there and not used.
func (s *SecureEncoderSpec) checkUse(c *Check, hmac, crypt bool) {
	var missing []string
	for _, k := range []struct {
		name string
		p    *string
		used bool
	}{{"hmacSecret", &s.HMACSecret, hmac}, {"cryptSecret", &s.CryptSecret, crypt}} {
		if is := isSet(c, k.p); k.used && !is {
			missing = append(missing, k.name)
		} else if !k.used && is {
			c.Warnf(k.p, diag.NoEffect, "%s has no effect, since what it's for is disabled", k.name)
		}
	}
	if len(missing) > 0 {
		c.Warnf(s, diag.MissingField, "without %s sessions end with the gateway, and other gateways don't know them: the key is random", strings.Join(missing, " and "))
	}
}

func checkCryptKey(c *Check, p *string) {
	if key := checkBase64(c, p); key != nil && len(key) != 16 && len(key) != 24 && len(key) != 32 {
		c.Errorf(p, diag.BadValue, "the key has %d bytes; it must have 16, 24 or 32", len(key))
	}
}

// Lower returns the middleware.
func (s *SessionMiddlewareSpec) Lower(l *Lower) ir.Expr {
	var tracer ir.Expr
	if !s.Storage.IsZero() {
		tracer = l.Use(&s.Tracer, Tracer)
	}
	return l.Try("session.New", l.Struct("session.Options",
		ir.Set("Store", l.Use(&s.Storage, Storage)),
		ir.Set("Prefix", l.String(&s.Prefix)),
		ir.Set("CookieName", l.ifSet(&s.CookieName, l.String(&s.CookieName))),
		ir.Set("Cookie", s.Cookie.lower(l)),
		ir.Set("MaxCookies", l.ifSet(&s.MaxCookies, l.Int(&s.MaxCookies))),
		ir.Set("IdleTimeout", l.Seconds(&s.IdleTimeout)),
		ir.Set("Lifetime", l.Seconds(&s.Lifetime)),
		ir.Set("Encoder", s.SecureEncoder.lower(l)),
		ir.Set("Tracer", tracer)))
}

// lower returns the session.Encoder, or nil for the zero value.
func (s *SecureEncoderSpec) lower(l *Lower) ir.Expr {
	var hash, crypt ir.Expr
	if s.HashAlg != "SHA256" {
		hash = algorithm(s.HashAlg)
	}
	if s.CommonKeyCryptType != "AESGCM" {
		crypt = ir.Runtime("session." + string(s.CommonKeyCryptType))
	}
	keys := ir.List{Elem: ir.Runtime("session.Keys")}
	if isSet(l.Check, &s.HMACSecret) || isSet(l.Check, &s.CryptSecret) || len(s.PreviousSecrets) > 0 {
		keys.Items = append(keys.Items, lowerSessionKeys(l, &s.HMACSecret, &s.CryptSecret))
	}
	for i := range s.PreviousSecrets {
		p := &s.PreviousSecrets[i]
		keys.Items = append(keys.Items, lowerSessionKeys(l, &p.HMACSecret, &p.CryptSecret))
	}
	e := ir.Struct{Type: ir.Runtime("session.Encoder"), Fields: []ir.Field{
		ir.Set("Hash", hash),
		ir.Set("Cipher", crypt),
		ir.Set("Keys", keys),
		ir.Set("Compress", l.Bool(&s.EnableCompression)),
		ir.Set("NoMAC", l.Bool(&s.DisableHMAC)),
		ir.Set("NoEncryption", l.Bool(&s.DisableEncryption)),
	}}
	for _, f := range e.Fields {
		if !ir.IsZero(f.Value) {
			return e
		}
	}
	return nil
}

func lowerSessionKeys(l *Lower, hmac, crypt *string) ir.Expr {
	return l.Struct("session.Keys", ir.Set("MAC", l.String(hmac)), ir.Set("Cipher", l.String(crypt)))
}
