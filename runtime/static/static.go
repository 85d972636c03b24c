// Package static serves files: those of a folder, or those that are in the binary.
//
// Nothing outside the folder is ever served, whatever the path and the symbolic
// links in the folder say: links that stay inside, by a relative path, are followed,
// those that are absolute or lead outside don't exist for clients. Files whose
// names begin with a dot are served like others.
//
// A folder has no page of its own, unless the options make its index.html, or a list of
// what is in it, its page.
//
// Beside a file there may be compressed ones: style.css.br, .zst or .gz beside style.css. Clients that accept the coding get
// them in its place. One that is older than the file isn't used: it would be an old version.
//
// Conditional and range requests are answered as RFC 9110, sections 13 and 14, has it. Each representation has an entity tag:
// in the binary it's made of the content; of a file, of its size and the time of its last change, and it's a weak one as long as that is so
// recent that another change might have the same time.
package static

import (
	"io/fs"
	"os"
	"path"

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
	// file's extension; an ETag replaces that of each file. With a Content-Encoding, no compressed files are looked for.
	Header gateway.Header
}

// A Handler is a gateway.Handler that serves the files of a folder.
type Handler struct {
	site
	folder   folder
	siblings siblings
}

// New opens the folder and returns a Handler.
func New(o Options) (*Handler, error) {
	h := &Handler{site: newSite(&o)}
	if err := h.folder.openRoot(o.Root); err != nil {
		return nil, err
	}
	return h, nil
}

// Close gives back the folder. Files that are being sent aren't affected.
func (h *Handler) Close() error { return h.folder.Close() }

// Serve answers with the file that the path names.
func (h *Handler) Serve(x *gateway.Exchange) error {
	name, endsInSlash, err := h.resolve(x)
	if name == "" {
		return err
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
	return h.serveFile(x, f, info, name)
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
		page := path.Join(name, "index.html")
		f, index, err := h.folder.open(page, x.Start)
		if err == nil && index.Mode().IsRegular() {
			return h.serveFile(x, f, index, page)
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
