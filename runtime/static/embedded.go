package static

import (
	"path"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A File is a file that is in the binary.
type File struct {
	// Path is its name in the site, with slashes: "guide/index.html".
	Path string
	// Type is its media type.
	Type string
	// ETag is its entity tag, in quotes; made of the content, it's a strong one.
	ETag string
	// Data is its content. It isn't copied.
	Data []byte
	// Encoded are compressed forms of it.
	Encoded []Encoded
}

// Encoded is a compressed form of a file.
type Encoded struct {
	// Coding is br, zstd or gzip; others are not used.
	Coding string
	ETag   string
	Data   []byte
}

// Embedded is a gateway.Handler that serves files that are in the binary, as a [Handler] those of a folder. There's no time of
// a change, since a build is the same whenever it's made; entity tags do all that dates could.
type Embedded struct {
	site
	entries map[string]*entry // by path; that of the root is "."
}

// An entry is a file or a folder.
type entry struct {
	file *File // nil for a folder
	// set and encoded are what a file can be sent as, by the index of codings.
	set     codingSet
	encoded [len(codings)]*Encoded

	index *entry   // of a folder, nil if it has none
	names []string // in a folder
	page  []byte   // that lists them
}

// NewEmbedded returns a handler of files. The Root of o isn't looked at.
func NewEmbedded(o Options, files []File) *Embedded {
	h := &Embedded{site: newSite(&o), entries: map[string]*entry{".": {}}}
	for i := range files {
		h.add(&files[i])
	}
	for name, e := range h.entries {
		if e.file == nil {
			e.index = h.page(path.Join(name, "index.html"))
			e.page = listingPage(e.names)
		}
	}
	return h
}

// page is the entry of a file, or nil.
func (h *Embedded) page(name string) *entry {
	if e := h.entries[name]; e != nil && e.file != nil {
		return e
	}
	return nil
}

// add notes a file, and the folders that it's in.
func (h *Embedded) add(f *File) {
	e := &entry{file: f}
	for i := range f.Encoded {
		for k, c := range codings {
			if c.name == f.Encoded[i].Coding {
				e.encoded[k] = &f.Encoded[i]
				e.set |= 1 << k
			}
		}
	}
	name := path.Clean(f.Path)
	h.entries[name] = e
	for child := path.Base(name); name != "."; child = path.Base(name) + "/" {
		name = path.Dir(name)
		folder := h.entries[name]
		if folder != nil {
			folder.names = append(folder.names, child)
			return
		}
		h.entries[name] = &entry{names: []string{child}}
	}
}

// Serve answers with the file that the path names.
func (h *Embedded) Serve(x *gateway.Exchange) error {
	name, endsInSlash, err := h.resolve(x)
	if name == "" {
		return err
	}
	e := h.entries[name]
	switch {
	case e == nil, e.file == nil && !h.index && !h.listing:
		return h.refuse(404, notFound, nil)
	case e.file != nil && endsInSlash:
		h.redirect(x, "../"+lastSegment(x))
		return nil
	case e.file != nil:
		return h.serveFile(x, e)
	case !endsInSlash:
		h.redirect(x, "./"+lastSegment(x)+"/")
		return nil
	case h.index && e.index != nil:
		return h.serveFile(x, e.index)
	case !h.listing:
		return h.refuse(404, notFound, nil)
	}
	if done, err := h.checkListing(x, time.Time{}); done {
		return err
	}
	h.sendListing(x, e.page)
	return nil
}

func (h *Embedded) serveFile(x *gateway.Exchange, e *entry) error {
	r := representation{contentType: e.file.Type, data: e.file.Data, etag: e.file.ETag}
	if h.contentType != "" {
		r.contentType = h.contentType
	}
	if e.set != 0 && !h.encoded {
		r.varies = true
		if i := e.set.best(x.Request.Header); i >= 0 {
			c := e.encoded[i]
			r.coding, r.data, r.etag = c.Coding, c.Data, c.ETag
		}
	}
	r.size = int64(len(r.data))
	r.etag = h.tagOf(r.etag, r.coding)
	return h.send(x, &r)
}
