package jwtkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

func block(t testing.TB, typ string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

// forms are a key in all forms that it can be in.
type forms struct {
	public, private map[string][]byte
}

func all(t testing.TB, key crypto.Signer) forms {
	t.Helper()
	pkix1, err := x509.MarshalPKIXPublicKey(key.Public())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}}
	f := forms{public: map[string][]byte{"PKIX": block(t, "PUBLIC KEY", pkix1, err)}, private: make(map[string][]byte)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	f.public["certificate"] = block(t, "CERTIFICATE", cert, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	f.private["PKCS #8"] = block(t, "PRIVATE KEY", pkcs8, err)
	f.private["PKCS #8, behind a text"] = append([]byte("the key of the gateway\n"), f.private["PKCS #8"]...)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		f.public["PKCS #1"] = block(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&k.PublicKey), nil)
		f.private["PKCS #1"] = block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k), nil)
	case *ecdsa.PrivateKey:
		sec1, err := x509.MarshalECPrivateKey(k)
		f.private["SEC 1"] = block(t, "EC PRIVATE KEY", sec1, err)
		f.private["SEC 1, with parameters"] = append(block(t, "EC PARAMETERS", []byte{1}, nil), f.private["SEC 1"]...)
	}
	return f
}

func keys(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	m := make(map[string]crypto.Signer)
	var err error
	if m["RSA"], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		if m[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m["Ed25519"] = ed
	return m
}

var algorithms = map[string]string{
	"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
	"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519",
}

func TestParse(t *testing.T) {
	for name, key := range keys(t) {
		f := all(t, key)
		for alg, needs := range algorithms {
			for form, text := range f.public {
				got, err := Parse(alg, Public, text)
				if (err == nil) != (needs == name) || err == nil && !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(got) {
					t.Errorf("%s for %s, %s: %v", name, alg, form, err)
				}
				if _, err := Parse(alg, Private, text); err == nil {
					t.Errorf("%s for %s: a public key is a private one", name, alg)
				}
			}
			for form, text := range f.private {
				got, err := Parse(alg, Private, text)
				if (err == nil) != (needs == name) || err == nil && !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(got.(crypto.Signer).Public()) {
					t.Errorf("private %s for %s, %s: %v", name, alg, form, err)
				}
				if _, err := Parse(alg, Public, text); err == nil {
					t.Errorf("%s for %s: a private key is a public one", name, alg)
				}
			}
		}
	}
}

// A secret that is shorter than go-jose wants it to be makes the same HMAC.
func TestSecrets(t *testing.T) {
	mac := func(key []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte("message"))
		return h.Sum(nil)
	}
	for _, secret := range []string{"short", strings.Repeat("x", 32), strings.Repeat("x", 100)} {
		got, err := Parse("HS256", Common, []byte(secret))
		key, _ := got.([]byte)
		if err != nil || len(key) < 32 || !bytes.Equal(mac(key), mac([]byte(secret))) {
			t.Errorf("%q became %q, %v", secret, got, err)
		}
	}
	for _, tt := range []struct {
		alg  string
		typ  Type
		data string
	}{{"HS256", Common, ""}, {"HS256", Public, "x"}, {"RS256", Common, "x"}, {"none", Common, "x"}, {"", Common, "x"}, {"RS256", Public, "x"}} {
		if _, err := Parse(tt.alg, tt.typ, []byte(tt.data)); err == nil {
			t.Errorf("%v is a key", tt)
		}
	}
}

func TestWeakness(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	strong := keys(t)
	for _, tt := range []struct {
		alg  string
		key  any
		data string
		weak bool
	}{
		{"RS256", weak, "", true}, {"RS256", &weak.PublicKey, "", true}, {"RS256", strong["RSA"], "", false}, {"ES256", strong["P-256"], "", false},
		{"EdDSA", strong["Ed25519"].Public(), "", false},
		{"HS256", make([]byte, 32), strings.Repeat("x", 31), true}, {"HS256", make([]byte, 32), strings.Repeat("x", 32), false},
		{"HS512", make([]byte, 64), strings.Repeat("x", 63), true}, {"HS512", make([]byte, 64), strings.Repeat("x", 64), false},
	} {
		if got := Weakness(tt.alg, tt.key, []byte(tt.data)); (got != "") != tt.weak {
			t.Errorf("%s, %T: %q", tt.alg, tt.key, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, key := range keys(f) {
		forms := all(f, key)
		for _, text := range forms.public {
			f.Add("RS256", text)
		}
		for _, text := range forms.private {
			f.Add("ES256", text)
		}
	}
	f.Add("EdDSA", []byte("-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n"))
	f.Fuzz(func(t *testing.T, alg string, data []byte) {
		for _, typ := range []Type{Common, Public, Private} {
			key, err := Parse(alg, typ, data)
			if err != nil {
				if len(data) > 8 && strings.Contains(err.Error(), string(data)) {
					t.Errorf("the error quotes the key: %v", err)
				}
				continue
			}
			Weakness(alg, key, data)
			if signer, ok := key.(crypto.Signer); ok {
				key = signer.Public()
			}
			if typ != Common && Fits(alg, key) != nil {
				t.Errorf("%s and %T", alg, key)
			}
		}
	})
}
