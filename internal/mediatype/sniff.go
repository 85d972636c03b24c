package mediatype

import (
	"bytes"
	"strings"
)

// SniffLen is how many bytes Sniff looks at.
const SniffLen = 512

// Sniff guesses the media type of a file by its first bytes, by the most common
// rules of the WHATWG MIME Sniffing standard (section 7.1): HTML and XML, byte order
// marks, the signatures of images, sound, film, fonts and archives, and then text or
// not. It always returns a type.
func Sniff(head []byte) string {
	head = head[:min(len(head), SniffLen)]
	trimmed := bytes.TrimLeft(head, "\t\n\f\r ")
	if isHTML(trimmed) {
		return "text/html; charset=utf-8"
	}
	if bytes.HasPrefix(trimmed, []byte("<?xml")) {
		return "text/xml; charset=utf-8"
	}
	for _, s := range signatures {
		if len(head) >= len(s.bytes) && s.fits(head) {
			return s.contentType
		}
	}
	if isMP4(head) {
		return "video/mp4"
	}
	for _, c := range head {
		if c <= 0x08 || c == 0x0b || 0x0e <= c && c <= 0x1a || 0x1c <= c && c <= 0x1f {
			return "application/octet-stream"
		}
	}
	return "text/plain; charset=utf-8"
}

// A signature is what a file of some type begins with. A question mark stands for any byte.
type signature struct{ bytes, contentType string }

func (s signature) fits(head []byte) bool {
	for i := range len(s.bytes) {
		if s.bytes[i] != '?' && s.bytes[i] != head[i] {
			return false
		}
	}
	return true
}

var signatures = [...]signature{
	{"%PDF-", "application/pdf"},
	{"%!PS-Adobe-", "application/postscript"},

	{"\xfe\xff??", "text/plain; charset=utf-16be"},
	{"\xff\xfe??", "text/plain; charset=utf-16le"},
	{"\xef\xbb\xbf?", "text/plain; charset=utf-8"},

	{"\x00\x00\x01\x00", "image/x-icon"},
	{"\x00\x00\x02\x00", "image/x-icon"},
	{"BM", "image/bmp"},
	{"GIF87a", "image/gif"},
	{"GIF89a", "image/gif"},
	{"RIFF????WEBPVP", "image/webp"},
	{"\x89PNG\r\n\x1a\n", "image/png"},
	{"\xff\xd8\xff", "image/jpeg"},

	{"FORM????AIFF", "audio/aiff"},
	{"ID3", "audio/mpeg"},
	{"OggS\x00", "application/ogg"},
	{"MThd\x00\x00\x00\x06", "audio/midi"},
	{"RIFF????AVI ", "video/avi"},
	{"RIFF????WAVE", "audio/wave"},
	{"\x1aE\xdf\xa3", "video/webm"},

	{"\x00\x01\x00\x00", "font/ttf"},
	{"OTTO", "font/otf"},
	{"ttcf", "font/collection"},
	{"wOFF", "font/woff"},
	{"wOF2", "font/woff2"},

	{"\x1f\x8b\x08", "application/x-gzip"},
	{"PK\x03\x04", "application/zip"},
	{"Rar!\x1a\x07\x00", "application/x-rar-compressed"},
	{"Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"},
	{"\x00asm", "application/wasm"},
}

// isHTML reports whether a page begins with one of the usual tags.
func isHTML(page []byte) bool {
	for _, tag := range htmlTags {
		if len(page) <= len(tag) || !strings.EqualFold(string(page[:len(tag)]), tag) {
			continue
		}
		if end := page[len(tag)]; end == ' ' || end == '>' {
			return true
		}
	}
	return false
}

var htmlTags = [...]string{
	"<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A", "<STYLE",
	"<TITLE", "<B", "<BODY", "<BR", "<P", "<!--",
}

// isMP4 looks for the box of brands that an MP4 file begins with (section 6.2.1).
func isMP4(head []byte) bool {
	if len(head) < 12 || string(head[4:8]) != "ftyp" {
		return false
	}
	size := int(head[0])<<24 | int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if size > len(head) || size%4 != 0 {
		return false
	}
	for at := 8; at+4 <= size; at += 4 {
		if at != 12 && string(head[at:at+3]) == "mp4" { // at 12 is the version
			return true
		}
	}
	return false
}
