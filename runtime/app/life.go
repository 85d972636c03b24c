package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A life is one run of a gateway, from its first socket to its last finalizer.
type life struct {
	gateway  *Gateway
	complain func(format string, args ...any)
	failed   bool
}

func (l *life) run(ctx context.Context) (code int) {
	g := l.gateway
	if len(g.Runners) == 0 {
		return exitOK
	}
	defer func() {
		// In any case, since components may hold what finalizers give back.
		if l.finalize(); code == exitOK && l.failed {
			code = exitFailed
		}
	}()
	if err := l.prepare(); err != nil {
		l.complain("%v", err)
		return exitStart
	}
	l.serve(ctx)
	return exitOK
}

// prepare does what comes before the runners run: first their addresses, as they are
// what fails most often.
func (l *life) prepare() (err error) {
	var bound []any
	defer func() {
		if err == nil {
			return
		}
		for _, r := range bound {
			if c, ok := r.(interface{ Close() error }); ok {
				_ = c.Close() // the reason is err
			}
		}
	}()
	for _, r := range l.gateway.Runners {
		if s, ok := r.(Listener); ok {
			if err := s.Listen(); err != nil {
				return err
			}
			bound = append(bound, s)
		}
	}
	for _, i := range l.gateway.Initializers {
		if err := i.Initialize(); err != nil {
			return fmt.Errorf("initialization failed: %w", err)
		}
	}
	return nil
}

// serve runs the runners until one of them ends, or ctx; then the others have to, too.
func (l *life) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(l.gateway.Runners))
	for _, r := range l.gateway.Runners {
		go func() { ended <- r.Run(ctx) }()
	}
	left := len(l.gateway.Runners)
	select {
	case err := <-ended:
		left--
		l.runnerEnded(ctx, err)
		cancel()
	case <-ctx.Done():
	}
	limit := l.gateway.StopTimeout
	if limit <= 0 {
		limit = 10 * time.Minute
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for ; left > 0; left-- {
		select {
		case err := <-ended:
			l.runnerEnded(ctx, err)
		case <-timeout.C:
			l.report("runners didn't end", fmt.Errorf("%d are still running after %v", left, limit))
			return
		}
	}
}

func (l *life) runnerEnded(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	l.report("error returned from runner", err)
}

// finalize runs all finalizers, whatever the others return.
func (l *life) finalize() {
	list := l.gateway.Finalizers
	for _, l0 := range slices.Backward(list) {
		if err := l0.Finalize(); err != nil {
			l.report("error returned from finalizer", err)
		}
	}
}

// report logs an error that isn't one of the start.
func (l *life) report(msg string, err error) {
	l.failed = true
	log := l.gateway.Logger
	if log == nil || !log.Enabled(gateway.LevelError) {
		l.complain("%s: %v", msg, err)
		return
	}
	e := &gateway.Error{Code: "E2060", Kind: "CoreEntrypointRun", Message: msg, Cause: err}
	log.Log(nil, gateway.LevelError, msg, gateway.Object("error",
		gateway.String("code", e.Code),
		gateway.String("kind", e.Kind),
		gateway.String("msg", e.Error()),
		gateway.String("stack", ""),
	))
}
