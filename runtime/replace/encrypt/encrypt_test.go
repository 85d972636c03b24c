package encrypt_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
	"github.com/aileron-gateway/aileronc/runtime/replace/encrypt"
)

// decrypt undoes each algorithm by means of its own.
var decrypt = map[string]func(b cipher.Block, text []byte) []byte{
	"AESGCM": func(b cipher.Block, text []byte) []byte {
		gcm, err := cipher.NewGCM(b)
		if err != nil {
			panic(err)
		}
		plain, err := gcm.Open(nil, text[:12], text[12:], nil)
		if err != nil {
			return []byte(err.Error())
		}
		return plain
	},
	"AESCBC": func(b cipher.Block, text []byte) []byte {
		iv, body := text[:16], text[16:]
		cipher.NewCBCDecrypter(b, iv).CryptBlocks(body, body)
		pad := int(body[len(body)-1])
		for _, c := range body[len(body)-pad:] {
			if int(c) != pad {
				return []byte("bad padding")
			}
		}
		return body[:len(body)-pad]
	},
	"AESCFB": func(b cipher.Block, text []byte) []byte {
		return byBlock(b, text, func(cipherText, _ []byte) []byte { return cipherText })
	},
	"AESOFB": func(b cipher.Block, text []byte) []byte {
		return byBlock(b, text, func(_, keyStream []byte) []byte { return keyStream })
	},
	"AESCTR": func(b cipher.Block, text []byte) []byte {
		cipher.NewCTR(b, text[:16]).XORKeyStream(text[16:], text[16:])
		return text[16:]
	},
}

// byBlock decrypts a feedback mode; next picks what is encrypted for the next block.
func byBlock(b cipher.Block, text []byte, next func(cipherText, keyStream []byte) []byte) (plain []byte) {
	in := text[:16]
	for body := text[16:]; len(body) > 0; {
		var key [16]byte
		b.Encrypt(key[:], in)
		n := min(16, len(body))
		for i := range n {
			plain = append(plain, body[i]^key[i])
		}
		in, body = next(body[:n], key[:]), body[n:]
	}
	return plain
}

func TestAlgs(t *testing.T) {
	algs := map[string]encrypt.Alg{
		"AESGCM": encrypt.AESGCM,
		"AESCBC": encrypt.AESCBC,
		"AESCFB": encrypt.AESCFB,
		"AESCTR": encrypt.AESCTR,
		"AESOFB": encrypt.AESOFB,
	}
	for name, alg := range algs {
		for _, size := range []int{16, 24, 32} {
			key := strings.Repeat("5a", size)
			f, err := encrypt.New(alg, key, encode.Base16)
			if err != nil {
				t.Fatal(err)
			}
			k, _ := hex.DecodeString(key)
			block, _ := aes.NewCipher(k)
			for _, plain := range []string{"", "x", "sixteen bytes .!", "more than one block of bytes, and then some"} {
				out, err := hex.DecodeString(f(plain))
				if err != nil {
					t.Fatal(err)
				}
				if again := f(plain); again == hex.EncodeToString(out) {
					t.Errorf("%s: two ciphertexts of %q are equal", name, plain)
				}
				if got := string(decrypt[name](block, out)); got != plain {
					t.Errorf("%s, key of %d bytes: got %q, want %q", name, size, got, plain)
				}
			}
		}
	}
}

func TestBadKey(t *testing.T) {
	for _, key := range []string{"", "00", "secret", strings.Repeat("0", 31), strings.Repeat("00", 33)} {
		_, err := encrypt.New(encrypt.AESGCM, key, encode.Base16)
		if err == nil {
			t.Errorf("key %q was accepted", key)
		} else if key != "" && key != "00" && strings.Contains(err.Error(), key) {
			t.Errorf("key %q is disclosed: %v", key, err)
		}
	}
}

func Example() {
	f, err := encrypt.New(encrypt.AESGCM, "000102030405060708090a0b0c0d0e0f", encode.Base64)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(f("alice@example.com")))
	// Output: 60
}
