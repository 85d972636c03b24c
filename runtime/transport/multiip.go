package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A spread sends the requests to a name to all addresses of that name in turn. HTTP/2 needs
// but one connection, and so one address, for any number of requests; behind a name
// there may be many upstreams, though (a headless service of Kubernetes).
type spread struct {
	template *generations
	interval time.Duration
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)

	mu    sync.RWMutex
	names map[origin]*name
}

type origin struct{ scheme, host string }

const (
	lookupTimeout = 2 * time.Second
	// failureInterval is how long a failed look-up counts.
	failureInterval = 2 * time.Second
)

func newSpread(template *generations, interval time.Duration) *spread {
	return &spread{template, interval, net.DefaultResolver.LookupNetIP, sync.RWMutex{}, make(map[origin]*name)}
}

// A name is an upstream with its addresses and the connections to them.
type name struct {
	spread     *spread
	host, port string
	engines    *generations
	next       atomic.Uint32

	mu    sync.Mutex // held during a look-up
	known atomic.Pointer[addresses]
}

type addresses struct {
	list []string // with port
	err  error    // why there are none
	at   time.Time
}

// RoundTrip sends req to the next address. An address that can't be connected to is
// passed over.
func (s *spread) RoundTrip(req *http.Request) (*http.Response, error) {
	n, err := s.name(req.URL.Scheme, req.URL.Host)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	list, err := n.addresses(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	req.Host = req.URL.Host
	body, _ := req.Body.(*streamed)
	if body != nil {
		body.keep.Store(true)
	}
	start := int(n.next.Add(1))
	var resp *http.Response
	for i := range list {
		req.URL.Host = list[(start+i)%len(list)]
		resp, err = n.engines.engine().RoundTrip(req)
		if !dialFailed(err) || req.Context().Err() != nil {
			break
		}
	}
	if err != nil && body != nil {
		body.keep.Store(false)
		closeBody(req)
	}
	return resp, err
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// dialFailed reports whether nothing can have been sent.
func dialFailed(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func (s *spread) name(scheme, host string) (*name, error) {
	key := origin{scheme, host}
	s.mu.RLock()
	n := s.names[key]
	s.mu.RUnlock()
	if n != nil {
		return n, nil
	}
	bare, port := host, "80"
	if scheme == "https" {
		port = "443"
	}
	if h, p, err := net.SplitHostPort(host); err == nil {
		bare, port = h, p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.names[key]; n != nil {
		return n, nil
	}
	engine := s.template.last.Load().Clone()
	// For the name net/http would take the address.
	n = &name{spread: s, host: bare, port: port, engines: newGenerations(engine, s.template.tls, bare)}
	s.names[key] = n
	return n, nil
}

// addresses returns what the name resolves to, which may be out of date while it is looked up anew.
func (n *name) addresses(ctx context.Context) ([]string, error) {
	known := n.known.Load()
	switch {
	case known.fresh(n.spread.interval):
	case known == nil || known.err != nil:
		n.mu.Lock()
		if known = n.known.Load(); !known.fresh(n.spread.interval) { // or another request has been here
			known = n.resolve(ctx)
		}
		n.mu.Unlock()
	case n.mu.TryLock():
		go func() {
			n.resolve(context.Background())
			n.mu.Unlock()
		}()
	}
	return known.list, known.err
}

// fresh reports whether there is no need to look up again.
func (a *addresses) fresh(interval time.Duration) bool {
	switch {
	case a == nil:
		return false
	case a.err != nil:
		return time.Since(a.at) < failureInterval
	}
	return interval == 0 || time.Since(a.at) < interval
}

// resolve looks the name up and keeps the outcome, an error only if nothing better is
// known. Its caller holds n.mu.
func (n *name) resolve(ctx context.Context) *addresses {
	// The outcome is for other requests, too: it shouldn't fail because one has been given up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	found := new(addresses)
	ips, err := n.spread.lookup(ctx, "ip", n.host)
	for _, ip := range ips {
		found.list = append(found.list, net.JoinHostPort(ip.Unmap().String(), n.port))
	}
	if err == nil && len(ips) == 0 {
		err = errNoAddress
	}
	if found.err = err; err != nil {
		if before := n.known.Load(); before != nil && before.err == nil {
			found.list, found.err = before.list, nil
		}
	}
	found.at = time.Now()
	n.known.Store(found)
	return found
}

var errNoAddress = errors.New("its name has no address")

func (s *spread) close() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range s.names {
		n.engines.engine().CloseIdleConnections()
	}
}
