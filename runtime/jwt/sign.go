package jwt

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"maps"

	"github.com/go-jose/go-jose/v4"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
)

// A signer signs by a key of the configuration.
type signer struct {
	alg    Algorithm
	kid    string
	header map[string]string
	by     jose.Signer // nil for None
}

// signing reads k for signing.
func (k *Key) signing() (*signer, error) {
	parsed, err := k.read()
	if err != nil {
		return nil, err
	}
	s := &signer{alg: k.Algorithm, kid: k.ID, header: k.Header}
	switch key := parsed.(type) {
	case nil:
		return s, nil
	case []byte:
	case crypto.Signer:
		if s.kid == "" {
			s.kid = thumbprint(key.Public())
		}
	default:
		return nil, k.failure(errNoSigner)
	}
	o := (&jose.SignerOptions{}).WithType("JWT")
	if s.kid != "" {
		o.WithHeader("kid", s.kid)
	}
	for name, value := range k.Header {
		o.WithHeader(jose.HeaderKey(name), value)
	}
	if s.by, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: parsed}, o); err != nil {
		return nil, k.failure(err)
	}
	return s, nil
}

func (s *signer) sign(payload []byte) (string, error) {
	if s.by == nil {
		header := map[string]string{"alg": string(None), "typ": "JWT"}
		if s.kid != "" {
			header["kid"] = s.kid
		}
		maps.Copy(header, s.header)
		b := base64.RawURLEncoding.AppendEncode(nil, jsonval.Append(nil, header))
		b = base64.RawURLEncoding.AppendEncode(append(b, '.'), payload)
		return string(append(b, '.')), nil
	}
	signed, err := s.by.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("jwt: signing by %s: %w", s.alg, err)
	}
	return signed.CompactSerialize()
}

// CanSign reports whether there is a key to sign by.
func (h *Handler) CanSign() bool { return h.signer != nil }

// Sign returns a token that holds c, which may have values of the types int64 and []string besides those that tokens have. It's signed by the first of the private keys.
func (h *Handler) Sign(c Claims) (string, error) {
	if h.signer == nil {
		return "", errNoSigner
	}
	return h.signer.sign(jsonval.Append(nil, map[string]any(c)))
}
