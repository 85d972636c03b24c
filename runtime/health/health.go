// Package health answers whether the gateway, and what it depends on, is well.
package health

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Probe tells whether something that the gateway depends on is well. It should return
// when ctx ends. The returned context is not looked at.
type Probe interface {
	HealthCheck(ctx context.Context) (context.Context, bool)
}

// Options are the settings of the handler.
type Options struct {
	// Timeout is how long the probes may take altogether; 0 is 30 seconds.
	Timeout time.Duration
	// Probes are asked at the same time. Without any the answer is always that all is well.
	Probes []Probe
}

// New returns a handler that answers 200 and {} if all probes say yes in time. One that
// says no makes it 500, at once; else one that is late makes it 504.
//
// Requests that arrive while a probe runs share its answer, so that neither many requests
// nor a probe that never returns pile up work.
func New(o Options) gateway.Handler {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	h := &handler{timeout: o.Timeout, probes: make([]probe, len(o.Probes))}
	for i, p := range o.Probes {
		h.probes[i].Probe = p
	}
	return h
}

type handler struct {
	timeout time.Duration
	probes  []probe
}

var body = []byte("{}")

// Serve asks the probes.
func (h *handler) Serve(x *gateway.Exchange) error {
	if len(h.probes) > 0 {
		if err := h.ask(x.Context()); err != nil {
			return err
		}
	}
	r := &x.Response
	r.Status = 200
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("X-Content-Type-Options", "nosniff")
	r.Bytes = body
	return nil
}

// ask waits for the probes, but not longer than the timeout.
func (h *handler) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	results := make(chan error, len(h.probes))
	for i := range h.probes {
		run := h.probes[i].start(h.timeout)
		go func() {
			select {
			case <-run.done:
				results <- run.err
			case <-ctx.Done():
				results <- ctx.Err()
			}
		}()
	}
	var late error
	for range h.probes {
		switch err := <-results; err {
		case nil:
		case context.DeadlineExceeded, context.Canceled:
			late = err
		default:
			return err
		}
	}
	if late != nil {
		return &gateway.Error{Status: 504, Message: "a health probe did not answer in time", Cause: late}
	}
	return nil
}

// A probe is a Probe with the run of it that is under way, if one is.
type probe struct {
	Probe
	mu      sync.Mutex
	current *run
}

// A run is one call of a probe.
type run struct {
	done chan struct{}
	err  error // valid when done is closed
}

// start calls the probe, or joins the call that is under way. It does not end with the
// request that began it, because others may have joined.
func (p *probe) start(timeout time.Duration) *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return p.current
	}
	r := &run{done: make(chan struct{})}
	p.current = r
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		r.err = check(ctx, p.Probe)
		p.mu.Lock()
		p.current = nil
		p.mu.Unlock()
		close(r.done)
	}()
	return r
}

// check asks p. A panic is a no, and must not end the process from this goroutine.
func check(ctx context.Context, p Probe) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &gateway.Error{
				Status: 500, Code: "E2132", Kind: "CoreServerRecover",
				Message: "panic in a health probe: " + fmt.Sprint(v), Stack: debug.Stack(),
			}
		}
	}()
	_, ok := p.HealthCheck(ctx)
	if late := ctx.Err(); late != nil {
		return late // whatever it says
	}
	if !ok {
		return &gateway.Error{Status: 500, Message: "a health probe failed"}
	}
	return nil
}
