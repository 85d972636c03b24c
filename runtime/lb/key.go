package lb

import (
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/query"
)

// A Key is what tells requests apart: requests of the same key go to the same
// upstream. Requests that lack it all have the key "".
type Key func(x *gateway.Exchange) string

func (k Key) hash(x *gateway.Exchange) uint64 { return xxhash.Sum64String(k(x)) }

// ClientAddr is the "ip:port" of the connection.
func ClientAddr() Key {
	return func(x *gateway.Exchange) string { return x.Request.RemoteAddr }
}

// Header is the value of the first header field of that name.
func Header(name string) Key {
	return func(x *gateway.Exchange) string { return x.Request.Header.Get(name) }
}

// Query is the first value of that name in the query of the URL.
func Query(name string) Key {
	return func(x *gateway.Exchange) string {
		value, _ := query.Get(x.Request.RawQuery, name)
		return value
	}
}

// PathParam is what the wildcard of that name stands for in the route's pattern.
func PathParam(name string) Key {
	return func(x *gateway.Exchange) string { return x.Request.Param(name) }
}

// Cookie is the value of the first cookie of that name.
func Cookie(name string) Key {
	return func(x *gateway.Exchange) string {
		for i := range x.Request.Header {
			f := &x.Request.Header[i]
			if !gateway.EqualName(f.Name, "Cookie") {
				continue
			}
			if value, ok := cookie(f.Value, name); ok {
				return value
			}
		}
		return ""
	}
}

// cookie finds name in a Cookie field (RFC 6265, section 4.2.1).
func cookie(list, name string) (value string, ok bool) {
	for list != "" {
		var pair string
		pair, list, _ = strings.Cut(list, ";")
		n, v, _ := strings.Cut(pair, "=")
		if strings.Trim(n, " \t") != name {
			continue
		}
		v = strings.Trim(v, " \t")
		if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		return v, true
	}
	return "", false
}
