package http3transport

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// A pool keeps the connections to all upstreams. It is a transport.RoundTripper.
type pool struct {
	dialer  *dialer
	mu      sync.RWMutex
	origins map[string]*origin // by Host of requests
}

func newPool(d *dialer) *pool { return &pool{dialer: d, origins: make(map[string]*origin)} }

// An origin is an upstream with the connections to it.
type origin struct {
	dialer *dialer
	addr   string // with port

	mu      sync.Mutex
	conns   []*conn
	dialing *dialing      // nil if nobody dials
	opened  uint64        // how many connections there have been
	failed  time.Time     // when nobody could be reached, though there are connections
	room    chan struct{} // told that a request may go out now
}

// A dialing is an attempt to connect that any number of requests wait for.
type dialing struct {
	done chan struct{}
	err  error
}

func (p *pool) origin(host string) *origin {
	p.mu.RLock()
	o := p.origins[host]
	p.mu.RUnlock()
	if o != nil {
		return o
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o = p.origins[host]; o == nil {
		o = &origin{dialer: p.dialer, addr: hostPort(host), room: make(chan struct{}, 1)}
		p.origins[host] = o
	}
	return o
}

// CloseIdleConnections closes the connections without a request.
func (p *pool) CloseIdleConnections() {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, o := range p.origins {
		o.mu.Lock()
		all := o.conns
		o.mu.Unlock()
		for _, c := range all {
			c.closeIfIdle()
		}
	}
}

// RoundTrip sends req, and sends it again, once, if it is sure not to have been processed, or may be processed
// twice (RFC 9110, section 9.2.2).
func (p *pool) RoundTrip(req *http.Request, begun *atomic.Bool) (*http.Response, error) {
	o := p.origin(req.URL.Host)
	trace := httptrace.ContextClientTrace(req.Context())
	sent := false // in an earlier attempt
	for again := false; ; {
		c, fresh, phase, err := o.acquire(req.Context())
		if err != nil {
			closeBody(req)
			return nil, &gateway.UpstreamError{
				Method: req.Method, Scheme: req.URL.Scheme, Host: req.URL.Host, Phase: phase, Sent: sent, Err: err,
			}
		}
		begun.Store(false)
		if trace != nil && trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Reused: !fresh})
		}
		resp, err := c.roundTrip(req, begun)
		switch {
		case err == nil:
			return resp, nil
		case err == errFull: // the next one will have room, or is opened
			continue
		case again || req.Context().Err() != nil || !mayRepeat(req, err, begun.Load(), fresh):
			closeBody(req)
			begun.Store(begun.Load() || sent)
			return nil, err
		}
		again, sent = true, begun.Load()
		o.remove(c)
		if begun.Load() && req.GetBody != nil {
			req.Body, _ = req.GetBody() // of memory: it never fails
		}
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// patience is how long after a failed attempt to open one more connection requests wait for those that there are.
const patience = time.Second

// acquire returns a connection that may take one more request, and whether nobody has used it before; or an error, and what
// has failed.
func (o *origin) acquire(ctx context.Context) (c *conn, fresh bool, phase gateway.Phase, err error) {
	for {
		o.mu.Lock()
		c, fresh = o.pick()
		if c != nil {
			o.mu.Unlock()
			return c, fresh, gateway.PhaseSend, nil
		}
		var dialed chan struct{}
		if len(o.conns) == 0 || time.Since(o.failed) > patience {
			if o.dialing == nil {
				o.dialing = &dialing{done: make(chan struct{})}
				go o.dial(o.dialing)
			}
			dialed = o.dialing.done
		}
		d := o.dialing
		o.mu.Unlock()
		select {
		case <-dialed:
			if d.err != nil && o.isEmpty() {
				return nil, false, phaseOf(d.err), d.err
			}
		case <-o.room:
		case <-ctx.Done():
			phase = gateway.PhaseConnect
			if !o.isEmpty() { // what it waits for are other requests
				phase = gateway.PhasePrepare
			}
			return nil, false, phase, ctx.Err()
		}
	}
}

// pick takes the connection with the fewest requests, nil if none has room. Its caller holds o.mu.
func (o *origin) pick() (best *conn, fresh bool) {
	least, current := 0, o.dialer.tls.Config()
	for i := 0; i < len(o.conns); i++ {
		c := o.conns[i]
		if c.isClosed() || c.tls != current { // the files have changed
			o.conns = append(o.conns[:i:i], o.conns[i+1:]...)
			i--
			c.endWhenIdle()
			continue
		}
		if n := c.load(); n >= 0 && (best == nil || n < least) {
			best, least = c, n
		}
	}
	if best == nil {
		return nil, false
	}
	fresh, more := best.take(o.freed)
	if more { // for whoever else waits
		o.freed()
	}
	return best, fresh
}

// freed tells one that waits that there is room.
func (o *origin) freed() {
	select {
	case o.room <- struct{}{}:
	default:
	}
}

func (o *origin) isEmpty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns) == 0
}

// dial opens a connection on behalf of all that wait for one. It doesn't end with any of them.
func (o *origin) dial(d *dialing) {
	c, err := o.dialer.dial(context.Background(), o.addr)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dialing = nil
	if d.err = err; err != nil {
		o.failed = time.Now()
	} else {
		o.failed = time.Time{}
		o.opened++
		o.conns = append(o.conns, c)
		c.retire = func() { o.remove(c) }
	}
	close(d.done)
	o.freed()
}

// measure counts the connections.
func (o *origin) measure() upstreamstats.Conns {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := upstreamstats.Conns{Opened: o.opened}
	if o.dialing != nil {
		m.Open++
	}
	for _, c := range o.conns {
		if c.isClosed() {
			continue
		}
		m.Open++
		if c.load() == 0 {
			m.Idle++
		}
	}
	return m
}

// remove keeps further requests from c, which ends with the last one that it has.
func (o *origin) remove(c *conn) {
	o.mu.Lock()
	for i, other := range o.conns {
		if other == c {
			o.conns = append(o.conns[:i:i], o.conns[i+1:]...)
			break
		}
	}
	o.mu.Unlock()
	c.endWhenIdle()
}
