package session

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
)

// An Encoder turns a session into bytes: a JSON object, perhaps compressed, encrypted, with a message authentication code (HMAC) of that
// behind it. The zero value does so with keys that nobody knows, until the program ends.
type Encoder struct {
	// Hash is the hash of the HMAC; nil is SHA-256.
	Hash digest.Alg
	// Cipher is how sessions are encrypted; the zero value is AES-GCM.
	Cipher Cipher
	// Keys are the keys. The first ones are used for new sessions; sessions made with the others are
	// accepted, too, and are made over when they are asked for. Without any, or where one is empty, keys are random.
	Keys []Keys
	// Compress compresses sessions, with gzip.
	Compress bool
	// NoMAC leaves the HMAC out. AES-GCM notices by itself when somebody has changed something; other
	// ciphers don't.
	NoMAC bool
	// NoEncryption lets clients, or the Store, read their sessions. With NoMAC, they can make them, too.
	NoEncryption bool
}

// Keys are the keys of an Encoder, in Base64 with padding. That of the Cipher has 16, 24 or 32 bytes, for AES-128, AES-192 or AES-256.
type Keys struct{ MAC, Cipher string }

// A codec is an Encoder at work.
type codec struct {
	Encoder
	keys []keyPair
}

type keyPair struct {
	mac   []byte
	block cipher.Block
}

func newCodec(e Encoder) (*codec, error) {
	if e.Hash == nil {
		e.Hash = digest.SHA256
	}
	if e.Cipher.seal == nil {
		e.Cipher = AESGCM
	}
	if len(e.Keys) == 0 {
		e.Keys = []Keys{{}}
	}
	c := &codec{Encoder: e}
	for i, k := range e.Keys {
		pair, err := k.parse()
		if err != nil {
			return nil, fmt.Errorf("keys %d of the session: %w", i+1, err)
		}
		c.keys = append(c.keys, pair)
	}
	c.Keys = nil // needed no more
	return c, nil
}

func (k *Keys) parse() (pair keyPair, err error) {
	if pair.mac, err = parseKey(k.MAC, 64); err != nil {
		return pair, fmt.Errorf("the key of the HMAC %w", err)
	}
	key, err := parseKey(k.Cipher, 32)
	if err == nil {
		if pair.block, err = aes.NewCipher(key); err != nil {
			err = fmt.Errorf("has %d bytes; it must have 16, 24 or 32", len(key))
		}
	}
	if err != nil {
		return pair, fmt.Errorf("the key of the encryption %w", err)
	}
	return pair, nil
}

// parseKey returns the key that text is, or a random one of some bytes.
func parseKey(text string, size int) ([]byte, error) {
	if text == "" {
		key := make([]byte, size)
		_, _ = rand.Read(key) // never fails
		return key, nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("isn't Base64 with padding") // err would quote a part of it
	}
	return key, nil
}

// encode makes bytes out of values.
func (c *codec) encode(values map[string][]byte) ([]byte, error) {
	data := appendJSON(nil, values)
	if len(data) > maxSize {
		return nil, errTooLarge
	}
	if c.Compress {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, 6)
		_, _ = w.Write(data) // to memory: never fails
		_ = w.Close()
		data = b.Bytes()
	}
	key := &c.keys[0]
	if !c.NoEncryption {
		data = c.Cipher.seal(key.block, data)
	}
	if !c.NoMAC {
		data = c.sum(data, key, data)
	}
	return data, nil
}

// sum appends the HMAC of data to b.
func (c *codec) sum(b []byte, key *keyPair, data []byte) []byte {
	h := hmac.New(func() hash.Hash { return c.Hash() }, key.mac)
	h.Write(data)
	return h.Sum(b)
}

// decode makes values out of bytes, if they are what encode has made. current tells that it was with the first keys. It changes data.
func (c *codec) decode(data []byte) (values map[string][]byte, current, ok bool) {
	for i := range c.keys {
		plain, ok := c.open(&c.keys[i], bytes.Clone(data))
		if !ok {
			continue
		}
		if values, ok := parseJSON(plain); ok {
			return values, i == 0, true
		}
	}
	return nil, false, false
}

func (c *codec) open(key *keyPair, data []byte) ([]byte, bool) {
	if !c.NoMAC {
		n := len(data) - c.Hash().Size()
		if n < 0 || !hmac.Equal(data[n:], c.sum(nil, key, data[:n])) {
			return nil, false
		}
		data = data[:n]
	}
	if !c.NoEncryption {
		var ok bool
		if data, ok = c.Cipher.open(key.block, data); !ok {
			return nil, false
		}
	}
	if c.Compress {
		return gunzip(data)
	}
	return data, true
}

// maxSize is how long the JSON of a session may be: a few bytes of gzip can become many.
const maxSize = 1 << 20

func gunzip(data []byte) ([]byte, bool) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	return plain, err == nil && len(plain) <= maxSize
}
