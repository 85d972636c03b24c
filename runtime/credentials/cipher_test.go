package credentials

import (
	"crypto/aes"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
	"github.com/aileron-gateway/aileronc/runtime/replace/encrypt"
)

const cipherKey = "ZXhhbXBsZV9wYXNzd29yZA==" // example_password

func TestCiphers(t *testing.T) {
	key, _ := base64.StdEncoding.DecodeString(cipherKey)
	for name, tt := range map[string]struct {
		seal encrypt.Alg
		open func(string) Cipher
		// authentic means that changes are noticed.
		authentic bool
	}{
		"AESGCM": {encrypt.AESGCM, AESGCM, true}, "AESCBC": {encrypt.AESCBC, AESCBC, false}, "AESCFB": {encrypt.AESCFB, AESCFB, false},
		"AESCTR": {encrypt.AESCTR, AESCTR, false}, "AESOFB": {encrypt.AESOFB, AESOFB, false},
	} {
		t.Run(name, func(t *testing.T) {
			seal, err := encrypt.New(tt.seal, hex.EncodeToString(key), encode.Base16)
			if err != nil {
				t.Fatal(err)
			}
			open, err := tt.open(cipherKey).Decrypter()
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"x", "sixteen bytes 16", "more than sixteen bytes"} {
				b, _ := hex.DecodeString(seal(text))
				if got, err := open(b); err != nil || string(got) != text {
					t.Errorf("%q: %q, %v", text, got, err)
				}
				b[len(b)-1] ^= 0x80
				if got, err := open(b); err == nil && (tt.authentic || string(got) == text) {
					t.Errorf("%q, changed: %q", text, got)
				}
			}
			for n := range aes.BlockSize + 1 {
				if got, err := open(make([]byte, n)); err == nil {
					t.Errorf("%d bytes: %q", n, got)
				}
			}
		})
	}
}

// TestPadding holds that a padding is looked at byte for byte.
func TestPadding(t *testing.T) {
	block, _ := aes.NewCipher(make([]byte, 16))
	for plain, want := range map[string]error{
		"abcdefghijklm\x03\x03\x03": nil,
		"abcdefghijklm\x02\x03\x03": errPadding,
		"abcdefghijklmno\x00":       errPadding,
		"abcdefghijklmno\x11":       errPadding,
		"\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10": errEmpty,
	} {
		text := make([]byte, 32) // the initialisation vector is zero
		block.Encrypt(text[16:], []byte(plain))
		if _, err := openCBC(block, text); err != want {
			t.Errorf("%q: %v, want %v", plain, err, want)
		}
	}
}

func TestDecrypt(t *testing.T) {
	// From the documentation of AILERON Gateway: the key of the example, alone and hashed.
	b, _ := hex.DecodeString("313233343536373839303132333435368e1d0838f4a08ab69a5961a9ce54ae24281541e1d1fc228dae66e9b23dfcfa8cb9e9656ee728d35b29e88385a011911e")
	list := []Credential{{ID: "user3", Secret: b, From: "keys.list:1"}}
	if err := AESCBC(cipherKey).Decrypt(list); err != nil || string(list[0].Secret) != "bd16d0c8-7bc0-4bf4-a0b0-bccaa3e2f072" {
		t.Errorf("%q, %v", list[0].Secret, err)
	}
	for want, c := range map[string]Cipher{
		"the key of the encryption is not Base64 with padding":                                           AESCBC("secret"),
		"the key of the encryption has 3 bytes; it must have 16, 24 or 32":                               AESGCM("c2Vj"),
		"the key of the encryption has 0 bytes; it must have 16, 24 or 32":                               AESCTR(""),
		"keys.list:1: the secret can't be decrypted: it is too short":                                    AESGCM(cipherKey),
		"keys.list:1: the secret can't be decrypted: it isn't an initialisation vector and whole blocks": AESCBC(cipherKey),
	} {
		if err := c.Decrypt([]Credential{{Secret: []byte("short"), From: "keys.list:1"}}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := (Cipher{}).Decrypt(list); err != nil {
		t.Error(err)
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add([]byte("1234567890123456"), uint8(0))
	f.Add(make([]byte, 48), uint8(1))
	ciphers := []func(string) Cipher{AESGCM, AESCBC, AESCFB, AESCTR, AESOFB}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		open, err := ciphers[int(which)%len(ciphers)](cipherKey).Decrypter()
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := open(text); err == nil && len(plain) == 0 {
			t.Error("an empty secret")
		}
	})
}
