package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An Engine turns the requests of net/http into exchanges. A [Server] has one; so has a server of another
// protocol that makes such requests.
//
// On writers of such a protocol, which ServeHTTP gets with requests of HTTP/3, it asks for more than
// http.ResponseWriter: they are an [Ender], and a http.Hijacker if the request may be answered by a
// 101 (Switching Protocols), which stands for the protocol's own way to say so.
type Engine struct {
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

// An Ender is a http.ResponseWriter that is told of the end of the response. End sends what is left, and the
// trailer, if there is one; no other method is called after it.
type Ender interface {
	End(trailer gateway.Header) error
}

// NewEngine returns an engine whose requests h answers. Of o, it looks at what is about requests and
// responses: Listen.ReadDeadline, ReadTimeout, MaxHeaderBytes, GeneralOptions, AltSvc, Errors and Logger.
func NewEngine(o *Options, h gateway.Handler) *Engine {
	g := &Engine{
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

// ServeHTTP runs one exchange. It panics with http.ErrAbortHandler if the client must notice that the response
// was cut off.
func (g *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

func (g *Engine) leave() {
	if g.active.Add(-1) == 0 && g.draining.Load() {
		select {
		case g.idle <- struct{}{}:
		default:
		}
	}
}

// Wait returns when no exchange is running any more, or ctx has ended.
func (g *Engine) Wait(ctx context.Context) error {
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

func (g *Engine) addTunnel(c net.Conn) {
	g.mu.Lock()
	g.tunnels[c] = struct{}{}
	g.mu.Unlock()
}

func (g *Engine) removeTunnel(c net.Conn) {
	g.mu.Lock()
	delete(g.tunnels, c)
	g.mu.Unlock()
}

// CloseTunnels ends the upgraded connections from the client's side.
func (g *Engine) CloseTunnels() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.tunnels {
		_ = c.Close()
	}
}
