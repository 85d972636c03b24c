// Package healthcheck asks upstreams whether they are well, and takes those that aren't out of use.
//
// An upstream is asked by a request of HTTP, or by a connection that is closed again. It is out of use after three checks
// in a row that have failed, and back after two that have not; the very first check decides alone. Until then it is used.
package healthcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// Options are the settings of a Checker.
type Options struct {
	// Balancers have the upstreams. Those that are Active are checked.
	Balancers []*lb.Balancer
	// Transport sends the requests. It should be one of its own, that keeps no connections: a check tells whether there can
	// be a new one. If it has a method Close() error, that is called after each check, to close those that are idle.
	Transport gateway.Handler
	// Dial says how the connections of checks without HTTP are opened.
	Dial dial.Options
	// Logger is told when an upstream is out of use, and when it is back. Nil is nobody.
	Logger gateway.Logger
	// Timeout is how long a check may take; 0 is the interval between checks, but not less than a second and not
	// more than five.
	Timeout time.Duration
	// Fall is how many checks in a row have to fail, and Rise how many have to succeed; 0 is 3 and 2.
	Fall, Rise int
}

const (
	defaultInterval = time.Second
	minTimeout      = time.Second
	maxTimeout      = 5 * time.Second
	defaultFall     = 3
	defaultRise     = 2
)

// A Checker checks upstreams as long as it runs.
type Checker struct {
	options Options
	dialer  *dial.Dialer
	probes  []*probe
}

// New returns a Checker. It fails if the address of a check is malformed.
func New(o Options) (*Checker, error) {
	dialer, err := dial.NewDialer(o.Dial)
	if err != nil {
		return nil, err
	}
	o.Fall, o.Rise = cmp.Or(max(o.Fall, 0), defaultFall), cmp.Or(max(o.Rise, 0), defaultRise)
	c := &Checker{options: o, dialer: dialer}
	var errs []error
	for _, b := range o.Balancers {
		for _, t := range b.Targets() {
			if !t.Active {
				continue
			}
			if err := c.add(t); err != nil {
				errs = append(errs, fmt.Errorf("health check of %v: %w", t, err))
			}
		}
	}
	return c, errors.Join(errs...)
}

// add has t checked. What is checked in the same way already is so once.
func (c *Checker) add(t *lb.Target) error {
	p, err := newProbe(t)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.probes, func(q *probe) bool { return q.what == p.what && q.interval == p.interval && q.delay == p.delay })
	if i < 0 {
		if c.options.Transport == nil && p.network == "" {
			return errors.New("there is no transport")
		}
		i = len(c.probes)
		c.probes = append(c.probes, p)
	}
	c.probes[i].targets = append(c.probes[i].targets, t)
	return nil
}

// Run checks the upstreams until ctx ends.
func (c *Checker) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, p := range c.probes {
		running.Go(func() { c.watch(ctx, p) })
	}
	<-ctx.Done()
	running.Wait()
	c.closeIdle()
	return nil
}

// closeIdle closes what a check may have left open.
func (c *Checker) closeIdle() {
	if t, ok := c.options.Transport.(io.Closer); ok {
		_ = t.Close() // there is nothing to be done about it
	}
}

// watch checks one upstream again and again. Neither do all checks begin at the same time, nor do they meet later.
func (c *Checker) watch(ctx context.Context, p *probe) {
	timeout := c.options.Timeout
	if timeout <= 0 {
		timeout = min(max(p.interval, minTimeout), maxTimeout)
	}
	if !sleep(ctx, max(p.delay, 0)+rand.N(min(p.interval, time.Second))) {
		return
	}
	s := state{fall: 1, rise: 1}
	for {
		began := time.Now()
		within, cancel := context.WithTimeout(ctx, timeout)
		err := p.check(within, c)
		cancel()
		c.closeIdle()
		if ctx.Err() != nil {
			return
		}
		if usable, changed := s.note(err == nil); changed {
			c.tell(p, usable, err)
		}
		s.fall, s.rise = c.options.Fall, c.options.Rise
		next := p.interval*9/10 + rand.N(p.interval/5+1)
		if !sleep(ctx, max(next-time.Since(began), p.interval/10)) {
			return
		}
	}
}

// sleep waits, and reports false if ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A state is what the checks so far say.
type state struct {
	fall, rise int
	down       bool
	streak     int // of checks that say otherwise
}

// note takes the outcome of a check. It reports whether that changes something.
func (s *state) note(well bool) (usable, changed bool) {
	if well != s.down {
		s.streak = 0
		return !s.down, false
	}
	enough := s.fall
	if s.down {
		enough = s.rise
	}
	if s.streak++; s.streak < enough {
		return !s.down, false
	}
	s.down, s.streak = !s.down, 0
	return !s.down, true
}

// tell takes the targets of p out of use, or back into it.
func (c *Checker) tell(p *probe, usable bool, err error) {
	level, msg, why := gateway.LevelInfo, "upstream is well", ""
	if !usable {
		level, msg, why = gateway.LevelWarn, "upstream is not well", "health check failed: "+reason(err)
	}
	var told []string
	for _, t := range p.targets {
		if !t.SetUsable(usable, why) || slices.Contains(told, t.String()) {
			continue
		}
		told = append(told, t.String())
		if log := c.options.Logger; log != nil && log.Enabled(level) {
			attrs := []gateway.Attr{gateway.String("upstream", t.String()), gateway.String("check", p.what)}
			if !usable {
				attrs = append(attrs, gateway.String("reason", reason(err)))
			}
			log.Log(nil, level, msg, attrs...)
		}
	}
}

// reason is err without what the log line says anyway.
func reason(err error) string {
	if e, ok := errors.AsType[*gateway.UpstreamError](err); ok {
		return e.Phase.String() + ": " + e.Err.Error()
	}
	return err.Error()
}
