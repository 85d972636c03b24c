// Package proxy is the reverse proxy: it chooses an upstream for a request, sends the
// request there, and passes the response on.
//
// The round tripper is a [gateway.Handler] that serves a leg, an exchange of its own with
// the upstream. Whatever the client and the upstream send is passed on as it is, but for
// what concerns only one connection (RFC 9110, section 7.6.1).
package proxy

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// Options are the options of a proxy.
type Options struct {
	// Transport sends a request and fills in the response. Request.Scheme and Host of the
	// leg say where to; Host is also the Host field. A field User-Agent is sent only
	// if the leg has one.
	Transport gateway.Handler
	// Balancers are asked in order. The first that matches takes the request, even if
	// none of its upstreams is usable. If none matches, the request is refused with 404.
	Balancers []Balancer
	// Logger is told when an upstream is taken out of use because requests to it fail, when it is back, and when a request goes
	// to another upstream since one can't be reached. Nil is nobody.
	Logger gateway.Logger
	// Stats are where requests are counted. Nil counts nothing.
	Stats *upstreamstats.Group
}

// A Balancer is a load balancer and the requests that it's for. All conditions have to
// hold; an empty list is none, but for Paths.
type Balancer struct {
	Methods []string
	// Hosts are compared with the Host of the request, case ignored; its port counts only
	// for an entry that has a port.
	Hosts []string
	// Headers, Queries and PathParams test the values of a header field or of a query
	// parameter, joined by ",", and the value of a wildcard of the route. Each of them has
	// to be there and to match.
	Headers, Queries, PathParams []Param
	// Paths are tried in order until one matches, which also makes the path that the
	// upstream gets. Without any, the load balancer is never chosen.
	Paths []Path
	// Upstreams picks the upstream.
	Upstreams *lb.Balancer
}

// A Param is a condition for a named value.
type Param struct {
	Key   string
	Match match.Matcher
}

// A Path is a condition for the decoded path of a request, and says what becomes of it.
type Path struct {
	// TrimPrefix is cut off first, once, if the path begins with it.
	TrimPrefix string
	// Match tests the rest.
	Match match.Matcher
	// Rewrite, if set, is asked instead of Match, and returns what to send in place of
	// the rest. See package rematch.
	Rewrite func(rest string) (path string, ok bool)
	// AppendPrefix is put before the rest.
	AppendPrefix string
}

// A Handler is a reverse proxy.
type Handler struct {
	transport gateway.Handler
	logger    gateway.Logger
	balancers []balancer
	index     *index // nil to ask all
	legs      sync.Pool
}

// New returns a proxy. It fails if the URL of an upstream is malformed.
func New(o Options) (*Handler, error) {
	if o.Transport == nil {
		return nil, errors.New("proxy: there is no transport")
	}
	p := &Handler{transport: o.Transport, logger: o.Logger}
	for i, b := range o.Balancers {
		if b.Upstreams == nil {
			b.Upstreams = new(lb.Balancer) // picks none
		}
		if err := b.Upstreams.Err(); err != nil {
			return nil, fmt.Errorf("proxy: load balancer %d: %w", i+1, err)
		}
		if o.Stats != nil {
			for _, t := range b.Upstreams.Targets() {
				t.Counts = o.Stats.Add(t, t.Scheme, t.Host)
			}
		}
		made := newBalancer(b)
		made.several = len(b.Upstreams.Targets()) > 1
		p.balancers = append(p.balancers, made)
	}
	p.index = newIndex(p.balancers)
	p.legs.New = func() any { return newLeg(p) }
	return p, nil
}

// Serve has an upstream answer the request of x.
func (p *Handler) Serve(x *gateway.Exchange) error {
	if x.Request.Method == "CONNECT" {
		return errConnect()
	}
	if err := x.RunOnUpstream(); err != nil {
		return err
	}
	b, way, err := p.choose(x)
	if err != nil {
		return err
	}
	to := b.Upstreams.Pick(x)
	if to == nil {
		return errUnavailable(x, b.Upstreams)
	}
	l, err := p.try(x, to, b, way)
	if err != nil && b.several {
		return p.tryOthers(x, l, b, way, err)
	}
	return err
}

// try sends the request to one upstream.
func (p *Handler) try(x *gateway.Exchange, to *lb.Target, b *balancer, w way) (*leg, error) {
	l := p.legs.Get().(*leg)
	x.Leg(&l.Exchange)
	x.OnDone(l.release) // before those that tripperware registers, so it's run after them
	l.request(x, to, b, w)
	l.begin(to)
	if err := p.transport.Serve(&l.Exchange); err != nil {
		return l, l.failed(x, err)
	}
	if err := l.answer(x, to); err != nil {
		return l, l.failed(x, err)
	}
	l.answered(x)
	return l, nil
}

// A leg is the exchange with the upstream. It's reused once the response is out.
type leg struct {
	gateway.Exchange
	upgrade string      // the protocols that the client asked for
	body    *clientBody // of the request; nil if there is none

	handler *Handler
	to      *lb.Target    // nil when nothing more is to be told of it
	fine    bool          // it has answered well
	began   time.Duration // if that is measured

	// Made once, so that a request doesn't have to.
	release func(*gateway.Exchange)
	interim func(status int, h gateway.Header) error
}

func newLeg(p *Handler) *leg {
	l := &leg{handler: p}
	l.release = func(x *gateway.Exchange) {
		l.end(x)
		l.discard()
		l.Reset()
		l.upgrade, l.body = "", nil
		p.legs.Put(l)
	}
	l.interim = func(status int, h gateway.Header) error {
		stripHopByHop(&h, false)
		return l.Parent.Interim(status, h)
	}
	return l
}

// discard closes what hasn't been handed to the client.
func (l *leg) discard() {
	if b := l.Response.Body; b != nil {
		_ = b.Close() // the exchange has failed already
	}
	if c := l.Response.Conn; c != nil {
		_ = c.Close()
	}
}
