package credfile

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// A Decoder turns text into bytes. Its errors don't quote the text, which is a secret.
type Decoder func(text string) ([]byte, error)

// Base16 is hexadecimal, in lower or upper case.
func Base16(text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("it is not hexadecimal, with two digits for each byte")
	}
	return b, nil
}

// Base32 has the alphabet of RFC 4648, section 6, with padding.
func Base32(text string) ([]byte, error) { return from32(base32.StdEncoding, text) }

// Base32Hex has the alphabet of RFC 4648, section 7, with padding.
func Base32Hex(text string) ([]byte, error) { return from32(base32.HexEncoding, text) }

// Base32Escaped has an alphabet without A, E, I and O, letters first, with padding.
func Base32Escaped(text string) ([]byte, error) {
	return from32(base32.NewEncoding("BCDFGHJKLMNPQRSTUVWXYZ0123456789"), text)
}

// Base32HexEscaped has an alphabet without A, E, I and O, digits first, with padding.
func Base32HexEscaped(text string) ([]byte, error) {
	return from32(base32.NewEncoding("0123456789BCDFGHJKLMNPQRSTUVWXYZ"), text)
}

// Base64 has the alphabet of RFC 4648, section 4, with padding.
func Base64(text string) ([]byte, error) { return from64(base64.StdEncoding, text) }

// Base64Raw is Base64 without padding.
func Base64Raw(text string) ([]byte, error) { return from64(base64.RawStdEncoding, text) }

// Base64URL has the alphabet of RFC 4648, section 5, with padding.
func Base64URL(text string) ([]byte, error) { return from64(base64.URLEncoding, text) }

// Base64RawURL is Base64URL without padding.
func Base64RawURL(text string) ([]byte, error) { return from64(base64.RawURLEncoding, text) }

func from32(e *base32.Encoding, text string) ([]byte, error) {
	b, err := e.DecodeString(text)
	if err != nil {
		return nil, errors.New("it doesn't have the encoding that is configured")
	}
	return b, nil
}

func from64(e *base64.Encoding, text string) ([]byte, error) {
	b, err := e.DecodeString(text)
	if err != nil {
		return nil, errors.New("it doesn't have the encoding that is configured")
	}
	return b, nil
}
