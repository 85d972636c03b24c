// Package encode turns bytes into printable text.
package encode

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"

	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// An Encoding is one of the functions of this package.
type Encoding func(b []byte) string

// Text replaces a text by its encoding.
func Text(e Encoding) replace.Func {
	return func(s string) string { return e([]byte(s)) }
}

// Base16 is hexadecimal in lower case.
func Base16(b []byte) string { return hex.EncodeToString(b) }

// Base32 has the alphabet of RFC 4648, section 6, with padding.
func Base32(b []byte) string { return base32.StdEncoding.EncodeToString(b) }

// Base32Hex has the extended hex alphabet of RFC 4648, section 7, with padding.
func Base32Hex(b []byte) string { return base32.HexEncoding.EncodeToString(b) }

// The escaped alphabets go without A, E, I and O, so that no words come about.
var (
	base32Escaped    = base32.NewEncoding("BCDFGHJKLMNPQRSTUVWXYZ0123456789")
	base32HexEscaped = base32.NewEncoding("0123456789BCDFGHJKLMNPQRSTUVWXYZ")
)

// Base32Escaped is Base32 with consonants before digits, with padding.
func Base32Escaped(b []byte) string { return base32Escaped.EncodeToString(b) }

// Base32HexEscaped is Base32 with digits before consonants, with padding.
func Base32HexEscaped(b []byte) string { return base32HexEscaped.EncodeToString(b) }

// Base64 has the alphabet of RFC 4648, section 4, with padding.
func Base64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// Base64Raw is Base64 without padding.
func Base64Raw(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// Base64URL has the URL-safe alphabet of RFC 4648, section 5, with padding.
func Base64URL(b []byte) string { return base64.URLEncoding.EncodeToString(b) }

// Base64RawURL is Base64URL without padding.
func Base64RawURL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
