package jwt

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"

	"github.com/aileron-gateway/aileronc/internal/jwtkey"
)

// An Algorithm is one by which tokens are signed, by the name that it has in their headers (RFC 7518, section 3.1).
type Algorithm string

// The algorithms. None is no signature at all: whoever wants to can make such a token.
const (
	None  Algorithm = "none"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA"
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
)

// algorithms are all but None.
var algorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.HS256, jose.HS384, jose.HS512,
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
}

// A KeyType says what the bytes of a Key are.
type KeyType = jwtkey.Type

// The types of keys.
const (
	Common  = jwtkey.Common  // a secret that both sides know, for HS256 and its kin
	Public  = jwtkey.Public  // a public key in PEM form, or a certificate
	Private = jwtkey.Private // a private key in PEM form: PKCS #8, PKCS #1 or SEC 1
)

// A Key is a key of the configuration.
type Key struct {
	// ID is the "kid" of tokens that are signed by this key. Empty is none; of a private key it's the SHA-256 thumbprint (RFC 7638) then.
	ID string
	// Algorithm is the only one that the key is used for.
	Algorithm Algorithm
	Type      KeyType
	// File holds the key. It's read by New.
	File string
	// Text is the key in Base64, if File is empty.
	Text string
	// Header is what else the header of tokens has that are signed by this key. It may replace alg, kid and typ.
	Header map[string]string
}

// A key is one that has been read.
type key struct {
	id  string
	alg Algorithm // empty if it's for all that go with the key
	// verifier is a []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey; nil for None.
	verifier any
}

// fits reports whether k verifies tokens of that algorithm.
func (k *key) fits(alg Algorithm) bool {
	if k.alg != "" {
		return k.alg == alg
	}
	return jwtkey.Fits(string(alg), k.verifier) == nil
}

// read returns what [jwtkey.Parse] makes of k; nil for None.
func (k *Key) read() (any, error) {
	if k.Algorithm == None {
		return nil, nil
	}
	var data []byte
	var err error
	switch {
	case k.File != "":
		if data, err = os.ReadFile(k.File); err != nil {
			return nil, fmt.Errorf("jwt: reading a key: %w", err)
		}
	default:
		if data, err = base64.StdEncoding.DecodeString(k.Text); err != nil {
			return nil, k.failure(errors.New("it isn't Base64"))
		}
	}
	parsed, err := jwtkey.Parse(string(k.Algorithm), k.Type, data)
	if err != nil {
		return nil, k.failure(err)
	}
	return parsed, nil
}

func (k *Key) failure(err error) error {
	name := "the key " + k.ID
	if k.File != "" {
		name = k.File
	}
	return fmt.Errorf("jwt: %s can't be used for %s: %w", name, k.Algorithm, err)
}

// verifying reads k for verifying.
func (k *Key) verifying() (*key, error) {
	parsed, err := k.read()
	if signer, ok := parsed.(crypto.Signer); ok {
		parsed = signer.Public()
	}
	return &key{id: k.ID, alg: k.Algorithm, verifier: parsed}, err
}

// thumbprint identifies a public key (RFC 7638).
func thumbprint(public crypto.PublicKey) string {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// hashOf is what a token is remembered by.
func hashOf(token string) [sha256.Size]byte {
	var buf [2048]byte // on the stack: most tokens fit
	return sha256.Sum256(append(buf[:0], token...))
}

// A keySet are keys by their IDs. Those without are under "".
type keySet map[string][]*key

// find returns the keys of that ID for that algorithm.
func (s keySet) find(id string, alg Algorithm) (found []*key) {
	for _, k := range s[id] {
		if k.fits(alg) {
			found = append(found, k)
		}
	}
	return found
}
