package static

import (
	"html"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// list answers with a page that links to everything in a folder.
func (h *Handler) list(x *gateway.Exchange, dir *os.File, info fs.FileInfo) error {
	modified := info.ModTime()
	if done, err := h.checkListing(x, modified); done {
		return err
	}
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return h.fail(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		if names[i] = e.Name(); e.IsDir() {
			names[i] += "/"
		}
	}
	x.Response.Header.Set("Last-Modified", formatTime(modified))
	h.sendListing(x, listingPage(names))
	return nil
}

// checkListing evaluates the conditions of a request for a list, and answers if they aren't met.
func (s *site) checkListing(x *gateway.Exchange, modified time.Time) (done bool, err error) {
	switch evaluate(&x.Request, "", modified) {
	case conditionFails:
		return true, s.refuse(412, "412 Precondition Failed", nil)
	case notModified:
		s.setGeneral(x)
		if !modified.IsZero() {
			x.Response.Header.Set("Last-Modified", formatTime(modified))
		}
		x.Response.Status, x.Response.ContentLength = 304, -1
		return true, nil
	}
	return false, nil
}

func (s *site) sendListing(x *gateway.Exchange, page []byte) {
	s.setGeneral(x)
	r := &x.Response
	r.Header.Set("Content-Type", "text/html; charset=utf-8")
	r.Status, r.ContentLength = 200, int64(len(page))
	if x.Request.Method != "HEAD" {
		r.Bytes = page
	}
}

// listingPage makes the page of a folder. Names of folders end in a slash.
func listingPage(names []string) []byte {
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/")) })
	page := []byte("<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n")
	for _, name := range names {
		link := url.URL{Path: name} // puts "./" before a name with a colon
		page = append(page, `<a href="`...)
		page = append(page, html.EscapeString(link.String())...)
		page = append(page, `">`...)
		page = append(page, html.EscapeString(name)...)
		page = append(page, "</a>\n"...)
	}
	return append(page, "</pre>\n"...)
}
