// Package jwtkey reads the keys by which tokens are signed and verified. The compiler checks by it what
// the runtime reads.
package jwtkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
)

// A Type says what the bytes of a key are.
type Type string

// The types of keys.
const (
	Common  Type = "COMMON"  // a secret that both sides know, as it is
	Public  Type = "PUBLIC"  // a public key in PEM form, or a certificate
	Private Type = "PRIVATE" // a private key in PEM form
)

// hashBits is the size of the hash of each algorithm that has one of its own.
var hashBits = map[string]int{
	"HS256": 256, "HS384": 384, "HS512": 512, "RS256": 256, "RS384": 384, "RS512": 512, "PS256": 256, "PS384": 384, "PS512": 512,
	"ES256": 256, "ES384": 384, "ES512": 512, "EdDSA": 0,
}

// Known reports whether there is an algorithm of that name (RFC 7518, section 3.1, and RFC 8037).
func Known(alg string) bool {
	_, ok := hashBits[alg]
	return ok
}

var (
	errPEM   = errors.New("it holds no key in PEM form")
	errEmpty = errors.New("it is empty")
)

// Parse reads a key of that type for that algorithm. It returns a []byte, an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, or
// a crypto.Signer for a private key. Errors don't quote the key.
func Parse(alg string, typ Type, data []byte) (any, error) {
	if !Known(alg) {
		return nil, fmt.Errorf("there is no algorithm %q", alg)
	}
	switch symmetric := alg[0] == 'H'; {
	case len(data) == 0:
		return nil, errEmpty
	case symmetric != (typ == Common):
		return nil, fmt.Errorf("%s isn't for keys of type %s", alg, typ)
	case symmetric:
		return padded(data, hashBits[alg]/8), nil
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errPEM
		}
		if block.Type == "EC PARAMETERS" {
			continue // before the key, as openssl writes it
		}
		if typ == Private {
			return private(alg, block)
		}
		return public(alg, block)
	}
}

// padded is the secret, not shorter than the hash. To HMAC it's the same: shorter keys are filled up by zeros (RFC 2104, section 2).
func padded(secret []byte, n int) []byte {
	key := make([]byte, max(len(secret), n))
	copy(key, secret)
	return key
}

func public(alg string, block *pem.Block) (any, error) {
	if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		return key, Fits(alg, key)
	}
	if key, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
		return key, Fits(alg, key)
	}
	if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
		return cert.PublicKey, Fits(alg, cert.PublicKey)
	}
	if signer := parsePrivate(block); signer != nil {
		return nil, errors.New("it is a private key, not a public one")
	}
	return nil, errors.New("its PEM block " + strconv.Quote(block.Type) + " is no public key")
}

func private(alg string, block *pem.Block) (any, error) {
	signer := parsePrivate(block)
	if signer == nil {
		return nil, errors.New("its PEM block " + strconv.Quote(block.Type) + " is no private key; one that is encrypted can't be read")
	}
	return signer, Fits(alg, signer.Public())
}

func parsePrivate(block *pem.Block) crypto.Signer {
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		signer, _ := key.(crypto.Signer)
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key
	}
	return nil
}

// Fits reports why a public key can't be used by an algorithm, or nil.
func Fits(alg string, public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if alg[0] != 'R' && alg[0] != 'P' {
			return fmt.Errorf("%s isn't for RSA keys", alg)
		}
		if bits := key.N.BitLen(); bits < 1024 || bits > 16384 {
			return fmt.Errorf("an RSA key of %d bits can't be used", bits)
		}
	case *ecdsa.PublicKey:
		if curve := curves[alg]; key.Curve != curve {
			return fmt.Errorf("%s isn't for keys on the curve %s", alg, key.Params().Name)
		}
	case ed25519.PublicKey:
		if alg != "EdDSA" {
			return fmt.Errorf("%s isn't for Ed25519 keys", alg)
		}
	default:
		return fmt.Errorf("%s isn't for keys of this type", alg)
	}
	return nil
}

var curves = map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}

// Weakness tells why a key that Parse has read isn't safe, or "". data is what it has read.
func Weakness(alg string, key any, data []byte) string {
	if signer, ok := key.(crypto.Signer); ok {
		key = signer.Public()
	}
	switch key := key.(type) {
	case []byte:
		if n := hashBits[alg] / 8; len(data) < n {
			return fmt.Sprintf("the secret has %d bytes; with less than %d, %s can be broken by guessing (RFC 7518, section 3.2)", len(data), n, alg)
		}
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 {
			return fmt.Sprintf("the key has %d bits; with less than 2048, %s can be broken (RFC 7518, section 3.3)", bits, alg)
		}
	}
	return ""
}
