package session

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/aileron-gateway/aileronc/runtime/replace/encrypt"
)

// A Cipher is a way to encrypt with AES. The variables of this package are all there are.
type Cipher struct {
	seal encrypt.Alg
	// open decrypts text, in place. It returns false if text can't be what seal makes.
	open func(b cipher.Block, text []byte) (plain []byte, ok bool)
}

// The ciphers. A nonce, or an initialisation vector, stands before each ciphertext. Only AESGCM notices by
// itself that a ciphertext has been changed; with the others there must be an HMAC.
var (
	AESGCM = Cipher{encrypt.AESGCM, openGCM}
	AESCBC = Cipher{encrypt.AESCBC, openCBC}
	AESCFB = Cipher{encrypt.AESCFB, func(b cipher.Block, text []byte) ([]byte, bool) {
		//lint:ignore SA1019 a config may ask for it; AESGCM is there to be preferred
		return openStream(cipher.NewCFBDecrypter, b, text)
	}}
	AESCTR = Cipher{encrypt.AESCTR, func(b cipher.Block, text []byte) ([]byte, bool) {
		return openStream(cipher.NewCTR, b, text)
	}}
	AESOFB = Cipher{encrypt.AESOFB, func(b cipher.Block, text []byte) ([]byte, bool) {
		//lint:ignore SA1019 a config may ask for it; AESGCM is there to be preferred
		return openStream(cipher.NewOFB, b, text)
	}}
)

func openGCM(b cipher.Block, text []byte) ([]byte, bool) {
	gcm, err := cipher.NewGCM(b)
	if err != nil || len(text) < gcm.NonceSize() {
		return nil, false
	}
	nonce, text := text[:gcm.NonceSize()], text[gcm.NonceSize():]
	plain, err := gcm.Open(text[:0], nonce, text, nil)
	return plain, err == nil
}

func openCBC(b cipher.Block, text []byte) ([]byte, bool) {
	if len(text) < 2*aes.BlockSize || len(text)%aes.BlockSize != 0 {
		return nil, false
	}
	iv, text := text[:aes.BlockSize], text[aes.BlockSize:]
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, false
	}
	for _, c := range text[len(text)-pad:] {
		if int(c) != pad {
			return nil, false
		}
	}
	return text[:len(text)-pad], true
}

func openStream(mode func(cipher.Block, []byte) cipher.Stream, b cipher.Block, text []byte) ([]byte, bool) {
	if len(text) < aes.BlockSize {
		return nil, false
	}
	iv, text := text[:aes.BlockSize], text[aes.BlockSize:]
	mode(b, iv).XORKeyStream(text, text)
	return text, true
}
