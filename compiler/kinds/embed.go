package kinds

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/assets"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// embeds reports whether what a field says to embed is to be in the binary: if the config doesn't say, as the compiler was told.
func (c *Check) embeds(field *bool) bool {
	if c.IsSet(field) {
		return *field
	}
	return c.Embed
}

// withoutEmbed is what to do with a file that can't be in the binary.
const withoutEmbed = "to have it read when the gateway runs, set embed: false"

// readEmbedded reads a file that is to be in the binary. What is wrong with it is reported at its name.
func (c *Check) readEmbedded(name *string) (text string, ok bool) {
	data, err := os.ReadFile(c.path(*name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Findings.Errorf(c.Values.Pos(name), diag.BadFile, "there is no file %s to embed", *name).Hintf(withoutEmbed)
		return "", false
	case err != nil:
		c.Errorf(name, diag.BadFile, "the file can't be read: %v", err)
		return "", false
	}
	if why := assets.Secret(*name, data); why != "" {
		c.Findings.Errorf(c.Values.Pos(name), diag.BadFile, "%s %s; such files are never embedded", *name, why)
		return "", false
	}
	return string(data), true
}

// embedText makes a text, that of the file source, a part of the binary and returns the string. suffix is what the variable is
// called, and note what there is to say of the text.
func (l *Lower) embedText(suffix, source, note, text string) ir.Expr {
	g := &ir.Global{
		Of:    ir.Component{ID: l.ID, From: l.From, Base: l.ID.Name, Part: suffix, Note: "its " + suffix + ", of " + source + note},
		Files: []*ir.Embed{{Source: source, Path: path.Base(filepath.ToSlash(source)), Data: []byte(text)}},
	}
	l.Link.AddGlobal(g)
	return ir.GlobalRef{To: g}
}

// readTree reads the files of a folder that are to be in the binary. What is wrong with them is reported at its name.
func (c *Check) readTree(dir *string) []assets.File {
	files, problems := assets.Tree(c.path(*dir), assets.Usual)
	c.reportAssets(dir, problems)
	return files
}

func (c *Check) reportAssets(dir *string, problems []assets.Problem) {
	for _, p := range problems {
		name := path.Join(filepath.ToSlash(*dir), p.Path)
		switch {
		case p.Secret:
			c.Findings.Errorf(c.Values.Pos(dir), diag.BadFile, "%s %s; such files are never embedded", name, p.Reason).
				Hintf("take it out of the folder, from where it's served to whoever asks for it")
		case p.Fatal:
			c.Findings.Errorf(c.Values.Pos(dir), diag.BadFile, "%s %s, so that it can't be embedded", name, p.Reason).Hintf(withoutEmbed)
		default:
			c.Warnf(dir, diag.BadFile, "%s %s; it isn't embedded", name, p.Reason)
		}
	}
}

// embedTree makes files a part of the binary and returns their table, a []static.File.
func (l *Lower) embedTree(dir *string, files []assets.File) ir.Expr {
	encoded, problems := assets.Encode(files)
	for _, p := range problems {
		l.Warnf(dir, diag.BadFile, "%s %s", path.Join(filepath.ToSlash(*dir), p.Path), p.Reason)
	}
	source := strings.TrimSuffix(filepath.ToSlash(*dir), "/")
	g := &ir.Global{Of: ir.Component{ID: l.ID, From: l.From, Base: l.ID.Name, Part: "files", Note: "the files of " + *dir}}
	carried := make(map[string]*ir.Embed, len(files))
	for _, f := range files {
		e := &ir.Embed{Source: path.Join(source, f.Path), Path: assets.Name(f.Path), Data: f.Data}
		carried[f.Path] = e
		g.Files = append(g.Files, e)
	}
	var rows []ir.Expr
	for i, f := range files {
		var forms []ir.Expr
		for _, form := range encoded[i] {
			e := &ir.Embed{Path: assets.Name(f.Path + form.Suffix), Data: form.Data}
			if form.Sibling != nil {
				e = carried[form.Sibling.Path]
			} else {
				g.Files = append(g.Files, e)
			}
			forms = append(forms, l.Struct("static.Encoded", ir.Set("Coding", ir.String(form.Coding)), ir.Set("ETag", ir.String(entityTagOf(e.Data))), ir.Set("Data", ir.Embedded{File: e})))
		}
		rows = append(rows, l.Struct("static.File",
			ir.Set("Path", ir.String(f.Path)),
			ir.Set("Type", ir.String(assets.Type(f.Path, f.Data))),
			ir.Set("ETag", ir.String(entityTagOf(f.Data))),
			ir.Set("Data", ir.Embedded{File: carried[f.Path]}),
			ir.Set("Encoded", l.List("static.Encoded", forms...)),
		))
	}
	g.Table = l.List("static.File", rows...)
	l.Link.AddGlobal(g)
	return ir.GlobalRef{To: g}
}

// entityTagOf is an entity tag of content: 120 bits of its SHA-256.
func entityTagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}
