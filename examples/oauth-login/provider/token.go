package provider

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"time"
)

// tokens are what a client gets for a grant. They are good for five minutes, and can be refreshed for a day.
func (p *provider) tokens(issuer string, g *grant) map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{"iss": issuer, "aud": clientID, "sub": g.name, "iat": now, "exp": now + 300}
	access := p.sign(claims)
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	claims["email"] = g.name + "@example.com"
	next := *g
	next.kind = "refresh"
	return map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(claims), "refresh_token": p.give(&next, 24*time.Hour),
	}
}

// sign makes a JWT of claims (RFC 7519), with ES256.
func (p *provider) sign(claims map[string]any) string {
	payload, _ := json.Marshal(claims) // of texts and numbers: never fails
	text := encode([]byte(`{"alg":"ES256","typ":"JWT","kid":"1"}`)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		panic(err) // only if there is no randomness
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return text + "." + encode(sig)
}

// verify returns who an access token belongs to, which comes as the credentials of a request.
func (p *provider) verify(authorization string) (name string, ok bool) {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		return "", false
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || len(sig) != 64 || !ecdsa.Verify(&p.key.PublicKey, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct {
		Sub string
		Exp int64
	}
	err = json.Unmarshal(payload, &claims)
	return claims.Sub, err == nil && time.Now().Unix() < claims.Exp
}
