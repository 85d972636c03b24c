package oauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/backchannel"
)

const (
	// firstPause is how long it's waited before it's tried again to discover a provider; the pauses double up to longestPause.
	firstPause   = time.Second
	longestPause = 30 * time.Second
	// discoveryTimeout is how long one try may take.
	discoveryTimeout = 10 * time.Second
)

// A discovery looks for the metadata of a provider, until it has found them.
type discovery struct {
	context *Context
	url     string // empty if nothing is to be discovered

	mu    sync.Mutex
	found bool
	try   chan struct{} // closed when the try under way has ended; nil if none is
	why   error         // why the last one has failed
	stop  context.CancelFunc
	ended chan struct{}
}

func newDiscovery(c *Context, url string) *discovery {
	return &discovery{context: c, url: url, found: url == ""}
}

// start begins, in the background.
func (d *discovery) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found || d.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.stop, d.ended = cancel, make(chan struct{})
	d.try = make(chan struct{})
	go d.run(ctx)
}

// end ends it, and waits until it has.
func (d *discovery) end() {
	d.mu.Lock()
	stop, ended := d.stop, d.ended
	d.mu.Unlock()
	if stop != nil {
		stop()
		<-ended
	}
}

func (d *discovery) run(ctx context.Context) {
	defer close(d.ended)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := d.once(ctx)
		d.result(err)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		d.mu.Lock()
		d.try = make(chan struct{})
		d.mu.Unlock()
	}
}

// result keeps how a try has ended, and tells the log if that's news.
func (d *discovery) result(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.why == nil
	d.found, d.why = err == nil, err
	close(d.try)
	d.try = nil
	l := d.context.logger
	if l == nil {
		return
	}
	attrs := []gateway.Attr{gateway.String("context", d.context.options.Name), gateway.String("url", d.url)}
	switch {
	case err == nil && l.Enabled(gateway.LevelInfo):
		l.Log(nil, gateway.LevelInfo, "the provider is discovered", attrs...)
	case err != nil && first && l.Enabled(gateway.LevelWarn):
		l.Log(nil, gateway.LevelWarn, "the provider can't be discovered yet", append(attrs, gateway.String("reason", err.Error()))...)
	}
}

// done reports whether there's nothing more to discover.
func (d *discovery) done() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found
}

// wait waits for the try under way. If the provider isn't discovered then, the error is a 503.
func (d *discovery) wait(ctx context.Context) error {
	d.mu.Lock()
	try := d.try
	d.mu.Unlock()
	if try != nil {
		select {
		case <-try:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found {
		return nil
	}
	e := &gateway.Error{Status: 503, Message: "the provider of context " + d.context.options.Name + " isn't discovered yet", Cause: d.why}
	e.Header.Add("Retry-After", "5")
	return e
}

var (
	errDiscoveryStatus = errors.New("the answer isn't 200 (OK)")
	errMetadata        = errors.New("the answer is no JSON object")
	errNoIssuer        = errors.New("the answer names no issuer, and neither does the configuration")
)

// once asks the provider.
func (d *discovery) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	resp, err := backchannel.Do(ctx, d.context.options.Provider.Transport, backchannel.Request{
		Method: "GET", URL: d.url, Header: gateway.Header{{Name: "Accept", Value: "application/json"}},
	})
	switch {
	case err != nil:
		return err
	case resp.Status != 200:
		return errDiscoveryStatus
	}
	v, _ := jsonval.Parse(string(resp.Body))
	said, ok := v.(map[string]any)
	if !ok {
		return errMetadata
	}
	return d.fill(said)
}

// fill completes what is known of the provider by what it says.
func (d *discovery) fill(said map[string]any) error {
	c := d.context
	m := *c.metadata.Load()
	issuer, _ := said["issuer"].(string)
	switch l := c.logger; {
	case m.issuer == "" && issuer == "":
		return errNoIssuer // whoever's tokens would be valid
	case m.issuer == "":
		m.issuer = issuer
	case issuer != m.issuer && l != nil && l.Enabled(gateway.LevelWarn):
		l.Log(nil, gateway.LevelWarn, "the provider says that it's another issuer than the configuration does, which counts",
			gateway.String("context", c.options.Name), gateway.String("issuer", issuer))
	}
	fillEndpoints(&m.endpoints, said)
	m.mtls = c.configured() // which is preferred to what the provider says
	if aliases, ok := said["mtls_endpoint_aliases"].(map[string]any); ok {
		fillEndpoints(&m.mtls, aliases)
	}
	m.namesIssuer, _ = said["authorization_response_iss_parameter_supported"].(bool)
	m.requiresPush, _ = said["require_pushed_authorization_requests"].(bool)
	c.publish(&m)
	return nil
}

// configured are the endpoints that aren't discovered.
func (c *Context) configured() Endpoints {
	e, _ := c.options.Provider.resolve() // which it could be when the context was made
	return e
}

func fillEndpoints(e *Endpoints, said map[string]any) {
	e.each(func(name string, p *string) {
		if url, ok := said[name].(string); ok && *p == "" && isURL(url) {
			*p = url
		}
	})
}
