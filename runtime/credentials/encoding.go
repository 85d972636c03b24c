package credentials

import "github.com/aileron-gateway/aileronc/internal/credfile"

// An Encoding is how bytes are written as text: one of the functions that follow, which decode. Their errors
// don't quote the text.
type Encoding func(text string) ([]byte, error)

// Base16 is hexadecimal, in lower or upper case.
func Base16(text string) ([]byte, error) { return credfile.Base16(text) }

// Base32 has the alphabet of RFC 4648, section 6, with padding.
func Base32(text string) ([]byte, error) { return credfile.Base32(text) }

// Base32Hex has the extended hex alphabet of RFC 4648, section 7, with padding.
func Base32Hex(text string) ([]byte, error) { return credfile.Base32Hex(text) }

// Base32Escaped has an alphabet without A, E, I and O, letters before digits, with padding.
func Base32Escaped(text string) ([]byte, error) { return credfile.Base32Escaped(text) }

// Base32HexEscaped has an alphabet without A, E, I and O, digits before letters, with padding.
func Base32HexEscaped(text string) ([]byte, error) { return credfile.Base32HexEscaped(text) }

// Base64 has the alphabet of RFC 4648, section 4, with padding.
func Base64(text string) ([]byte, error) { return credfile.Base64(text) }

// Base64Raw is Base64 without padding.
func Base64Raw(text string) ([]byte, error) { return credfile.Base64Raw(text) }

// Base64URL has the URL-safe alphabet of RFC 4648, section 5, with padding.
func Base64URL(text string) ([]byte, error) { return credfile.Base64URL(text) }

// Base64RawURL is Base64URL without padding.
func Base64RawURL(text string) ([]byte, error) { return credfile.Base64RawURL(text) }
