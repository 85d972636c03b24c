package authcode

import (
	"net/url"
	"slices"
	"strings"
)

// A param is one of the parameters of an authorization request.
type param struct{ name, value string }

// params are those of an authorization request, in the order in which they are sent.
type params []param

func (p *params) add(name, value string) { *p = append(*p, param{name, value}) }

// override sets a parameter: in its place if it's there, or else at the end.
func (p *params) override(name, value string) {
	for i := range *p {
		if (*p)[i].name == name {
			(*p)[i].value = value
			return
		}
	}
	p.add(name, value)
}

// only returns the parameters of these names.
func (p params) only(names ...string) (some params) {
	for _, q := range p {
		if slices.Contains(names, q.name) {
			some = append(some, q)
		}
	}
	return some
}

// encode writes p as a query (and a form: it's the same).
func (p params) encode() string {
	var b strings.Builder
	for i, q := range p {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(q.name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(q.value))
	}
	return b.String()
}

// appendQuery appends a query to a URL, which may have one already (RFC 6749, section 3.1) and a fragment.
func appendQuery(endpoint, query string) string {
	endpoint, _, _ = strings.Cut(endpoint, "#")
	sep := "?"
	if _, old, ok := strings.Cut(endpoint, "?"); ok {
		if sep = "&"; old == "" || strings.HasSuffix(old, "&") {
			sep = ""
		}
	}
	return endpoint + sep + query
}
