package authcode

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// unsaved are the fields of a request that aren't kept until it's restored: the credentials of the client, which come with the later
// request if they are still good, and what belongs to the connection (RFC 9110, section 7.6.1).
var unsaved = []string{
	"Cookie", "Authorization", "Proxy-Authorization", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
	"Content-Length", "Expect", "Host",
}

var errTooLong = errors.New("it's too long")

// saveRequest makes a text of the request of x, with its body. It fails if that becomes longer than limit.
func saveRequest(x *gateway.Exchange, limit int) (string, error) {
	q := &x.Request
	var b []byte
	for _, s := range []string{q.Method, q.Target, q.Path, q.RawPath, q.RawQuery} {
		b = appendField(b, s)
	}
	kept := slices.DeleteFunc(slices.Clone(q.Header), func(f gateway.Field) bool {
		return slices.ContainsFunc(unsaved, func(name string) bool { return gateway.EqualName(name, f.Name) }) || q.Header.HasToken("Connection", f.Name)
	})
	b = appendNumber(b, int64(len(kept)))
	for _, f := range kept {
		b = appendField(appendField(b, f.Name), f.Value)
	}
	if q.Body != nil {
		if q.ContentLength > int64(limit) {
			return "", errTooLong
		}
		body, err := io.ReadAll(io.LimitReader(q.Body, int64(limit)+1))
		if err != nil {
			return "", err
		}
		b = appendField(b, string(body))
	}
	if len(b) > limit {
		return "", errTooLong
	}
	return string(b), nil
}

// restoreRequest makes the request of x the one that was saved. Cookies are those that x has now. It reports whether
// saved is what saveRequest has made.
func restoreRequest(x *gateway.Exchange, saved string) bool {
	r := readFields([]byte(saved))
	method, target, path, rawPath, rawQuery := r.field(), r.field(), r.field(), r.field(), r.field()
	n := r.number()
	if n < 0 || n > int64(len(saved)) {
		return false
	}
	header := make(gateway.Header, 0, n+1)
	for range n {
		header.Add(r.field(), r.field())
	}
	hasBody := r.more()
	var body string
	if hasBody {
		body = r.field()
	}
	if !r.ok || r.more() || method == "" {
		return false
	}
	q := &x.Request
	for value := range q.Header.Values("Cookie") {
		header.Add("Cookie", value)
	}
	if q.Body != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(q.Body, maxForm)) // of a form, if it hasn't been read yet
	}
	q.Method, q.Target, q.Path, q.RawPath, q.RawQuery, q.Header, q.Trailer = method, target, path, rawPath, rawQuery, header, nil
	q.Body, q.ContentLength = nil, 0
	if hasBody {
		q.Body, q.ContentLength = &savedBody{*bytes.NewReader([]byte(body))}, int64(len(body))
	}
	return true
}

// A savedBody is one that has come already.
type savedBody struct{ bytes.Reader }

// Close does nothing.
func (*savedBody) Close() error { return nil }

// maxForm is how long the form may be that a provider has a browser send.
const maxForm = 64 << 10

// scripted reports whether a browser says that no page is to be shown: that a script, or a page that needs an image, has sent the request. It could
// do nothing with the page of a login.
func scripted(h gateway.Header) bool {
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode != "navigate"
	}
	return strings.EqualFold(h.Get("X-Requested-With"), "XMLHttpRequest")
}

// forged reports whether a browser says that another site has had it send the request, which isn't only to show a page. Restored, it would be one of somebody who has logged
// in, though that site could have sent none as his.
func forged(q *gateway.Request) bool {
	if q.Method == "GET" || q.Method == "HEAD" {
		return false
	}
	if site := q.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := q.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	return origin != "" && !strings.EqualFold(host, q.Host)
}
