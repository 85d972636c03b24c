package kinds

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/internal/jwtkey"
)

// JWTHandlerSpec are the keys by which tokens are signed and verified. Files of keys are read when the gateway starts.
//
// A token that has a key ID is verified by a key of the same ID, and one without by keys without; in either case the algorithm of the key has to be that of the token. (In
// AILERON Gateway a token without a key ID is tried with keys of any algorithm.)
// A token that was valid is remembered by its hash until keys change, so that its signature is computed once. Its times, and who it's of and for, are looked at for each request.
type JWTHandlerSpec struct {
	// PrivateKeys sign. The first does; there is no use for others. (In AILERON Gateway it's any of them, by chance.)
	PrivateKeys []SigningKeySpec `json:"privateKeys"`
	// PublicKeys verify. Keys of type COMMON that do so stand here, too.
	PublicKeys []SigningKeySpec `json:"publicKeys"`
	// JWKs are URLs of JSON Web Key Sets, by the issuers (iss) whose tokens they verify. A set is read when the first token needs it, again when a token
	// has a key ID that isn't in it, but not more often than every 10 seconds, and every 15 minutes, beside its use. As long as it can't be read, the keys that are known stay.
	// (AILERON Gateway reads the set for each token.)
	JWKs decode.Map `json:"JWKs" alt:"JWKs" format:"url"`
	// UseJKU takes the keys for tokens of other issuers from where their header jku says, if that is one of the URLs in JWKs. (AILERON Gateway takes them from any URL, and so accepts whatever anybody has signed.)
	UseJKU bool `json:"useJKU" fixed:"true"`
}

// SigningKeySpec is a key.
type SigningKeySpec struct {
	// KeyID is the ID (kid) of tokens that are signed by the key. Empty is none; for a key of type PRIVATE it's its SHA-256 thumbprint (RFC 7638). (In AILERON Gateway it's a hash of the name of its file.)
	KeyID string `json:"keyID"`
	// Algorithm is the algorithm, the only one that the key is used for. With NONE, tokens with the ID are accepted without a signature: whoever wants to can make them.
	Algorithm SigningKeyAlgorithm `json:"algorithm" required:"true" fixed:"true"`
	// KeyType is COMMON for a secret, which only HS256, HS384 and HS512 have, and PUBLIC or PRIVATE for the others.
	KeyType SigningKeyType `json:"keyType" required:"true" fixed:"true"`
	// KeyFilePath is the file that holds the key: in PEM form, as a certificate, too, if it's a public one; a secret as it is. It's read when the gateway starts.
	KeyFilePath string `json:"keyFilePath"`
	// KeyString is the content of such a file in Base64, if there's no keyFilePath.
	KeyString string `json:"keyString" secret:"true"`
	// JWTHeader is what else the header of tokens has that are signed by the key. It may replace alg, kid and typ.
	JWTHeader decode.Map `json:"jwtHeader" alt:"JWTHeader"`
}

// SigningKeyAlgorithm is an algorithm that tokens are signed by.
type SigningKeyAlgorithm string

// Values lists the algorithms in the order of their numbers.
func (SigningKeyAlgorithm) Values() []string {
	return []string{
		"ALGORITHM_UNKNOWN", "NONE", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
	}
}

// SigningKeyType is a type of keys.
type SigningKeyType string

// Values lists the types in the order of their numbers.
func (SigningKeyType) Values() []string {
	return []string{"KEY_TYPE_UNKNOWN", "COMMON", "PUBLIC", "PRIVATE"}
}

// verifies reports whether there is something to verify tokens by.
func (s *JWTHandlerSpec) verifies() bool {
	return s != nil && len(s.PublicKeys)+len(s.JWKs) > 0
}

// signs reports whether there is something to sign tokens by.
func (s *JWTHandlerSpec) signs() bool { return s != nil && len(s.PrivateKeys) > 0 }

// checkVerifying reports what is wrong with keys that are there to verify.
func (s *JWTHandlerSpec) checkVerifying(c *Check) {
	if s == nil {
		return
	}
	if len(s.PrivateKeys) > 0 {
		c.Warnf(&s.PrivateKeys, diag.NoEffect, "nothing is signed here, so that privateKeys has no effect")
	}
	if s.UseJKU && len(s.JWKs) == 0 {
		c.Warnf(&s.UseJKU, diag.NoEffect, "useJKU has no effect without JWKs: keys are taken only from URLs that are listed there")
	}
	for i := range s.PublicKeys {
		s.PublicKeys[i].check(c)
	}
	s.checkURLs(c)
}

// checkSigning reports what is wrong with keys that are there to sign.
func (s *JWTHandlerSpec) checkSigning(c *Check) {
	if s == nil {
		return
	}
	for _, f := range []struct {
		name string
		p    any
		set  bool
	}{{"publicKeys", &s.PublicKeys, len(s.PublicKeys) > 0}, {"JWKs", &s.JWKs, len(s.JWKs) > 0}, {"useJKU", &s.UseJKU, s.UseJKU}} {
		if f.set {
			c.Warnf(f.p, diag.NoEffect, "nothing is verified here, so that %s has no effect", f.name)
		}
	}
	for i := range s.PrivateKeys {
		k := &s.PrivateKeys[i]
		k.check(c)
		if k.KeyType == "PUBLIC" && k.Algorithm != "NONE" {
			c.Errorf(&k.KeyType, diag.BadValue, "a public key can't sign; this must be PRIVATE, or COMMON with an HS algorithm")
		}
		if i > 0 {
			c.Warnf(k, diag.NoEffect, "the first of the privateKeys signs, so that this one has no effect")
		}
	}
}

func (s *JWTHandlerSpec) checkURLs(c *Check) {
	for i := range s.JWKs {
		warnCleartext(c, &s.JWKs[i].Value, "can make up keys")
	}
}

// check reports a key that can't be read, isn't for its algorithm, or isn't safe.
func (k *SigningKeySpec) check(c *Check) {
	switch alg := string(k.Algorithm); {
	case alg == "ALGORITHM_UNKNOWN":
		c.Errorf(&k.Algorithm, diag.UnknownValue, "an algorithm is needed")
		return
	case k.KeyType == "KEY_TYPE_UNKNOWN":
		c.Errorf(&k.KeyType, diag.UnknownValue, "a type of key is needed")
		return
	case alg == "", k.KeyType == "": // which has been reported
		return
	case alg == "NONE":
		c.Warnf(&k.Algorithm, diag.Insecure, "with NONE, whoever writes this key ID into a token can make it say anything")
		return
	case (alg[:2] == "HS") != (k.KeyType == "COMMON"):
		c.Errorf(&k.KeyType, diag.BadValue, "%s isn't for keys of type %s", alg, k.KeyType)
		return
	}
	switch {
	case k.KeyFilePath != "" && c.IsSet(&k.KeyString) && k.KeyString != "":
		c.Warnf(&k.KeyString, diag.NoEffect, "keyString has no effect, since there is a keyFilePath")
	case !isSet(c, &k.KeyFilePath) && !isSet(c, &k.KeyString):
		c.Errorf(k, diag.MissingField, "a key needs a keyFilePath or a keyString")
	}
	if c.Deferred(&k.KeyFilePath) {
		return
	}
	if k.KeyFilePath != "" {
		if content, ok := readPEM(c, &k.KeyFilePath, "key"); ok {
			k.checkContent(c, &k.KeyFilePath, diag.BadFile, content)
		}
		return
	}
	if content := k.text(c); content != nil {
		k.checkContent(c, &k.KeyString, diag.BadValue, content)
	}
}

// text returns what keyString holds.
func (k *SigningKeySpec) text(c *Check) []byte {
	if k.KeyType != "PUBLIC" {
		return checkBase64(c, &k.KeyString)
	}
	if c.Deferred(&k.KeyString) || k.KeyString == "" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(k.KeyString)
	if err != nil {
		c.Errorf(&k.KeyString, diag.BadValue, "a key must be Base64, with padding")
		return nil
	}
	return b
}

func (k *SigningKeySpec) checkContent(c *Check, p *string, code diag.Code, content []byte) {
	key, err := jwtkey.Parse(string(k.Algorithm), jwtkey.Type(k.KeyType), content)
	if err != nil {
		c.Errorf(p, code, "the key can't be used for %s: %v", k.Algorithm, err)
		return
	}
	if why := jwtkey.Weakness(string(k.Algorithm), key, content); why != "" {
		c.Warnf(p, diag.Insecure, "%s", why)
	}
}

// lower returns the jwt.Options, or nil.
func (s *JWTHandlerSpec) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	return unlessEmpty(l.Struct("jwt.Options",
		ir.Set("PrivateKeys", lowerKeys(l, s.PrivateKeys)),
		ir.Set("PublicKeys", lowerKeys(l, s.PublicKeys)),
		ir.Set("JWKS", stringMap(l, s.JWKs)),
		ir.Set("UseJKU", ir.Bool(s.UseJKU))))
}

func lowerKeys(l *Lower, keys []SigningKeySpec) ir.Expr {
	list := ir.List{Elem: ir.Runtime("jwt.Key")}
	for i := range keys {
		k := &keys[i]
		types := map[SigningKeyType]string{"COMMON": "jwt.Common", "PUBLIC": "jwt.Public", "PRIVATE": "jwt.Private"}
		list.Items = append(list.Items, l.Struct("jwt.Key",
			ir.Set("ID", l.String(&k.KeyID)),
			ir.Set("Algorithm", signingAlgorithm(string(k.Algorithm))),
			ir.Set("Type", ir.Runtime(types[k.KeyType])),
			ir.Set("File", l.String(&k.KeyFilePath)),
			ir.Set("Text", l.String(&k.KeyString)),
			ir.Set("Header", stringMap(l, k.JWTHeader))))
	}
	return list
}

// signingAlgorithm is the constant of an algorithm.
func signingAlgorithm(name string) ir.Expr {
	if name == "NONE" || name == "none" {
		return ir.Runtime("jwt.None")
	}
	return ir.Runtime("jwt." + name)
}

// checkAlgorithms reports names that no algorithm has.
func checkAlgorithms(c *Check, names []string) {
	for i := range names {
		if !jwtkey.Known(names[i]) && names[i] != "none" {
			known := slices.DeleteFunc(SigningKeyAlgorithm("").Values()[2:], func(s string) bool { return !jwtkey.Known(s) })
			c.Errorf(&names[i], diag.UnknownValue, "there is no algorithm %q; there are %s", names[i], strings.Join(known, ", "))
		}
	}
}

// stringMap is a map of strings.
func stringMap(l *Lower, m decode.Map) ir.Expr {
	e := ir.Map{Elem: ir.Name{Ident: "string"}}
	for i := range m {
		e.Entries = append(e.Entries, ir.Entry{Key: m[i].Key, Value: l.String(&m[i].Value)})
	}
	return e
}
