package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/loader/filter"
)

// MaxBundle is how large a bundle may be, in bytes, unpacked.
const MaxBundle = 256 << 20

// maxFiles is how many files may be in a bundle.
const maxFiles = 50000

// ErrTooLarge is the error of a bundle that is larger.
var ErrTooLarge = fmt.Errorf("it has more than %d MB, unpacked, or more than %d files", MaxBundle>>20, maxFiles)

// An Entry is a file of a bundle.
type Entry struct {
	Path string // with a slash in front
	Data []byte
}

// ReadPath reads the bundle that is at a path: a folder, or a gzipped tarball.
func ReadPath(name string) ([]Entry, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readFolder(name)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Unpack(content)
}

// readFolder reads the files of a folder. Links to files are followed, as in volumes of Kubernetes, whose folders that
// begin with two dots are left out.
func readFolder(root string) (entries []Entry, err error) {
	size := int64(0)
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != root && strings.HasPrefix(d.Name(), "..") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		if size += info.Size(); size > MaxBundle || len(entries) >= maxFiles {
			return ErrTooLarge
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		entries = append(entries, Entry{"/" + filepath.ToSlash(rel), data})
		return err
	})
	return entries, err
}

// Unpack reads a gzipped tarball.
func Unpack(content []byte) (entries []Entry, err error) {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("it's no gzipped tarball: %w", err)
	}
	limited := &io.LimitedReader{R: z, N: MaxBundle + 1}
	t := tar.NewReader(limited)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err == nil && h.Typeflag != tar.TypeReg {
			continue
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(t)
		}
		if limited.N <= 0 || len(entries) >= maxFiles {
			return nil, ErrTooLarge
		}
		if err != nil {
			return nil, fmt.Errorf("it's no gzipped tarball: %w", err)
		}
		entries = append(entries, Entry{path.Join("/", filepath.ToSlash(h.Name)), data})
	}
}

// Pack makes a gzipped tarball, always the same of the same entries.
func Pack(entries []Entry) ([]byte, error) {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.Path, Mode: 0o644, Size: int64(len(e.Data)), ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(e.Data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A Key is what the signature of a bundle is verified with.
type Key struct {
	Algorithm string // RS256 if empty
	Scope     string
	// Key is a public key or certificate in PEM form, or the secret of HS256 and its like.
	Key string
}

// Verification says how signatures of bundles are verified.
type Verification struct {
	// Skip doesn't look at signatures.
	Skip bool
	// Keys are the keys by their ids. With none, a bundle that has a signature is refused, since it can't be verified.
	Keys map[string]Key
	// KeyID is the id of the key; empty takes that which the signature names.
	KeyID string
	// Scope is the scope that a signature must have; empty is that of the key.
	Scope string
	// Excludes are patterns of files that needn't be signed.
	Excludes []string
}

func (v *Verification) config() *bundle.VerificationConfig {
	if v == nil || len(v.Keys) == 0 {
		return nil
	}
	keys := make(map[string]*bundle.KeyConfig, len(v.Keys))
	for id, k := range v.Keys {
		if k.Algorithm == "" {
			k.Algorithm = "RS256"
		}
		keys[id] = &bundle.KeyConfig{Key: k.Key, Algorithm: k.Algorithm, Scope: k.Scope}
	}
	return bundle.NewVerificationConfig(keys, v.KeyID, v.Scope, v.Excludes)
}

// A Bundle is what is in a bundle.
type Bundle struct {
	Modules map[string]*ast.Module // by the names of their files, that of the bundle in front
	Data    map[string]any
	Roots   []string // the paths below data that are the bundle's alone
}

// ReadBundle reads a bundle, after it has verified its signature. Its policies are of the version of Rego that its manifest says; else of version 0 or,
// if that doesn't work, of version 1.
func ReadBundle(name string, entries []Entry, v *Verification) (*Bundle, error) {
	b, err0 := readBundle(entries, v, ast.RegoV0)
	version := ast.RegoV0
	if len(Errors(err0)) > 0 {
		var err1 error
		if b, err1 = readBundle(entries, v, ast.RegoV1); err1 == nil {
			err0, version = nil, ast.RegoV1
		} else if later(err1, err0) {
			err0 = err1
		}
	}
	if err0 != nil {
		for _, e := range Errors(err0) {
			if e.Location != nil {
				e.Location.File = fileIn(name, e.Location.File)
			}
		}
		return nil, err0
	}
	if b.Type() != bundle.SnapshotBundleType {
		return nil, errors.New("it's a delta bundle, which is nothing without the one before it")
	}
	if len(b.WasmModules) > 0 {
		return nil, errors.New("it has policies in WebAssembly, which can't be run; build it without")
	}
	out := &Bundle{Modules: make(map[string]*ast.Module), Data: b.Data, Roots: *b.Manifest.Roots}
	for _, m := range b.Modules {
		file := fileIn(name, m.Path)
		v, err := b.RegoVersionForFile(m.RelativePath, b.RegoVersion(version))
		if err != nil {
			return nil, err
		}
		module, err := parse(file, string(m.Raw), v)
		if err != nil {
			return nil, err
		}
		out.Modules[file] = module
	}
	if !depthWithin(out.Data, maxDepth) {
		return nil, ErrDepth
	}
	return out, nil
}

// fileIn is the name of a file in a bundle, which may be a URL.
func fileIn(bundle, file string) string {
	return strings.TrimSuffix(bundle, "/") + "/" + strings.TrimPrefix(file, "/")
}

func readBundle(entries []Entry, v *Verification, version ast.RegoVersion) (*bundle.Bundle, error) {
	b, err := bundle.NewCustomReader(&loader{entries}).
		WithSizeLimitBytes(MaxBundle).
		WithRegoVersion(version).
		WithLazyLoadingMode(false).
		WithBundleVerificationConfig(v.config()).
		WithSkipBundleVerification(v != nil && v.Skip).
		Read()
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// Overlap returns the roots of two bundles one of which contains the other, if there are such.
func Overlap(a, b *Bundle) (rootA, rootB string, overlap bool) {
	for _, ra := range a.Roots {
		for _, rb := range b.Roots {
			if bundle.RootPathsOverlap(ra, rb) {
				return ra, rb, true
			}
		}
	}
	return "", "", false
}

// loader is a bundle.DirectoryLoader of what has been read.
type loader struct{ rest []Entry }

func (l *loader) NextFile() (*bundle.Descriptor, error) {
	if len(l.rest) == 0 {
		return nil, io.EOF
	}
	e := l.rest[0]
	l.rest = l.rest[1:]
	return bundle.NewDescriptor(e.Path, e.Path, bytes.NewBuffer(e.Data)), nil
}

func (l *loader) WithFilter(filter.LoaderFilter) bundle.DirectoryLoader         { return l }
func (l *loader) WithPathFormat(bundle.PathFormat) bundle.DirectoryLoader       { return l }
func (l *loader) WithSizeLimitBytes(int64) bundle.DirectoryLoader               { return l }
func (l *loader) WithFollowSymlinks(followSymlinks bool) bundle.DirectoryLoader { return l }
