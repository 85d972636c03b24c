// Package static serves the files of a folder.
//
// Nothing outside the folder is ever served, whatever the path and the symbolic
// links in the folder say: links that stay inside, by a relative path, are followed,
// those that are absolute or lead outside don't exist for clients. Files whose
// names begin with a dot are served like others.
//
// A folder has no page of its own, unless the options make its index.html, or a list of
// what is in it, its page.
//
// Conditional and range requests are answered as RFC 9110, sections 13 and 14, has it.
package static

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the options of a Handler.
type Options struct {
	// Root is the folder; by default the working directory. It may be made, replaced, or be a symbolic
	// link that is set to another folder, while the gateway runs: that is seen within a second.
	// While there is none, nothing is found.
	Root string
	// StripPrefix is cut off the request's path before it is looked up. Paths that don't
	// begin with it are not found.
	StripPrefix string
	// Index makes a file called index.html the page of its folder. A request for it by its
	// own name is redirected there.
	Index bool
	// Listing makes a list of links the page of folders, but those that have an index.
	Listing bool
	// Header is set in every response. What describes a file, Content-Type or ETag, stays
	// away from redirects, listings and errors. A Content-Type replaces the one found by the
	// file's extension; with an ETag requests are conditional on it.
	Header gateway.Header
}

// A Handler is a gateway.Handler that serves files.
type Handler struct {
	folder  folder
	strip   string
	index   bool
	listing bool

	header      gateway.Header // of files
	general     gateway.Header // of all other responses
	etag        string         // "" for none
	contentType string         // "" for by file
}

// New opens the folder and returns a Handler.
func New(o Options) (*Handler, error) {
	h := &Handler{strip: o.StripPrefix, index: o.Index, listing: o.Listing}
	h.header = gateway.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}}
	h.general = gateway.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}}
	for _, f := range o.Header {
		h.header.Set(f.Name, f.Value)
		if !describesFile(f.Name) {
			h.general.Set(f.Name, f.Value)
		}
	}
	h.contentType = h.header.Get("Content-Type")
	if etag, rest := scanETag(h.header.Get("ETag")); rest == "" {
		h.etag = etag
	}
	if err := h.folder.openRoot(o.Root); err != nil {
		return nil, err
	}
	return h, nil
}

// Close gives back the folder. Files that are being sent aren't affected.
func (h *Handler) Close() error { return h.folder.Close() }

// describesFile reports whether a field belongs to the file alone (RFC 9110, section 8).
func describesFile(name string) bool {
	return len(name) > 8 && gateway.EqualName(name[:8], "Content-") && !gateway.EqualName(name, "Content-Security-Policy") ||
		gateway.EqualName(name, "ETag") || gateway.EqualName(name, "Last-Modified") || gateway.EqualName(name, "Accept-Ranges")
}

// Serve answers with the file that the path names.
func (h *Handler) Serve(x *gateway.Exchange) error {
	if m := x.Request.Method; m != "GET" && m != "HEAD" {
		return h.refuse(405, "405 Method Not Allowed", nil, gateway.Field{Name: "Allow", Value: "GET, HEAD"})
	}
	name, ok := strings.CutPrefix(x.Request.Path, h.strip)
	if !ok {
		return h.refuse(404, notFound, nil)
	}
	if h.index && (strings.HasSuffix(name, "/index.html") || name == "index.html") {
		h.redirect(x, "./")
		return nil
	}
	endsInSlash := name == "" || name[len(name)-1] == '/'
	if name = path.Clean("/" + name)[1:]; name == "" {
		name = "."
	}
	f, info, err := h.folder.open(name, x.Start)
	if err != nil {
		return h.fail(err)
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return h.serveDir(x, f, info, name, endsInSlash)
	case !mode.IsRegular():
		_ = f.Close()
		return h.refuse(404, notFound, nil)
	case endsInSlash:
		_ = f.Close()
		h.redirect(x, "../"+lastSegment(x))
		return nil
	}
	return h.serveFile(x, f, info)
}

// serveDir answers for a folder, and closes it.
func (h *Handler) serveDir(x *gateway.Exchange, dir *os.File, info fs.FileInfo, name string, endsInSlash bool) error {
	defer dir.Close()
	if !h.index && !h.listing {
		return h.refuse(404, notFound, nil)
	}
	if !endsInSlash {
		h.redirect(x, "./"+lastSegment(x)+"/")
		return nil
	}
	if h.index {
		f, index, err := h.folder.open(path.Join(name, "index.html"), x.Start)
		if err == nil && index.Mode().IsRegular() {
			return h.serveFile(x, f, index)
		}
		if err == nil {
			_ = f.Close()
		} else if statusOf(err) != 404 {
			return h.fail(err)
		}
	}
	if !h.listing {
		return h.refuse(404, notFound, nil)
	}
	return h.list(x, dir, info)
}

// redirect answers with a reference that is relative to the request's URL, so that
// it holds whatever stands in front of the gateway.
func (h *Handler) redirect(x *gateway.Exchange, location string) {
	if q := x.Request.RawQuery; q != "" {
		location += "?" + q
	}
	h.setGeneral(x)
	x.Response.Header.Set("Location", location)
	x.Response.Status = 301
}

// lastSegment returns the last segment of the path as the client has spelled it.
func lastSegment(x *gateway.Exchange) string {
	p := x.Request.RawPath
	if p == "" {
		p = (&url.URL{Path: x.Request.Path}).EscapedPath()
	}
	p = strings.TrimRight(p, "/")
	return p[strings.LastIndexByte(p, '/')+1:]
}

func (h *Handler) setGeneral(x *gateway.Exchange) {
	for _, f := range h.general {
		x.Response.Header.Set(f.Name, f.Value)
	}
}

const notFound = "404 page not found"

// fail turns an error of the file system into one that a client is answered with.
func (h *Handler) fail(err error) error {
	switch status := statusOf(err); status {
	case 404:
		return h.refuse(status, notFound, err)
	case 403:
		return h.refuse(status, "403 Forbidden", err)
	}
	return h.refuse(500, "500 Internal Server Error", err)
}

func (h *Handler) refuse(status int, text string, cause error, more ...gateway.Field) error {
	return &gateway.Error{
		Status: status, Code: "E2140", Kind: "CoreStaticServer",
		Message: "failed to serve static file. " + text,
		Cause:   cause,
		Header:  append(more, h.general...),
	}
}
