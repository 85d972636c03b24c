package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An engine turns the requests of net/http into exchanges.
type engine struct {
	upgrade   func(http.ResponseWriter, *http.Request) bool // to HTTP/2; nil for none
	handler   gateway.Handler
	errors    gateway.ErrorHandler
	altSvc    []string // the values of the Alt-Svc field
	maxHeader int      // 0 is no limit
	options   bool     // answer "OPTIONS *"
	logger    gateway.Logger
	readLimit bodyLimit

	pool sync.Pool // of *exchange

	active   atomic.Int64 // exchanges that are running
	draining atomic.Bool
	idle     chan struct{} // told, while draining, that active is 0

	mu      sync.Mutex
	tunnels map[net.Conn]struct{} // the client's sides of upgraded connections
}

func newEngine(o *Options, h gateway.Handler) *engine {
	g := &engine{
		handler:   h,
		errors:    o.Errors,
		maxHeader: o.MaxHeaderBytes,
		options:   o.GeneralOptions,
		logger:    o.Logger,
		readLimit: bodyLimit{each: o.Listen.ReadDeadline, all: o.ReadTimeout},
		idle:      make(chan struct{}, 1),
		tunnels:   map[net.Conn]struct{}{},
	}
	if o.AltSvc != "" {
		g.altSvc = []string{o.AltSvc}
	}
	g.pool.New = func() any { return newExchange(g) }
	return g
}

// ServeHTTP runs one exchange.
func (g *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.upgrade != nil && g.upgrade(w, r) {
		return
	}
	g.active.Add(1)
	defer g.leave()
	e := g.pool.Get().(*exchange)
	reuse := e.begin(w, r)
	err := e.answer()
	if err == nil {
		err = e.send()
	}
	e.shut()
	e.closeBody()
	e.SendErr = err
	e.Finish()
	e.endUpload()
	if err != nil {
		// e is left to the garbage collector: a goroutine of a handler that panicked, or of
		// a transport, may still know it.
		e.abort()
		return
	}
	if reuse {
		e.reset()
		g.pool.Put(e)
	}
}

func (g *engine) leave() {
	if g.active.Add(-1) == 0 && g.draining.Load() {
		select {
		case g.idle <- struct{}{}:
		default:
		}
	}
}

// wait returns when no exchange is running any more, or ctx has ended.
func (g *engine) wait(ctx context.Context) error {
	g.draining.Store(true)
	for g.active.Load() > 0 {
		select {
		case <-g.idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (g *engine) addTunnel(c net.Conn) {
	g.mu.Lock()
	g.tunnels[c] = struct{}{}
	g.mu.Unlock()
}

func (g *engine) removeTunnel(c net.Conn) {
	g.mu.Lock()
	delete(g.tunnels, c)
	g.mu.Unlock()
}

// closeTunnels ends the upgraded connections from the client's side.
func (g *engine) closeTunnels() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.tunnels {
		_ = c.Close()
	}
}
