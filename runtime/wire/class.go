package wire

import (
	"math/bits"
	"strings"
)

// textEnd returns the index of the first byte in s[i:] that may not be in a field value or a reason
// phrase; of the control characters, HTAB may. There has to be one, a line's end for instance.
func textEnd(s string, i int) int {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	for i+8 <= len(s) {
		x := load(s, i)
		del := x ^ 0x7f*ones
		// The highest bit of a byte is set if the byte is below 0x20, or 0x7f. A borrow may set more of them, but
		// only above a byte that is right.
		if m := ((x-0x20*ones)&^x | (del-ones)&^del) & high; m != 0 {
			i += bits.TrailingZeros64(m) / 8
			if s[i] != '\t' {
				return i
			}
			i++
			continue
		}
		i += 8
	}
	for class[s[i]]&inText != 0 {
		i++
	}
	return i
}

// load returns s[i:i+8] as a little-endian number; the compiler makes it one instruction.
func load(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// is reports whether s is the token lower, which is in lower case; case doesn't matter in s, which
// has no control characters: they would count as others.
func is(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		if s[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func isToken(s string) bool {
	i := 0
	for i+8 <= len(s) && isNameWord(load(s, i)) {
		i += 8
	}
	if i > 0 && len(s)-i < 8 && isNameWord(load(s, len(s)-8)) {
		return true
	}
	for ; i < len(s); i++ {
		if class[s[i]]&inToken == 0 {
			return false
		}
	}
	return s != ""
}

// isNameWord reports whether eight bytes are letters and hyphens, which nearly all names of fields consist of.
func isNameWord(x uint64) bool {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	// None of the sums carries into the next byte, as long as all bytes are below 0x80.
	lower := x&^high | 0x20*ones
	letters := (lower + (0x80-'a')*ones) &^ (lower + (0x7f-'z')*ones)
	hyphens := (x&^high ^ '-'*ones) + 0x7f*ones
	return (letters|^hyphens)&^x&high == high
}

// The classes of bytes.
const (
	inToken  = 1 << iota // RFC 9110, section 5.6.2
	inText               // of a field value: HTAB, SP, VCHAR, obs-text (RFC 9110, section 5.5)
	inTarget             // visible ASCII but #, which starts a fragment, and % and ?, which need a closer look
	inHost               // of a registered name (RFC 3986, section 3.2.2) but comma and percent-encoding
)

var class = func() (t [256]uint8) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const digits = "0123456789"
	set := func(c uint8, bytes string) {
		for i := range len(bytes) {
			t[bytes[i]] |= c
		}
	}
	set(inToken, letters+digits+"!#$%&'*+-.^_`|~")
	set(inHost, letters+digits+"-._~"+"!$&'()*+;=")
	for i := range t {
		if i == '\t' || i >= ' ' && i != 0x7f {
			t[i] |= inText
		}
		if i > ' ' && i < 0x7f && !strings.ContainsRune("#%?", rune(i)) {
			t[i] |= inTarget
		}
	}
	return
}()

// unhex is the value of hexadecimal digits, and -1 for other bytes.
var unhex = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range int8(16) {
		t["0123456789abcdef"[i]], t["0123456789ABCDEF"[i]] = i, i
	}
	return
}()
