package kinds

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/assets"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/internal/policy"
)

// regoFiles is what the files of a rego hold, by their index in the config; nil for what isn't here, or is at a URL. Bundles are tarballs.
type regoFiles struct {
	policies, bundles, data [][]byte
}

func atURL(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// stored are the documents of a store, by their paths.
func (s *RegoSpec) stored() decode.Map {
	switch {
	case s.FileStore != nil:
		return s.FileStore.Path
	case s.HTTPStore != nil:
		return s.HTTPStore.Endpoint
	}
	return nil
}

// downloads reports whether something may be at a URL.
func (s *RegoSpec) downloads(c *Check) bool {
	if s.HTTPStore != nil {
		return true
	}
	for i := range s.BundlePaths {
		if p := &s.BundlePaths[i]; atURL(*p) || c.Deferred(p) {
			return true
		}
	}
	return false
}

// read reads the files that are here. It reports whether nothing is missing, so that the whole can be checked.
func (s *RegoSpec) read(c *Check) (complete bool) {
	complete = !s.downloads(c)
	f := regoFiles{make([][]byte, len(s.PolicyFiles)), make([][]byte, len(s.BundlePaths)), make([][]byte, len(s.stored()))}
	for i := range s.PolicyFiles {
		f.policies[i] = s.readFile(c, &s.PolicyFiles[i], os.ReadFile)
		complete = complete && f.policies[i] != nil
	}
	for i := range s.BundlePaths {
		f.bundles[i] = s.readFile(c, &s.BundlePaths[i], readBundle)
		complete = complete && f.bundles[i] != nil
	}
	if s.FileStore != nil {
		for i := range s.FileStore.Path {
			f.data[i] = s.readFile(c, &s.FileStore.Path[i].Value, os.ReadFile)
			complete = complete && f.data[i] != nil
		}
	}
	s.found = f
	return complete
}

// readFile reads a file, and reports that it isn't there. It returns nil if so.
func (s *RegoSpec) readFile(c *Check, p *string, read func(string) ([]byte, error)) []byte {
	if c.Deferred(p) || atURL(*p) {
		return nil
	}
	if *p == "" {
		c.Errorf(p, diag.BadValue, "there must be the name of a file")
		return nil
	}
	content, err := read(c.path(*p))
	embeds := c.embeds(&s.Embed)
	switch {
	case errors.Is(err, fs.ErrNotExist) && embeds:
		c.Findings.Errorf(c.Values.Pos(p), diag.BadFile, "there is no file %s to embed", *p).Hintf(withoutEmbed)
	case errors.Is(err, fs.ErrNotExist):
		c.Warnf(p, diag.BadFile, "there is no file %s here; the gateway needs it when it starts", *p)
	case err != nil:
		c.Errorf(p, diag.BadFile, "%s can't be read: %v", *p, err)
	default:
		if why := assets.Secret(*p, content); why != "" && embeds {
			c.Findings.Errorf(c.Values.Pos(p), diag.BadFile, "%s %s; such files are never embedded", *p, why)
		}
		if content == nil {
			content = []byte{}
		}
		return content
	}
	return nil
}

// readBundle reads a bundle as a tarball, whether it's one or a folder.
func readBundle(name string) ([]byte, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		if err != nil {
			return nil, err
		}
		return os.ReadFile(name)
	}
	entries, err := policy.ReadPath(name)
	if err != nil {
		return nil, err
	}
	return policy.Pack(entries)
}

// sources is a []opa.Source of files, with what is in them if they are to be embedded.
func (s *RegoSpec) sources(l *Lower, part string, names []string, contents [][]byte) ir.Expr {
	t := s.newTable(l, part, contents)
	for i := range names {
		t.rows = append(t.rows, l.Struct("opa.Source", t.source(&names[i], contents[i])...))
	}
	return t.expr("opa.Source")
}

// documents is the []opa.Document.
func (s *RegoSpec) documents(l *Lower, part string) ir.Expr {
	t := s.newTable(l, part, s.found.data)
	stored := s.stored()
	for i := range stored {
		t.rows = append(t.rows, l.Struct("opa.Document",
			ir.Set("At", ir.String("/"+strings.Trim(stored[i].Key, "/"))),
			ir.Set("Source", l.Struct("opa.Source", t.source(&stored[i].Value, s.found.data[i])...))))
	}
	return t.expr("opa.Document")
}

// A sourceTable makes a list of sources: in place or, if there's something to embed, as a variable of its own.
type sourceTable struct {
	l      *Lower
	global *ir.Global // nil if it's in place
	rows   []ir.Expr
}

func (s *RegoSpec) newTable(l *Lower, part string, contents [][]byte) *sourceTable {
	t := &sourceTable{l: l}
	if l.embeds(&s.Embed) && slices.ContainsFunc(contents, func(b []byte) bool { return b != nil }) {
		t.global = &ir.Global{Of: ir.Component{ID: l.ID, From: l.From, Base: l.ID.Name, Part: part, Note: "its " + part}, Tells: "is where they come from"}
	}
	return t
}

// source are the fields of an opa.Source.
func (t *sourceTable) source(name *string, content []byte) []ir.Field {
	if t.global == nil {
		return []ir.Field{ir.Set("Name", t.l.String(name))}
	}
	// A name from the environment would have to be frozen.
	fields := []ir.Field{ir.Set("Name", ir.String(*name))}
	if content != nil {
		file := filepath.ToSlash(*name)
		e := &ir.Embed{Source: file, Path: assets.Name(strings.TrimPrefix(path.Clean("/"+file), "/")), Data: content}
		if path.Ext(file) == "" { // a folder's tarball
			e.Path += ".tar.gz"
		}
		t.global.Files = append(t.global.Files, e)
		fields = append(fields, ir.Set("Content", ir.Embedded{File: e}))
	}
	return fields
}

func (t *sourceTable) expr(elem string) ir.Expr {
	list := t.l.List(elem, t.rows...)
	if t.global == nil {
		return list
	}
	t.global.Table = list
	t.l.Link.AddGlobal(t.global)
	return ir.GlobalRef{To: t.global}
}
