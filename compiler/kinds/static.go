package kinds

import (
	"os"
	"regexp"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/assets"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var staticFileHandler = Kind{
	APIVersion: "core/v1",
	Name:       "StaticFileHandler",
	Roles:      []Role{Handler},
	New:        func() Spec { return &StaticFileHandlerSpec{RootDir: "./"} },
}

// StaticFileHandlerSpec is the spec of a StaticFileHandler, which serves the files of a
// folder, to GET and HEAD; other methods get a 405 (AILERON Gateway answers them like
// GET). Conditional and range requests work, several ranges at once included, and each file has an entity tag.
//
// Of compressed files beside a file, by the name of style.css.br, style.css.zst or style.css.gz for style.css, clients that accept the coding
// get the one that they prefer, unless it's older than the file. (AILERON Gateway has neither.)
//
// Nothing outside the folder is served, whatever the path says. Symbolic links are followed
// if they're relative and stay in the folder; others don't exist for clients (AILERON Gateway
// follows them all). Files whose names begin with a dot are served like others.
type StaticFileHandlerSpec struct {
	// Patterns are the paths that the handler wants to be mounted at.
	Patterns []string `json:"patterns" unique:"true"`
	// Methods are the methods that the handler answers. Empty stands for all that it can.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// RootDir is the folder. While it doesn't exist nothing is found. It may be replaced, or be a symbolic link that is set to another folder, while the gateway runs.
	RootDir string `json:"rootDir"`
	// StripPrefix is cut off the path of the request. Paths that don't begin with it are not found.
	StripPrefix string `json:"stripPrefix"`
	// EnableListing makes the page of a folder its index.html or, if there is none, a list of its files. Without it folders are not found,
	// and an index.html is only served by its own name (AILERON Gateway doesn't serve it at all then).
	EnableListing bool `json:"enableListing"`
	// Header are fields that are set in each response, in errors too. Those that describe a file, like Content-Type or ETag, stay away from errors, redirects and lists.
	// A Content-Type takes precedence over the one that follows from the file's name; with an ETag, requests can be conditional on it.
	Header decode.Map `json:"header" keys:"header-name" format:"header-value"`
	// Embed makes the files that are in the folder when the gateway is built a part of the binary, which then needs no folder: with their types, entity tags and, where that
	// makes them notably smaller, compressed forms. Without it, --embed decides. (AILERON Gateway doesn't know this field.)
	Embed bool `json:"embed" fixed:"true"`

	files []assets.File // that are to be embedded
}

// Route returns where the handler wants to be mounted.
func (s *StaticFileHandlerSpec) Route() ([]string, []HTTPMethod) { return s.Patterns, s.Methods }

var entityTag = regexp.MustCompile(`^(W/)?"[!#-~\x80-\xff]*"$`)

// Check reports a folder that isn't one, and settings that serve nothing.
func (s *StaticFileHandlerSpec) Check(c *Check) {
	if c.embeds(&s.Embed) && !c.Deferred(&s.RootDir) {
		s.files = c.readTree(&s.RootDir)
	} else if info, err := os.Stat(c.path(s.RootDir)); os.IsNotExist(err) {
		c.Warnf(&s.RootDir, diag.BadFile, "there is no folder %s here; while there is none, all requests are answered with 404", s.RootDir)
	} else if err == nil && !info.IsDir() {
		c.Errorf(&s.RootDir, diag.BadFile, "%s isn't a folder", s.RootDir)
	}
	if p := s.StripPrefix; p != "" && !strings.HasPrefix(p, "/") {
		c.Warnf(&s.StripPrefix, diag.NoEffect, "no path begins with %q, so every request is answered with 404; begin it with a slash", p)
	}
	for i := range s.Header {
		if canonicalName(s.Header[i].Key) == "Etag" && !entityTag.MatchString(s.Header[i].Value) {
			c.Warnf(&s.Header[i].Value, diag.BadValue, "%q isn't an entity tag, so requests can't be conditional on it; it needs double quotes around it", s.Header[i].Value)
		}
	}
	for i, m := range s.Methods {
		if m != "GET" && m != "HEAD" && m != "" && m != "HTTPMethodUnknown" {
			c.Warnf(&s.Methods[i], diag.NoEffect, "files can't be requested by %s; such requests are answered with 405", m)
		}
	}
}

// Lower returns the handler.
func (s *StaticFileHandlerSpec) Lower(l *Lower) ir.Expr {
	if l.embeds(&s.Embed) { // rootDir from the environment would have to be frozen
		return l.Call("static.NewEmbedded", s.options(l, nil), l.embedTree(&s.RootDir, s.files))
	}
	root := l.String(&s.RootDir)
	if s.RootDir == "./" && !l.Deferred(&s.RootDir) {
		root = nil
	}
	return l.Try("static.New", s.options(l, root))
}

func (s *StaticFileHandlerSpec) options(l *Lower, root ir.Expr) ir.Expr {
	return l.Struct("static.Options",
		ir.Set("Root", root),
		ir.Set("StripPrefix", l.String(&s.StripPrefix)),
		ir.Set("Index", l.Bool(&s.EnableListing)),
		ir.Set("Listing", l.Bool(&s.EnableListing)),
		ir.Set("Header", l.Fields(s.Header)),
	)
}
