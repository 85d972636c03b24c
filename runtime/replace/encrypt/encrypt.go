// Package encrypt replaces texts by their ciphertext, so that who has the key can
// read in a log what others can't.
//
// A fresh nonce or initialisation vector from crypto/rand stands in front of each
// ciphertext, so equal texts differ. Only AESGCM notices when a ciphertext has
// been changed.
package encrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/replace"
	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
)

// An Alg encrypts plain with a block cipher and returns nonce and ciphertext.
type Alg func(b cipher.Block, plain []byte) []byte

// New replaces a text by its encoded ciphertext. The key is a hexadecimal number of
// 16, 24 or 32 bytes, for AES-128, AES-192 or AES-256.
func New(alg Alg, key string, e encode.Encoding) (replace.Func, error) {
	k, err := hex.DecodeString(key)
	if err != nil {
		// The message of err quotes the digit, which is part of a secret.
		return nil, errors.New("the password of the encryption is not hexadecimal")
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, fmt.Errorf("the password of the encryption has %d bytes; it must have 16, 24 or 32", len(k))
	}
	return func(s string) string { return e(alg(block, []byte(s))) }, nil
}

// AESGCM gives a nonce of 12 bytes, the ciphertext, and a tag of 16 bytes
// (NIST SP 800-38D).
func AESGCM(b cipher.Block, plain []byte) []byte {
	gcm, err := cipher.NewGCMWithRandomNonce(b)
	if err != nil {
		panic(err) // only if b were no AES
	}
	return gcm.Seal(nil, nil, plain, nil)
}

// AESCBC gives 16 bytes of initialisation vector and the ciphertext, padded as in
// RFC 5652, section 6.3 (PKCS #7).
func AESCBC(b cipher.Block, plain []byte) []byte {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	out := withIV(len(plain) + pad)
	body := out[aes.BlockSize:]
	for i := copy(body, plain); i < len(body); i++ {
		body[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(b, out[:aes.BlockSize]).CryptBlocks(body, body)
	return out
}

// AESCFB gives 16 bytes of initialisation vector and the ciphertext (cipher
// feedback mode).
func AESCFB(b cipher.Block, plain []byte) []byte {
	//lint:ignore SA1019 a config may ask for it; AESGCM is there to be preferred
	return stream(cipher.NewCFBEncrypter, b, plain)
}

// AESCTR gives 16 bytes of initialisation vector and the ciphertext (counter mode).
func AESCTR(b cipher.Block, plain []byte) []byte {
	return stream(cipher.NewCTR, b, plain)
}

// AESOFB gives 16 bytes of initialisation vector and the ciphertext (output
// feedback mode).
func AESOFB(b cipher.Block, plain []byte) []byte {
	//lint:ignore SA1019 a config may ask for it; AESGCM is there to be preferred
	return stream(cipher.NewOFB, b, plain)
}

func stream(mode func(cipher.Block, []byte) cipher.Stream, b cipher.Block, plain []byte) []byte {
	out := withIV(len(plain))
	mode(b, out[:aes.BlockSize]).XORKeyStream(out[aes.BlockSize:], plain)
	return out
}

// withIV returns a random initialisation vector with room for n bytes after it.
func withIV(n int) []byte {
	out := make([]byte, aes.BlockSize+n)
	_, _ = rand.Read(out[:aes.BlockSize]) // never fails: it would end the process
	return out
}
