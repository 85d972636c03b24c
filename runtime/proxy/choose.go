package proxy

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/query"
)

// A balancer is a Balancer made ready.
type balancer struct {
	Balancer
	paths       []rule
	conditional bool // there are conditions besides the path
	several     bool // upstreams
}

func newBalancer(b Balancer) balancer {
	made := balancer{Balancer: b}
	made.conditional = len(b.Methods)+len(b.Hosts)+len(b.Headers)+len(b.Queries)+len(b.PathParams) > 0
	for _, p := range b.Paths {
		made.paths = append(made.paths, rule{Path: p, rawAppend: escape(p.AppendPrefix)})
	}
	return made
}

// choose finds the balancer for x and the path that the upstream gets.
func (p *Handler) choose(x *gateway.Exchange) (*balancer, way, error) {
	if p.index != nil {
		var few [32]int32
		for _, i := range p.index.find(few[:0], x.Request.Path) {
			if way, ok := p.balancers[i].takes(x); ok {
				return &p.balancers[i], way, nil
			}
		}
		return nil, way{}, errNoBalancer(x)
	}
	for i := range p.balancers {
		if way, ok := p.balancers[i].takes(x); ok {
			return &p.balancers[i], way, nil
		}
	}
	return nil, way{}, errNoBalancer(x)
}

// takes reports whether b is for x, and the path that the upstream gets.
func (b *balancer) takes(x *gateway.Exchange) (way, bool) {
	if b.conditional && !b.holds(x) {
		return way{}, false
	}
	for i := range b.paths {
		if way, ok := b.paths[i].apply(&x.Request); ok {
			return way, true
		}
	}
	return way{}, false
}

// holds tests the conditions other than the path.
func (b *balancer) holds(x *gateway.Exchange) bool {
	r := &x.Request
	if len(b.Methods) > 0 && !slices.Contains(b.Methods, r.Method) {
		return false
	}
	if len(b.Hosts) > 0 && !slices.ContainsFunc(b.Hosts, func(h string) bool { return sameHost(h, r.Host) }) {
		return false
	}
	for i := range b.Headers {
		value, ok := r.Header.Joined(b.Headers[i].Key, ",")
		if !ok || !b.Headers[i].Match.Match(value) {
			return false
		}
	}
	for i := range b.Queries {
		value, ok := query.Joined(r.RawQuery, b.Queries[i].Key, ",")
		if !ok || !b.Queries[i].Match.Match(value) {
			return false
		}
	}
	for i := range b.PathParams {
		value := r.Param(b.PathParams[i].Key)
		if value == "" || !b.PathParams[i].Match.Match(value) {
			return false
		}
	}
	return true
}

// sameHost reports whether host, of a request, is the entry of a list. Host names
// have no case (RFC 9110, section 4.2.3).
func sameHost(entry, host string) bool {
	if gateway.EqualName(entry, host) {
		return true
	}
	name, port := cutPort(host)
	return port != "" && gateway.EqualName(entry, name)
}

// cutPort splits "host:port"; "[::1]" has no port.
func cutPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 {
		return host, ""
	}
	return host[:i], host[i+1:]
}
