package static

import (
	"net/url"
	"path"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A site is what handlers have in common, wherever their files are.
type site struct {
	strip   string
	index   bool
	listing bool

	header      gateway.Header // of files
	general     gateway.Header // of all other responses
	etag        string         // what Header says of it; "" for by file
	ownETag     bool           // Header says something of it
	contentType string         // "" for by file
	encoded     bool           // Header has a Content-Encoding
}

func newSite(o *Options) site {
	s := site{strip: o.StripPrefix, index: o.Index, listing: o.Listing}
	s.header = gateway.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}}
	s.general = gateway.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}}
	for _, f := range o.Header {
		s.header.Set(f.Name, f.Value)
		if !describesFile(f.Name) {
			s.general.Set(f.Name, f.Value)
		}
	}
	s.contentType = s.header.Get("Content-Type")
	s.encoded = s.header.Has("Content-Encoding")
	s.ownETag = s.header.Has("ETag")
	if etag, rest := scanETag(s.header.Get("ETag")); rest == "" {
		s.etag = etag
	}
	return s
}

// describesFile reports whether a field belongs to the file alone (RFC 9110, section 8).
func describesFile(name string) bool {
	return len(name) > 8 && gateway.EqualName(name[:8], "Content-") && !gateway.EqualName(name, "Content-Security-Policy") ||
		gateway.EqualName(name, "ETag") || gateway.EqualName(name, "Last-Modified") || gateway.EqualName(name, "Accept-Ranges")
}

// resolve returns the name of the file that is asked for, relative to the root, which is ".". It's empty if the exchange
// is answered, or refused by the error.
func (s *site) resolve(x *gateway.Exchange) (name string, endsInSlash bool, err error) {
	if m := x.Request.Method; m != "GET" && m != "HEAD" {
		return "", false, s.refuse(405, "405 Method Not Allowed", nil, gateway.Field{Name: "Allow", Value: "GET, HEAD"})
	}
	name, ok := strings.CutPrefix(x.Request.Path, s.strip)
	if !ok {
		return "", false, s.refuse(404, notFound, nil)
	}
	if s.index && (strings.HasSuffix(name, "/index.html") || name == "index.html") {
		s.redirect(x, "./")
		return "", false, nil
	}
	endsInSlash = name == "" || name[len(name)-1] == '/'
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	if name = path.Clean(name)[1:]; name == "" {
		name = "."
	}
	return name, endsInSlash, nil
}

// redirect answers with a reference that is relative to the request's URL, so that
// it holds whatever stands in front of the gateway.
func (s *site) redirect(x *gateway.Exchange, location string) {
	if q := x.Request.RawQuery; q != "" {
		location += "?" + q
	}
	s.setGeneral(x)
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

func (s *site) setGeneral(x *gateway.Exchange) {
	for _, f := range s.general {
		x.Response.Header.Set(f.Name, f.Value)
	}
}

const notFound = "404 page not found"

func (s *site) refuse(status int, text string, cause error, more ...gateway.Field) error {
	return &gateway.Error{
		Status: status, Code: "E2140", Kind: "CoreStaticServer",
		Message: "failed to serve static file. " + text,
		Cause:   cause,
		Header:  append(more, s.general...),
	}
}
