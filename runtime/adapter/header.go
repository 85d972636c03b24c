package adapter

import (
	"net/http"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Header returns the fields of h as a map with canonical names.
func Header(h gateway.Header) http.Header {
	m := make(http.Header, len(h))
	values := make([]string, len(h)) // one array for all values
	for i, f := range h {
		name := http.CanonicalHeaderKey(f.Name)
		if old, ok := m[name]; ok {
			m[name] = append(old, f.Value)
			continue
		}
		values[i] = f.Value
		m[name] = values[i : i+1 : i+1]
	}
	return m
}

// Fields returns the fields of m as a list. Those that are in like as well come first,
// in the order and spelling that they have there; the others follow in alphabetical
// order. like may be nil.
func Fields(m http.Header, like gateway.Header) gateway.Header {
	return fields(m, like, func(string) bool { return true })
}

func fields(m http.Header, like gateway.Header, keep func(name string) bool) gateway.Header {
	n := 0
	for name, values := range m {
		if keep(name) {
			n += len(values)
		}
	}
	list := make(gateway.Header, 0, n)
	for i, f := range like {
		name := http.CanonicalHeaderKey(f.Name)
		values := m[name]
		nth := count(like[:i], f.Name)
		if nth >= len(values) || !keep(name) {
			continue
		}
		list.Add(f.Name, values[nth])
		if like[i+1:].Has(f.Name) {
			continue
		}
		for _, added := range values[nth+1:] {
			list.Add(f.Name, added)
		}
	}
	if len(list) == n {
		return list
	}
	names := make([]string, 0, len(m))
	for name := range m {
		if keep(name) && (name != http.CanonicalHeaderKey(name) || !like.Has(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range m[name] {
			list.Add(name, value)
		}
	}
	return list
}

// count returns how many fields of h have that name.
func count(h gateway.Header, name string) int {
	n := 0
	for i := range h {
		if gateway.EqualName(h[i].Name, name) {
			n++
		}
	}
	return n
}

// responseFields are the fields of a response: all but framing and unannounced trailers.
func responseFields(m http.Header, like gateway.Header) gateway.Header {
	return fields(m, like, func(name string) bool {
		switch name {
		case "Connection", "Content-Length", "Transfer-Encoding":
			return false
		}
		return !strings.HasPrefix(name, http.TrailerPrefix)
	})
}

// announced are the names in the Trailer fields of m (RFC 9110, section 6.6.2).
func announced(m http.Header) []string {
	var names []string
	for _, value := range m["Trailer"] {
		for name := range gateway.SplitList(value) {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	return names
}

// trailerFields are the fields that m holds for the trailer: the announced ones, and
// those that begin with http.TrailerPrefix.
func trailerFields(m http.Header, names []string) gateway.Header {
	var list gateway.Header
	for _, name := range names {
		for _, value := range m[name] {
			list.Add(name, value)
		}
	}
	var prefixed []string
	for name := range m {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			prefixed = append(prefixed, name)
		}
	}
	slices.Sort(prefixed)
	for _, name := range prefixed {
		for _, value := range m[name] {
			list.Add(strings.TrimPrefix(name, http.TrailerPrefix), value)
		}
	}
	return list
}
