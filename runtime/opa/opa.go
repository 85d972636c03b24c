// Package opa lets requests pass by the word of policies, which are written in Rego and evaluated by the Open Policy Agent's library.
//
// Policies see a request as the document input, of which only those members are made that they can read: auth (the claims about the
// client), host, remote, method, api (the path), query, header and env.
package opa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/cache"

	"github.com/aileron-gateway/aileronc/internal/policy"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of the middleware.
type Options struct {
	// Regos are asked in order, until one allows the request. Without any, all requests are refused.
	Regos []Rego
	// ClaimsKey is the key of the claims that policies see as input.auth; empty is [claims.DefaultKey].
	ClaimsKey string
	// Env is what policies see as input.env.
	Env Env
	// Trace tells the Logger, at level Debug, how a request came to be refused.
	Trace bool
	// LogDecisions tells the Logger of each decision at level Info. Without it, it's told of refusals, at level Debug.
	LogDecisions bool
	// MaskedHeaders are the names of headers whose values aren't logged, beside those that look as if they held secrets.
	MaskedHeaders []string
	// ReloadInterval is how often to look whether policies, bundles and data have changed; 0 is never.
	ReloadInterval time.Duration
	// Logger gets decisions, what policies print, and what goes wrong. Nil drops it.
	Logger gateway.Logger
}

// A Rego is a query, with the policies and the data that answer it.
type Rego struct {
	// Query allows a request if its result is true, and nothing else; empty is "data.authz.allow".
	Query string
	// Policies are files of Rego, in version 0 or 1 of the language.
	Policies []Source
	// Bundles are gzipped tarballs, or folders, with policies and data.
	Bundles []Source
	// Data are documents: JSON, YAML or CSV.
	Data []Document
	// Verification says how the signatures of bundles are verified. The zero value has no keys, and refuses bundles that have a signature.
	Verification Verification
	// Storage keeps the data; nil is in memory.
	Storage Storage
	// Transport sends the requests for what is at a URL, with Header.
	Transport gateway.Handler
	Header    gateway.Header
	// Strict refuses policies with unused variables and the like.
	Strict bool
	// StrictBuiltinErrors makes an error of a builtin one of the query; else it's undefined.
	StrictBuiltinErrors bool
	// Print sends what policies print to the logger.
	Print bool
}

// A Document is data, and where it is for policies: At "/roles" it's data.roles.
type Document struct {
	At string
	Source
}

// A Storage keeps data for policies. Package opa/disk has one in files.
type Storage interface {
	// Open returns the store, which is empty, and what closes it.
	Open() (store storage.Store, close func() error, err error)
}

// Env is what policies can know of the process.
type Env struct {
	// Vars are environment variables, by their names, as [env.Env.Named] finds them.
	Vars []env.Var
	// PID, PPID, UID and GID tell the ids of the process, its parent, its user and group.
	PID, PPID, UID, GID bool
}

// An Authorizer lets requests pass by the word of its policies.
type Authorizer struct {
	options Options
	key     string
	process *ast.Term // input.env
	masked  []string
	sources []*rules
	cache   cache.InterQueryCache
	current atomic.Pointer[state]
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// state is what requests are asked by.
type state struct {
	queries []query
	reads   policy.Reads
}

// A query is a Rego that is ready to be asked.
type query struct {
	text     string
	prepared rego.PreparedEvalQuery
	options  []rego.EvalOption // that are the same for all requests
	print    bool
	reads    policy.Reads
}

// New reads policies and data from files. If something is at a URL, or data in a Storage, Initialize does the rest; all requests are
// refused before it has.
func New(o Options) (*Authorizer, error) {
	a := &Authorizer{options: o, key: cmp.Or(o.ClaimsKey, claims.DefaultKey), process: o.Env.term(), masked: lowered(o.MaskedHeaders)}
	config, err := cache.ParseCachingConfig(nil)
	if err != nil {
		return nil, err
	}
	a.cache = cache.NewInterQueryCache(config)
	later := false
	for i := range o.Regos {
		r, err := newRules(&o.Regos[i])
		if err != nil {
			return nil, err
		}
		a.sources = append(a.sources, r)
		later = later || r.remote || r.Storage != nil
	}
	if later {
		for _, r := range a.sources {
			if err := r.try(a); err != nil {
				return nil, err
			}
		}
		return a, nil
	}
	_, err = a.load(context.Background())
	return a, err
}

// Initialize loads what is at URLs, and begins to look for changes if there's an interval for that.
func (a *Authorizer) Initialize() error {
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	if a.current.Load() == nil {
		if _, err := a.load(ctx); err != nil {
			return err
		}
	}
	if a.options.ReloadInterval > 0 && len(a.sources) > 0 {
		a.done.Go(func() { a.follow(ctx) })
	}
	return nil
}

// Finalize ends what Initialize has begun.
func (a *Authorizer) Finalize() error {
	if a.stop != nil {
		a.stop()
	}
	a.done.Wait()
	var errs []error
	for _, r := range a.sources {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}

// load reads everything that has changed and makes it what requests are asked by. It reports whether there was anything.
func (a *Authorizer) load(ctx context.Context) (changed bool, err error) {
	s := &state{queries: make([]query, len(a.sources))}
	for _, r := range a.sources {
		fresh, err := r.load(ctx, a)
		if err != nil {
			return false, err
		}
		changed = changed || fresh
	}
	for i, r := range a.sources {
		s.queries[i] = *r.query
		s.reads = s.reads.Union(r.query.reads)
	}
	a.current.Store(s)
	return changed, nil
}

// follow loads what changes.
func (a *Authorizer) follow(ctx context.Context) {
	ticker := time.NewTicker(a.options.ReloadInterval)
	defer ticker.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch changed, err := a.load(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			if told != err.Error() {
				told = err.Error()
				a.log(nil, gateway.LevelError, "policies not loaded again, those loaded before stay in force", gateway.String("error", told))
			}
			continue
		case changed:
			a.log(nil, gateway.LevelInfo, "policies loaded again")
		}
		told = ""
	}
}

// Middleware lets requests pass that a policy allows, and refuses others with a 403.
func (a *Authorizer) Middleware(next gateway.Handler) gateway.Handler { return &handler{a, next} }

type handler struct {
	*Authorizer
	next gateway.Handler
}

// Serve asks the policies.
func (h *handler) Serve(x *gateway.Exchange) error {
	if err := h.decide(x); err != nil {
		return err
	}
	return h.next.Serve(x)
}

// An evaluation is that of one request.
type evaluation struct {
	*Authorizer
	x         *gateway.Exchange
	cause     error // of Interrupt
	cancelled atomic.Bool
}

// Cancel ends it before its time.
func (e *evaluation) Cancel() { e.cancelled.Store(true) }

// Cancelled is asked by the library, from time to time.
func (e *evaluation) Cancelled() bool { return e.cancelled.Load() }

// Interrupt is Cancel when the exchange has ended.
func (e *evaluation) Interrupt(cause error) {
	e.cause = cause
	e.cancelled.Store(true)
}

// decide returns nil if the request of x is allowed.
func (a *Authorizer) decide(x *gateway.Exchange) error {
	s := a.current.Load()
	if s == nil {
		return a.refuse(x, errNotLoaded)
	}
	e := &evaluation{Authorizer: a, x: x}
	ctx := context.Background()
	if s.reads.Context {
		ctx = x.Context()
	}
	if x.Watch(e) {
		defer x.Unwatch(e)
	} else {
		defer context.AfterFunc(x.Context(), e.Cancel)()
	}
	begin := a.begin()
	input := a.input(x, &s.reads)
	var errs []error
	for i := range s.queries {
		q := &s.queries[i]
		allowed, err := e.ask(ctx, q, input)
		switch {
		case allowed:
			a.decided(x, begin, q, true)
			return nil
		case e.Cancelled():
			return e.ended(err)
		case err != nil:
			a.log(x, gateway.LevelWarn, "policy not evaluated", gateway.String("query", q.text), gateway.String("error", err.Error()))
			errs = append(errs, err)
		}
	}
	a.decided(x, begin, nil, false)
	return a.refuse(x, errors.Join(errs...))
}

var errNotLoaded = errors.New("the policies haven't been loaded")

func (a *Authorizer) refuse(x *gateway.Exchange, cause error) error {
	return &gateway.Error{Status: 403, Code: "E3100", Kind: "AppAuthzAuthorization", Message: "no policy allows the request", Cause: cause}
}

// ended is the error of a request for which there was no time left.
func (e *evaluation) ended(err error) error {
	status := 403
	cause := cmp.Or(e.cause, context.Cause(e.x.Context()), err)
	if gateway.IsTimeout(cause) {
		status = 504
	}
	return &gateway.Error{Status: status, Code: "E3100", Kind: "AppAuthzAuthorization", Message: "the policies weren't evaluated to the end", Cause: cause}
}

// ask evaluates one query.
func (e *evaluation) ask(ctx context.Context, q *query, input ast.Value) (allowed bool, err error) {
	options := make([]rego.EvalOption, 0, 8)
	options = append(append(options, q.options...), rego.EvalParsedInput(input), rego.EvalExternalCancel(e))
	if q.print {
		options = append(options, rego.EvalPrintHook(printer{e.Authorizer, e.x}))
	}
	var trace *topdown.BufferTracer
	if e.options.Trace && e.enabled(gateway.LevelDebug) {
		trace = topdown.NewBufferTracer()
		options = append(options, rego.EvalQueryTracer(trace))
	}
	result, err := q.prepared.Eval(ctx, options...)
	allowed = err == nil && result.Allowed()
	if trace != nil && !allowed {
		e.traced(e.x, q, trace)
	}
	return allowed, err
}

// sameForAll are the options of each evaluation.
func (a *Authorizer) sameForAll() []rego.EvalOption {
	return []rego.EvalOption{rego.EvalMetrics(metrics.NoOp()), rego.EvalInterQueryBuiltinCache(a.cache)}
}

// describe names what is wrong in one line for each error.
func describe(what string, err error) error {
	list := policy.Errors(err)
	if len(list) == 0 {
		return fmt.Errorf("%s: %w", what, err)
	}
	list.Sort()
	var errs []error
	for _, e := range list {
		errs = append(errs, fmt.Errorf("%s: %s", cmp.Or(place(e), what), policy.Message(e)))
	}
	return fmt.Errorf("rego: %w", errors.Join(errs...))
}

func place(e *ast.Error) string {
	if e.Location == nil || e.Location.File == "" {
		return ""
	}
	return e.Location.File + ":" + strconv.Itoa(e.Location.Row) + ":" + strconv.Itoa(e.Location.Col)
}
