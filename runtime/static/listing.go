package static

import (
	"html"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// list answers with a page that links to everything in a folder.
func (h *Handler) list(x *gateway.Exchange, dir *os.File, info fs.FileInfo) error {
	modified := info.ModTime()
	switch evaluate(&x.Request, "", modified) {
	case conditionFails:
		return h.refuse(412, "412 Precondition Failed", nil)
	case notModified:
		h.setGeneral(x)
		x.Response.Header.Set("Last-Modified", formatTime(modified))
		x.Response.Status, x.Response.ContentLength = 304, -1
		return nil
	}
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return h.fail(err)
	}
	page := listingPage(entries)
	h.setGeneral(x)
	r := &x.Response
	r.Header.Set("Last-Modified", formatTime(modified))
	r.Header.Set("Content-Type", "text/html; charset=utf-8")
	r.Status, r.ContentLength = 200, int64(len(page))
	if x.Request.Method != "HEAD" {
		r.Bytes = page
	}
	return nil
}

func listingPage(entries []fs.DirEntry) []byte {
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	page := []byte("<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n")
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		link := url.URL{Path: name} // puts "./" before a name with a colon
		page = append(page, `<a href="`...)
		page = append(page, html.EscapeString(link.String())...)
		page = append(page, `">`...)
		page = append(page, html.EscapeString(name)...)
		page = append(page, "</a>\n"...)
	}
	return append(page, "</pre>\n"...)
}
