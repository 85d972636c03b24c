package static

import (
	"io"
	"io/fs"
	"mime"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/internal/mediatype"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// serveFile answers with a file, or a compressed one beside it. The file is closed, or left to the engine.
func (h *Handler) serveFile(x *gateway.Exchange, f *os.File, info fs.FileInfo, name string) error {
	now := x.Start
	if now.IsZero() {
		now = time.Now()
	}
	r := representation{file: f, contentType: h.contentType}
	if r.contentType == "" {
		var err error
		if r.contentType, err = typeOf(name, f); err != nil {
			_ = f.Close()
			return h.fail(err)
		}
	}
	if !h.encoded {
		if set := h.siblings.of(&h.folder, name, info, now); set != 0 {
			r.varies = true
			if c, sibling, siblingInfo := h.choose(x, set, name, info); sibling != nil {
				_ = f.Close()
				r.file, info, r.coding = sibling, siblingInfo, c.name
			}
		}
	}
	r.size = info.Size()
	own := ""
	// Where it's unknown, file systems of images and archives say 1970.
	if t := info.ModTime(); t.Unix() > 0 {
		r.modified = t
		own, r.date = validators(t, r.size, r.coding, now)
	}
	r.etag = h.tagOf(own, r.coding)
	return h.send(x, &r)
}

// settled is how old a change must be for no other to have the same time.
const settled = 2 * time.Second

// validators makes an entity tag of the time of the last change and the size, and formats the time (RFC 9110, section 8.8).
// The coding is in the tag for files that were made at the same time.
func validators(modified time.Time, size int64, coding string, now time.Time) (etag, date string) {
	var some [96]byte
	b := some[:0]
	if now.Sub(modified) < settled {
		b = append(b, "W/"...)
	}
	b = append(b, '"')
	b = strconv.AppendInt(b, modified.UnixNano(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, size, 36)
	if coding != "" {
		b = append(b, '-')
		b = append(b, coding...)
	}
	b = append(b, '"')
	n := len(b)
	both := string(modified.UTC().AppendFormat(b, httpTime)) // one allocation for both
	return both[:n], both[n:]
}

// typeOf returns the media type of a file by its name, or else by its first bytes. Of uncommon extensions the system's list
// of types is asked.
func typeOf(name string, f io.ReaderAt) (string, error) {
	name = name[strings.LastIndexByte(name, '/')+1:]
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		if t := mediatype.ByExtension(name[dot:]); t != "" {
			return t, nil
		}
		if t := mime.TypeByExtension(name[dot:]); t != "" {
			return t, nil
		}
	}
	var head [mediatype.SniffLen]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	return mediatype.Sniff(head[:n]), nil
}
