package kinds

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/internal/credfile"
)

// credentialFiles are files of credentials, as a kind refers to them.
type credentialFiles struct {
	paths    []string // the slice of the spec
	encoding *EncodingType
	// keys means that what is in them has no ids.
	keys bool
	// secret returns what is wrong with a decoded secret, or ""; nil finds nothing.
	secret func(b []byte) string
	// weakness returns why a secret is weak, or ""; nil finds nothing.
	weakness func(b []byte) string
}

// check reads the files as far as they are there, and reports what the gateway would stumble over.
func (f *credentialFiles) check(c *Check) {
	seen := make(map[string]string) // where each id, or key, is
	for i := range f.paths {
		p := &f.paths[i]
		if c.Deferred(p) {
			continue
		}
		files, err := list(c.path(*p), *p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.Warnf(p, diag.BadFile, "there is no file %s here; the gateway needs it when it starts", *p)
		case err != nil:
			c.Errorf(p, diag.BadFile, "the credentials can't be read: %v", err)
		}
		for _, file := range files {
			f.checkFile(c, p, file, seen)
		}
	}
}

// A namedFile is a file, and how the config would name it.
type namedFile struct{ path, name string }

// list returns the files that a path of the config stands for.
func list(path, name string) ([]namedFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []namedFile{{path, name}}, nil
	}
	entries, err := os.ReadDir(path)
	var files []namedFile
	for _, e := range entries {
		full := filepath.Join(path, e.Name())
		if info, err := os.Stat(full); err == nil && !info.IsDir() {
			files = append(files, namedFile{full, filepath.Join(name, e.Name())})
		}
	}
	return files, err
}

func (f *credentialFiles) checkFile(c *Check, p *string, file namedFile, seen map[string]string) {
	text, err := os.ReadFile(file.path)
	if err != nil {
		c.Errorf(p, diag.BadFile, "the credentials can't be read: %v", err)
		return
	}
	creds, wrong := credfile.Parse(string(text), f.keys, decoder(*f.encoding))
	for _, e := range wrong {
		c.Errorf(p, diag.BadFile, "%s:%d: %v", file.name, e.Line, e.Err)
	}
	for _, cred := range creds {
		at := file.name + ":" + strconv.Itoa(cred.Line)
		key, what := cred.ID, cred.ID
		if f.keys {
			key, what = string(cred.Secret), "the key"
		}
		if first, ok := seen[key]; ok {
			c.Errorf(p, diag.BadFile, "%s: %s is in %s, too", at, what, first)
		}
		seen[key] = at
		if f.secret != nil {
			if problem := f.secret(cred.Secret); problem != "" {
				c.Errorf(p, diag.BadFile, "%s: %s", at, problem)
			}
		}
		if f.weakness != nil {
			if why := f.weakness(cred.Secret); why != "" {
				c.Warnf(p, diag.Insecure, "%s: %s", at, why)
			}
		}
	}
}

// decoder returns the decoder of an encoding, nil for none.
func decoder(e EncodingType) credfile.Decoder {
	switch e {
	case "Base16":
		return credfile.Base16
	case "Base32":
		return credfile.Base32
	case "Base32Hex":
		return credfile.Base32Hex
	case "Base32Escaped":
		return credfile.Base32Escaped
	case "Base32HexEscaped":
		return credfile.Base32HexEscaped
	case "Base64":
		return credfile.Base64
	case "Base64Raw":
		return credfile.Base64Raw
	case "Base64URL":
		return credfile.Base64URL
	case "Base64RawURL":
		return credfile.Base64RawURL
	}
	return nil
}

// lower returns the credentials.Files.
func (f *credentialFiles) lower(l *Lower) ir.Expr {
	return l.Struct("credentials.Files",
		ir.Set("Paths", l.Strings(f.paths)),
		ir.Set("Encoding", secretEncoding(*f.encoding)))
}

func secretEncoding(e EncodingType) ir.Expr {
	if decoder(e) == nil {
		return nil
	}
	return ir.Runtime("credentials." + string(e))
}

// variables returns the credentials.Variables whose names begin with prefixes. ids is nil for keys without ids.
func variables(l *Lower, ids, secrets *string, e EncodingType) ir.Expr {
	fields := []ir.Field{ir.Set("Secrets", prefixed(l, secrets)), ir.Set("Encoding", secretEncoding(e))}
	if ids != nil {
		fields = append([]ir.Field{ir.Set("IDs", prefixed(l, ids))}, fields...)
	}
	return l.Struct("credentials.Variables", fields...)
}

// prefixed are the variables whose names begin with the string at p.
func prefixed(l *Lower, p *string) ir.Expr {
	if text, pos, ok := l.Values.TakeEnv(p); ok {
		return ir.Env{Method: "Prefixed", Pos: pos, Text: text}
	}
	return ir.Env{Method: "Prefixed", Pos: l.Values.Provenance(p), Text: strings.ReplaceAll(*p, "${", "$${")}
}

// checkPrefix reports a prefix that all variables begin with.
func checkPrefix(c *Check, p *string) {
	if *p == "" && !c.Deferred(p) {
		c.Errorf(p, diag.BadValue, "with an empty prefix, whatever is in the environment would be a credential")
	}
}

// checkBase64 returns a secret in Base64, or nil if it isn't that, or isn't known yet.
func checkBase64(c *Check, p *string) []byte {
	if c.Deferred(p) || *p == "" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(*p)
	if err != nil {
		c.Errorf(p, diag.BadValue, "a secret must be Base64, with padding")
		return nil
	}
	c.Warnf(p, diag.Insecure, "the secret becomes part of the program; write ${NAME} to read it from the environment at start")
	return b
}

// keyHash is what stored keys are hashed by.
type keyHash struct {
	alg    *HashAlg
	secret *string
}

// isSet reports whether a string is given, perhaps only at start.
func isSet(c *Check, p *string) bool { return *p != "" || c.Deferred(p) }

func (h keyHash) check(c *Check) {
	checkBase64(c, h.secret)
	if h.hashes() && *h.alg == "SHA1" && !isSet(c, h.secret) {
		c.Warnf(h.alg, diag.Insecure, "SHA1 is broken; SHA256 is not")
	}
	if !isSet(c, h.secret) {
		return
	}
	switch {
	case !h.hashes():
		c.Errorf(h.secret, diag.MissingField, "hmacSecret needs a hashAlg")
	case *h.alg == "SHAKE128" || *h.alg == "SHAKE256":
		c.Errorf(h.alg, diag.UnknownValue, "%s can't be used for an HMAC; KMAC would be the way, which is not there", *h.alg)
	}
}

func (h keyHash) hashes() bool { return *h.alg != "" && *h.alg != "HashAlgUnknown" }

// size is the length of the hash, 0 if there is none.
func (h keyHash) size() int { return hashSizes[*h.alg] }

// hashSizes are the lengths of the hashes, in bytes.
var hashSizes = map[HashAlg]int{
	"SHA1": 20, "SHA224": 28, "SHA256": 32, "SHA384": 48, "SHA512": 64, "SHA512_224": 28, "SHA512_256": 32,
	"SHA3_224": 28, "SHA3_256": 32, "SHA3_384": 48, "SHA3_512": 64, "SHAKE128": 32, "SHAKE256": 64,
	"BLAKE2s_256": 32, "BLAKE2b_256": 32, "BLAKE2b_384": 48, "BLAKE2b_512": 64,
}

// lengthProblem tells that a secret can't be the hash of a key.
func (h keyHash) lengthProblem(b []byte) string {
	if n := h.size(); n > 0 && len(b) != n {
		return "the secret has " + strconv.Itoa(len(b)) + " bytes, but " + string(*h.alg) + " gives " + strconv.Itoa(n)
	}
	return ""
}

// lower returns the credentials.Hash, or nil.
func (h keyHash) lower(l *Lower) ir.Expr {
	switch {
	case !h.hashes():
		l.String(h.secret) // refused by check
		return nil
	case isSet(l.Check, h.secret):
		return l.Call("credentials.HMAC", algorithm(*h.alg), l.String(h.secret))
	}
	return l.Call("credentials.Hashed", algorithm(*h.alg))
}

// checkCredentialHeader reports a name that no header can have. Empty stands for the default.
func checkCredentialHeader(c *Check, p *string) {
	for i := range len(*p) {
		if b := (*p)[i]; b <= ' ' || b >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, b) >= 0 {
			c.Errorf(p, diag.BadHeaderName, "%q can't be in a header name", b)
			return
		}
	}
}

// loggerOf is the logger that ref names, else that of the resource.
func loggerOf(l *Lower, ref *resource.Ref) ir.Expr {
	if e := l.Use(ref, Logger); e != nil {
		return e
	}
	return l.Logger()
}
