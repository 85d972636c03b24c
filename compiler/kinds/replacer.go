package kinds

import (
	"encoding/hex"
	"math"
	"regexp"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// ReplacerSpec is how a text is edited before it is logged or sent on. Exactly one
// of its fields must be set.
type ReplacerSpec struct {
	// Fixed replaces the whole text.
	Fixed *FixedReplacer `json:"fixed" oneof:"replacer"`
	// Value replaces texts within the text.
	Value *ValueReplacer `json:"value" oneof:"replacer"`
	// Left masks or cuts the first characters.
	Left *LeftReplacer `json:"left" oneof:"replacer"`
	// Right masks or cuts the last characters.
	Right *RightReplacer `json:"right" oneof:"replacer"`
	// Trim strips characters from both ends.
	Trim *TrimReplacer `json:"trim" oneof:"replacer"`
	// TrimLeft strips characters from the start.
	TrimLeft *TrimReplacer `json:"trimLeft" oneof:"replacer"`
	// TrimRight strips characters from the end.
	TrimRight *TrimReplacer `json:"trimRight" oneof:"replacer"`
	// TrimPrefix removes a prefix.
	TrimPrefix *TrimPrefixReplacer `json:"trimPrefix" oneof:"replacer"`
	// TrimSuffix removes a suffix.
	TrimSuffix *TrimSuffixReplacer `json:"trimSuffix" oneof:"replacer"`
	// Encode encodes the text, or parts of it.
	Encode *EncodeReplacer `json:"encode" oneof:"replacer"`
	// Hash replaces the text, or parts of it, by a hash.
	Hash *HashReplacer `json:"hash" oneof:"replacer"`
	// Regexp replaces what a regular expression matches.
	Regexp *RegexpReplacer `json:"regexp" oneof:"replacer"`
	// Expand builds a new text from what a regular expression matches.
	Expand *ExpandReplacer `json:"expand" oneof:"replacer"`
	// Encrypt encrypts the text, or parts of it.
	Encrypt *EncryptReplacer `json:"encrypt" oneof:"replacer"`
	// HMAC replaces the text, or parts of it, by a hash with a key.
	HMAC *HMACReplacer `json:"hmac" alt:"HMAC" oneof:"replacer"`
}

// FixedReplacer replaces the whole text by another one.
type FixedReplacer struct {
	// Value is the new text.
	Value string `json:"value"`
}

// ValueReplacer replaces texts by others: the longest first, those of one length in
// alphabetical order, each in the outcome of the one before.
type ValueReplacer struct {
	// FromTo maps each text to the one that replaces it.
	FromTo decode.Map `json:"fromTo"`
}

// LeftReplacer replaces each of the first characters.
type LeftReplacer struct {
	// Char is what each character becomes. If it's empty, they are cut off.
	Char string `json:"char"`
	// Length is the number of characters. In a shorter text, all are replaced.
	Length uint32 `json:"length"`
}

// RightReplacer replaces each of the last characters.
type RightReplacer struct {
	// Char is what each character becomes. If it's empty, they are cut off.
	Char string `json:"char"`
	// Length is the number of characters. In a shorter text, all are replaced.
	Length uint32 `json:"length"`
}

// TrimReplacer strips characters.
type TrimReplacer struct {
	// CutSets are sets of characters, tried in order until one strips something.
	CutSets []string `json:"cutSets"`
}

// TrimPrefixReplacer removes the first prefix that fits, once.
type TrimPrefixReplacer struct {
	// Prefixes are tried in order.
	Prefixes []string `json:"prefixes"`
}

// TrimSuffixReplacer removes the first suffix that fits, once.
type TrimSuffixReplacer struct {
	// Suffixes are tried in order.
	Suffixes []string `json:"suffixes"`
}

// EncodeReplacer encodes the text.
type EncodeReplacer struct {
	// Pattern is a regular expression (RE2). Only what it matches is encoded. Empty is the whole text.
	Pattern string `json:"pattern"`
	// POSIX makes the pattern a POSIX one (ERE), which prefers the longest match.
	POSIX bool `json:"posix" alt:"POSIX"`
	// Encoding is how to encode.
	Encoding EncodingType `json:"encoding" required:"true"`
}

// HashReplacer replaces the text by its hash.
type HashReplacer struct {
	// Pattern is a regular expression (RE2). Only what it matches is hashed. Empty is the whole text.
	Pattern string `json:"pattern"`
	// POSIX makes the pattern a POSIX one (ERE), which prefers the longest match.
	POSIX bool `json:"posix" alt:"POSIX"`
	// Alg is the algorithm. SHA1 is broken.
	Alg HashAlg `json:"alg" required:"true"`
	// Encoding is how the hash is encoded.
	Encoding EncodingType `json:"encoding" required:"true"`
}

// HMACReplacer replaces the text by a hash that depends on a key, so that nobody
// else can find the text by trying (RFC 2104).
type HMACReplacer struct {
	// Pattern is a regular expression (RE2). Only what it matches is hashed. Empty is the whole text.
	Pattern string `json:"pattern"`
	// POSIX makes the pattern a POSIX one (ERE), which prefers the longest match.
	POSIX bool `json:"posix" alt:"POSIX"`
	// Alg is the algorithm. SHAKE128 and SHAKE256 can't be used here.
	Alg HashAlg `json:"alg" required:"true"`
	// Encoding is how the hash is encoded.
	Encoding EncodingType `json:"encoding" required:"true"`
	// Key is the key, in hexadecimal.
	Key string `json:"key" required:"true" minlen:"1" secret:"true"`
}

// EncryptReplacer replaces the text by its ciphertext, with the nonce or
// initialisation vector, which is random, in front.
type EncryptReplacer struct {
	// Pattern is a regular expression (RE2). Only what it matches is encrypted. Empty is the whole text.
	Pattern string `json:"pattern"`
	// POSIX makes the pattern a POSIX one (ERE), which prefers the longest match.
	POSIX bool `json:"posix" alt:"POSIX"`
	// Alg is the algorithm. Only AESGCM notices changes of the ciphertext.
	Alg CommonKeyCryptType `json:"alg" required:"true"`
	// Encoding is how the ciphertext is encoded.
	Encoding EncodingType `json:"encoding" required:"true"`
	// Password is the key, in hexadecimal: 16, 24 or 32 bytes.
	Password string `json:"password" required:"true" minlen:"1" secret:"true"`
}

// RegexpReplacer replaces what a regular expression matches.
type RegexpReplacer struct {
	// Pattern is the regular expression (RE2).
	Pattern string `json:"pattern" required:"true" minlen:"1"`
	// Replace is what replaces each match. $1 and ${name} stand for what groups matched; ${name} has to be written $${name}, or it's an environment variable.
	Replace string `json:"replace"`
	// POSIX makes the pattern a POSIX one (ERE), which prefers the longest match.
	POSIX bool `json:"posix" alt:"POSIX"`
	// Literal means that dollar signs in replace stand for themselves.
	Literal bool `json:"literal"`
}

// ExpandReplacer replaces the whole text by a template, once for each match of a
// regular expression; by nothing if it doesn't match.
type ExpandReplacer struct {
	// Pattern is the regular expression (RE2).
	Pattern string `json:"pattern" required:"true" minlen:"1"`
	// Template is the template. $1 and ${name} stand for what groups matched; ${name} has to be written $${name}, or it's an environment variable.
	Template string `json:"template"`
	// POSIX makes the pattern a POSIX one (ERE), which prefers the longest match.
	POSIX bool `json:"posix" alt:"POSIX"`
}

// EncodingType is a way to write bytes as text.
type EncodingType string

// Values lists the encodings in the order of their numbers.
func (EncodingType) Values() []string {
	return []string{"EncodingTypeUnknown", "Base16", "Base32", "Base32Hex", "Base32Escaped", "Base32HexEscaped", "Base64", "Base64Raw", "Base64URL", "Base64RawURL"}
}

// HashAlg is a hash algorithm.
type HashAlg string

// Values lists the algorithms in the order of their numbers.
func (HashAlg) Values() []string {
	return []string{"HashAlgUnknown", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512_224", "SHA512_256", "SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512",
		"SHAKE128", "SHAKE256", "BLAKE2s_256", "BLAKE2b_256", "BLAKE2b_384", "BLAKE2b_512"}
}

// CommonKeyCryptType is a symmetric encryption algorithm.
type CommonKeyCryptType string

// Values lists the algorithms in the order of their numbers.
func (CommonKeyCryptType) Values() []string {
	return []string{"CommonKeyCryptTypeUnknown", "AESGCM", "AESCBC", "AESCFB", "AESCTR", "AESOFB"}
}

func checkReplacers(c *Check, list []ReplacerSpec) {
	for i := range list {
		list[i].check(c)
	}
}

// check reports what is wrong with the replacer.
func (s *ReplacerSpec) check(c *Check) {
	switch {
	case s.Encode != nil:
		checkPattern(c, &s.Encode.Pattern, &s.Encode.POSIX)
		checkKnown(c, &s.Encode.Encoding, "EncodingTypeUnknown")
	case s.Hash != nil:
		checkPattern(c, &s.Hash.Pattern, &s.Hash.POSIX)
		checkKnown(c, &s.Hash.Alg, "HashAlgUnknown")
		checkKnown(c, &s.Hash.Encoding, "EncodingTypeUnknown")
	case s.HMAC != nil:
		s.HMAC.check(c)
	case s.Encrypt != nil:
		s.Encrypt.check(c)
	case s.Regexp != nil:
		checkPattern(c, &s.Regexp.Pattern, &s.Regexp.POSIX)
	case s.Expand != nil:
		checkPattern(c, &s.Expand.Pattern, &s.Expand.POSIX)
	case *s == ReplacerSpec{}:
		c.Errorf(s, diag.MissingField, "a replacer needs one of the fields fixed, value, left, right, trim, trimLeft, trimRight, trimPrefix, trimSuffix, encode, hash, hmac, encrypt, regexp, expand")
	}
}

func (s *HMACReplacer) check(c *Check) {
	checkPattern(c, &s.Pattern, &s.POSIX)
	checkKnown(c, &s.Alg, "HashAlgUnknown")
	checkKnown(c, &s.Encoding, "EncodingTypeUnknown")
	if s.Alg == "SHAKE128" || s.Alg == "SHAKE256" {
		c.Errorf(&s.Alg, diag.UnknownValue, "%s can't be used for an HMAC; KMAC would be the way, which is not there", s.Alg)
	}
	checkKey(c, &s.Key)
}

func (s *EncryptReplacer) check(c *Check) {
	checkPattern(c, &s.Pattern, &s.POSIX)
	checkKnown(c, &s.Alg, "CommonKeyCryptTypeUnknown")
	checkKnown(c, &s.Encoding, "EncodingTypeUnknown")
	if key := checkKey(c, &s.Password); key != nil && len(key) != 16 && len(key) != 24 && len(key) != 32 {
		c.Errorf(&s.Password, diag.BadValue, "password has %d bytes; it must have 16, 24 or 32 (two digits each)", len(key))
	}
}

// checkKnown reports the value 0 of an enumeration, which has a name but no meaning.
func checkKnown[T ~string](c *Check, p *T, unknown T) {
	if *p == unknown {
		c.Errorf(p, diag.UnknownValue, "%s is a value that means nothing; choose one of the others", unknown)
	}
}

// checkKey returns the key, or nil if it isn't hexadecimal or isn't known yet.
func checkKey(c *Check, p *string) []byte {
	if c.Deferred(p) || *p == "" {
		return nil
	}
	key, err := hex.DecodeString(*p)
	if err != nil {
		c.Errorf(p, diag.BadValue, "a key must be hexadecimal, with two digits for each byte")
		return nil
	}
	c.Warnf(p, diag.Insecure, "the key becomes part of the program; write ${NAME} to read it from the environment at start")
	return key
}

func checkPattern(c *Check, pattern *string, posix *bool) {
	compile := regexp.Compile
	if *posix {
		compile = regexp.CompilePOSIX
	}
	if _, err := compile(*pattern); err != nil {
		c.Errorf(pattern, diag.BadRegexp, "pattern: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// lower returns the replace.Func for a text.
func (s *ReplacerSpec) lower(l *Lower) ir.Expr { return s.lowerAs(l, "") }

// lowerBytes is lower for a body, in which a character is a byte.
func (s *ReplacerSpec) lowerBytes(l *Lower) ir.Expr { return s.lowerAs(l, "Bytes") }

func (s *ReplacerSpec) lowerAs(l *Lower, suffix string) ir.Expr {
	switch {
	case s.Fixed != nil:
		return l.Call("replace.Fixed", l.String(&s.Fixed.Value))
	case s.Value != nil:
		m := ir.Map{Elem: ir.Name{Ident: "string"}}
		for i := range s.Value.FromTo {
			e := &s.Value.FromTo[i]
			m.Entries = append(m.Entries, ir.Entry{Key: e.Key, Value: l.String(&e.Value)})
		}
		return l.Call("replace.Value", m)
	case s.Left != nil:
		return l.Call("replace.Left"+suffix, l.String(&s.Left.Char), characters(l, &s.Left.Length))
	case s.Right != nil:
		return l.Call("replace.Right"+suffix, l.String(&s.Right.Char), characters(l, &s.Right.Length))
	case s.Trim != nil:
		return l.Call("replace.Trim"+suffix, texts(l, s.Trim.CutSets)...)
	case s.TrimLeft != nil:
		return l.Call("replace.TrimLeft"+suffix, texts(l, s.TrimLeft.CutSets)...)
	case s.TrimRight != nil:
		return l.Call("replace.TrimRight"+suffix, texts(l, s.TrimRight.CutSets)...)
	case s.TrimPrefix != nil:
		return l.Call("replace.TrimPrefix", texts(l, s.TrimPrefix.Prefixes)...)
	case s.TrimSuffix != nil:
		return l.Call("replace.TrimSuffix", texts(l, s.TrimSuffix.Suffixes)...)
	}
	return s.lowerMore(l)
}

// lowerMore is lower for the replacers that have packages of their own.
func (s *ReplacerSpec) lowerMore(l *Lower) ir.Expr {
	switch {
	case s.Encode != nil:
		return each(l, s.Encode.Pattern, s.Encode.POSIX, l.Call("replace/encode.Text", encoding(s.Encode.Encoding)))
	case s.Hash != nil:
		return each(l, s.Hash.Pattern, s.Hash.POSIX, l.Call("replace/digest.Hash", algorithm(s.Hash.Alg), encoding(s.Hash.Encoding)))
	case s.HMAC != nil:
		h := l.Call("replace/digest.HMAC", algorithm(s.HMAC.Alg), l.String(&s.HMAC.Key), encoding(s.HMAC.Encoding))
		return each(l, s.HMAC.Pattern, s.HMAC.POSIX, l.Link.Part(l, "hmac", true, h))
	case s.Encrypt != nil:
		e := l.Call("replace/encrypt.New", ir.Runtime("replace/encrypt."+string(s.Encrypt.Alg)), l.String(&s.Encrypt.Password), encoding(s.Encrypt.Encoding))
		return each(l, s.Encrypt.Pattern, s.Encrypt.POSIX, l.Link.Part(l, "encrypt", true, e))
	case s.Regexp != nil && s.Regexp.Literal:
		return l.Call("replace/pattern.Literal", expression(s.Regexp.Pattern, s.Regexp.POSIX), l.String(&s.Regexp.Replace))
	case s.Regexp != nil:
		return l.Call("replace/pattern.Replace", expression(s.Regexp.Pattern, s.Regexp.POSIX), l.String(&s.Regexp.Replace))
	default:
		return l.Call("replace/pattern.Expand", expression(s.Expand.Pattern, s.Expand.POSIX), l.String(&s.Expand.Template))
	}
}

// lowerReplacers returns the []replace.Func of a list, of which each is made by lower.
func lowerReplacers(l *Lower, list []ReplacerSpec, lower func(*ReplacerSpec, *Lower) ir.Expr) ir.Expr {
	funcs := ir.List{Elem: ir.Runtime("replace.Func")}
	for i := range list {
		funcs.Items = append(funcs.Items, lower(&list[i], l))
	}
	return funcs
}

// characters is a number of characters. More than an int holds on a small machine is all, as is the most it holds.
func characters(l *Lower, n *uint32) ir.Expr {
	if !l.Deferred(n) && *n > math.MaxInt32 {
		return ir.Int(math.MaxInt32)
	}
	return l.Int(n)
}

func texts(l *Lower, list []string) []ir.Expr {
	args := make([]ir.Expr, len(list))
	for i := range list {
		args[i] = l.String(&list[i])
	}
	return args
}

// each applies f to what the pattern matches, or to everything if there is none.
func each(l *Lower, pattern string, posix bool, f ir.Expr) ir.Expr {
	if pattern == "" {
		return f
	}
	return l.Call("replace/pattern.Each", expression(pattern, posix), f)
}

// expression is a regular expression that is known to compile.
func expression(pattern string, posix bool) ir.Expr {
	fun := "regexp.MustCompile"
	if posix {
		fun = "regexp.MustCompilePOSIX"
	}
	return ir.Call{Fun: ir.Std(fun), Args: []ir.Expr{ir.String(pattern)}}
}

func encoding(e EncodingType) ir.Expr { return ir.Runtime("replace/encode." + string(e)) }

func algorithm(a HashAlg) ir.Expr {
	if blake, ok := strings.CutPrefix(string(a), "BLAKE2"); ok { // s_256, b_384
		return ir.Runtime("replace/digest/blake2." + strings.ToUpper(blake[:1]) + blake[2:])
	}
	return ir.Runtime("replace/digest." + string(a))
}
