package jwt

import (
	"encoding/base64"
	"strings"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
)

// verifyUnsigned accepts a token without a signature (RFC 7519, section 6), if there is a key of algorithm None that has its ID. go-jose
// never does, and rightly so.
func (h *Handler) verifyUnsigned(token string) (*Token, error) {
	header, payload, ok := strings.Cut(strings.TrimSuffix(token, "."), ".")
	if !ok || !strings.HasSuffix(token, ".") {
		return nil, errMalformed
	}
	head, err := decodePart(header)
	if err != nil || head.Text("alg") != string(None) || head["crit"] != nil {
		return nil, errMalformed
	}
	kid := head.Text("kid")
	if len(h.keys.find(kid, None)) == 0 {
		return nil, errNoKey
	}
	claims, err := decodePart(payload)
	if err != nil {
		return nil, errClaims
	}
	return &Token{Algorithm: None, KeyID: kid, Claims: claims}, nil
}

// decodePart decodes a part of a token that is an object.
func decodePart(part string) (Claims, error) {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, errMalformed
	}
	v, err := jsonval.Parse(string(b))
	if err != nil {
		return nil, errMalformed
	}
	c, ok := v.(map[string]any)
	if !ok {
		return nil, errMalformed
	}
	return c, nil
}

// ParseUnverified returns the claims of a token whose signature nobody looks at: for those that are protected otherwise, or
// whose claims decide nothing.
func ParseUnverified(token string) (Claims, error) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, errMalformed
	}
	return decodePart(payload)
}

// Looks reports whether token has the form of a signed JWT: three parts with dots between them, the first of which is a JSON object.
func Looks(token string) bool {
	header, rest, _ := strings.Cut(token, ".")
	if strings.Count(rest, ".") != 1 {
		return false
	}
	_, err := decodePart(header)
	return err == nil
}
