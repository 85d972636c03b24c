package credentials

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/aileron-gateway/aileronc/internal/credfile"
)

// A Cipher is how stored secrets are encrypted: not at all, or by one of the functions that follow. Their
// argument is the key in Base64: 16, 24 or 32 bytes, for AES-128, AES-192 or AES-256.
type Cipher struct {
	open   func(b cipher.Block, text []byte) ([]byte, error)
	secret string
}

// AESGCM has a nonce of 12 bytes before the ciphertext and a tag of 16 bytes behind it
// (NIST SP 800-38D).
func AESGCM(secret string) Cipher { return Cipher{openGCM, secret} }

// AESCBC has an initialisation vector of 16 bytes before the ciphertext, which is padded as in RFC 5652,
// section 6.3 (PKCS #7).
func AESCBC(secret string) Cipher { return Cipher{openCBC, secret} }

// AESCFB has an initialisation vector of 16 bytes before the ciphertext (cipher feedback mode).
func AESCFB(secret string) Cipher {
	return Cipher{func(b cipher.Block, text []byte) ([]byte, error) {
		//lint:ignore SA1019 a config may ask for it; AESGCM is there to be preferred
		return openStream(cipher.NewCFBDecrypter, b, text)
	}, secret}
}

// AESCTR has an initialisation vector of 16 bytes before the ciphertext (counter mode).
func AESCTR(secret string) Cipher {
	return Cipher{func(b cipher.Block, text []byte) ([]byte, error) {
		return openStream(cipher.NewCTR, b, text)
	}, secret}
}

// AESOFB has an initialisation vector of 16 bytes before the ciphertext (output feedback mode).
func AESOFB(secret string) Cipher {
	return Cipher{func(b cipher.Block, text []byte) ([]byte, error) {
		//lint:ignore SA1019 a config may ask for it; AESGCM is there to be preferred
		return openStream(cipher.NewOFB, b, text)
	}, secret}
}

// Decrypter returns a function that decrypts. It fails if the key isn't Base64 or has another length.
func (c Cipher) Decrypter() (func(text []byte) ([]byte, error), error) {
	if c.open == nil {
		return func(text []byte) ([]byte, error) { return text, nil }, nil
	}
	key, err := credfile.Base64(c.secret)
	if err != nil {
		return nil, errors.New("the key of the encryption is not Base64 with padding")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the key of the encryption has %d bytes; it must have 16, 24 or 32", len(key))
	}
	return func(text []byte) ([]byte, error) { return c.open(block, text) }, nil
}

// Decrypt decrypts the secrets of a list in place.
func (c Cipher) Decrypt(list []Credential) error {
	decrypt, err := c.Decrypter()
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Secret, err = decrypt(list[i].Secret); err != nil {
			return fmt.Errorf("%s: the secret can't be decrypted: %w", list[i].From, err)
		}
	}
	return nil
}

var (
	errShort   = errors.New("it is too short")
	errTag     = errors.New("it was encrypted by another key, or has been changed")
	errPadding = errors.New("it was encrypted by another key, or in another way: the padding is wrong")
	errEmpty   = errors.New("nothing is left of it")
)

func openGCM(b cipher.Block, text []byte) ([]byte, error) {
	gcm, err := cipher.NewGCM(b)
	if err != nil {
		return nil, err
	}
	if len(text) <= gcm.NonceSize()+gcm.Overhead() {
		return nil, errShort
	}
	plain, err := gcm.Open(nil, text[:gcm.NonceSize()], text[gcm.NonceSize():], nil)
	if err != nil {
		return nil, errTag
	}
	return plain, nil
}

func openCBC(b cipher.Block, text []byte) ([]byte, error) {
	if len(text) < 2*aes.BlockSize || len(text)%aes.BlockSize != 0 {
		return nil, errors.New("it isn't an initialisation vector and whole blocks")
	}
	plain := make([]byte, len(text)-aes.BlockSize)
	cipher.NewCBCDecrypter(b, text[:aes.BlockSize]).CryptBlocks(plain, text[aes.BlockSize:])
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, errPadding
	}
	wrong := byte(0)
	for _, c := range plain[len(plain)-pad:] {
		wrong |= c ^ byte(pad)
	}
	switch {
	case subtle.ConstantTimeByteEq(wrong, 0) != 1:
		return nil, errPadding
	case pad == len(plain):
		return nil, errEmpty
	}
	return plain[:len(plain)-pad], nil
}

func openStream(mode func(cipher.Block, []byte) cipher.Stream, b cipher.Block, text []byte) ([]byte, error) {
	if len(text) <= aes.BlockSize {
		return nil, errShort
	}
	plain := make([]byte, len(text)-aes.BlockSize)
	mode(b, text[:aes.BlockSize]).XORKeyStream(plain, text[aes.BlockSize:])
	return plain, nil
}
