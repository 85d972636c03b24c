package kinds

import (
	"net/url"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var reverseProxyHandler = Kind{
	APIVersion: "core/v1",
	Name:       "ReverseProxyHandler",
	Roles:      []Role{Handler},
	New:        func() Spec { return &ReverseProxyHandlerSpec{} },
}

// ReverseProxyHandlerSpec is the spec of a ReverseProxyHandler, which sends requests to
// upstreams and passes on what they answer: status, headers, body and trailers, as they come. Upgraded
// connections (WebSocket) and interim responses pass, too.
//
// The upstream gets the Host of its URL; that of the request is in X-Forwarded-Host, next to X-Forwarded-For, -Port
// (of the client) and -Proto. Of these, only the X-Forwarded-For of the client is kept, and extended. Headers that
// concern only one connection are not passed on.
//
// The answer is 404 if no load balancer matches, 503 if the one that does has no usable upstream, 502 if the upstream can't be reached
// or breaks off, and 504 if it's too slow. (AILERON Gateway answers 502 instead of 503 and 500 instead of 502.)
// The log names the upstream, and what was being done with it. A request that no upstream can have seen yet, because there is no connection to the one that was
// chosen, goes to the other ones of the load balancer, each once.
// A path that would get a segment "." or ".." by trimPrefix or rewrite doesn't match.
// Upgrades to h2c are not passed on: their requests would bypass the gateway.
type ReverseProxyHandlerSpec struct {
	// Patterns are the paths that the handler wants to be mounted at.
	Patterns []string `json:"patterns" unique:"true"`
	// Methods are the methods that the handler answers. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// Tripperwares are what requests to upstreams pass, the first outermost.
	Tripperwares []resource.Ref `json:"tripperwares" role:"Tripperware"`
	// RoundTripper sends the requests, an HTTPClient for instance. Unset stands for a client with sensible settings.
	RoundTripper resource.Ref `json:"roundTripper" role:"RoundTripper"`
	// LoadBalancers are asked in order. The first that matches takes the request.
	LoadBalancers []LoadBalancerSpec `json:"loadBalancers"`
}

// Route returns where the handler wants to be mounted.
func (s *ReverseProxyHandlerSpec) Route() ([]string, []HTTPMethod) { return s.Patterns, s.Methods }

// UsesUpstreams tells that upstreams are asked.
func (s *ReverseProxyHandlerSpec) UsesUpstreams() bool { return true }

// Check reports load balancers that can't work or that get no requests.
func (s *ReverseProxyHandlerSpec) Check(c *Check) {
	if len(s.LoadBalancers) == 0 {
		c.Warnf(&s.LoadBalancers, diag.NoEffect, "without loadBalancers the answer to all requests is 404")
	}
	for i := range s.LoadBalancers {
		later := &s.LoadBalancers[i]
		later.check(c)
		for j := range i {
			if earlier := &s.LoadBalancers[j]; earlier.covers(c, later) {
				c.Findings.Warnf(c.Values.Pos(later), diag.UnreachableRoute, "no request gets to this load balancer").
					Notef(c.Values.Pos(earlier), "this one takes all that match it")
				break
			}
		}
	}
}

// Lower returns the proxy.
func (s *ReverseProxyHandlerSpec) Lower(l *Lower) ir.Expr {
	transport := l.Use(&s.RoundTripper, RoundTripper)
	if transport == nil {
		transport = defaultTransport(l)
	}
	s.checkSchemes(l)
	balancers := ir.List{Elem: ir.Runtime("proxy.Balancer")}
	checked := ir.List{Elem: ir.Name{Path: ir.Module + "/runtime/lb", Ident: "*Balancer"}}
	several := false
	for i := range s.LoadBalancers {
		b := &s.LoadBalancers[i]
		upstreams := b.upstreams(l)
		balancers.Items = append(balancers.Items, b.lower(l, upstreams))
		if _, named := upstreams.(ir.Ref); named {
			checked.Items = append(checked.Items, upstreams)
		}
		several = several || b.usable() > 1
	}
	if len(checked.Items) > 0 {
		l.Link.AddRunner(s.healthChecks(l, checked))
	}
	fields := []ir.Field{
		ir.Set("Transport", l.Chain(s.Tripperwares, Tripperware, transport)),
		ir.Set("Balancers", balancers),
	}
	if several {
		fields = append(fields, ir.Set("Logger", l.Logger()))
	}
	if stats := l.Link.UpstreamStats(); stats != nil {
		fields = append(fields, ir.Set("Stats", ir.Call{
			Fun: ir.Select{X: stats, Name: "Group"}, Args: []ir.Expr{ir.String(l.ID.Namespace + "/" + l.ID.Name), s.pool(l, transport)},
		}))
	}
	return l.Try("proxy.New", l.Struct("proxy.Options", fields...))
}

// checkSchemes reports upstreams that the client can't send requests to.
func (s *ReverseProxyHandlerSpec) checkSchemes(l *Lower) {
	target := l.Link.Target(&s.RoundTripper)
	if target == nil {
		return
	}
	client, ok := target.Spec.(*HTTPClientSpec)
	if !ok || client.HTTP3TransportConfig == nil {
		return
	}
	for i := range s.LoadBalancers {
		upstreams := s.LoadBalancers[i].Upstreams
		for j := range upstreams {
			if u, err := url.Parse(upstreams[j].URL); err == nil && u.Scheme == "http" {
				l.Errorf(&upstreams[j].URL, diag.BadURL, "the roundTripper is a client of HTTP/3, which is spoken to https upstreams only")
			}
		}
	}
}

// defaultTransport sends the requests of resources that name no round tripper.
func defaultTransport(l *Lower) ir.Expr {
	return l.Link.Builtin("default-transport", "the default transport", func() ir.Expr { return standardTransport(l) })
}
