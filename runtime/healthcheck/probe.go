package healthcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// A probe is one way to ask after one upstream.
type probe struct {
	what     string // in words: "GET http://10.0.0.7:8080/healthz"
	interval time.Duration
	delay    time.Duration
	targets  []*lb.Target // that it is about

	network, address string // of a connection; empty for HTTP
	request          gateway.Request
	// healthy are the statuses below this one. A path that nobody has chosen for the purpose may not exist, but a server that
	// says so is well.
	healthy int
}

var (
	errNoPort  = errors.New("it has no port")
	errNetwork = errors.New("the network must be http, https, tcp, tcp4, tcp6 or unix")
	errNoHost  = errors.New("there is no host")
)

// newProbe returns the probe for t. What its Check.Addr may be:
//
//   - nothing: GET of the upstream's own URL, and any answer with a status below 500 is fine,
//   - a path, "/healthz?x=y": GET of that at the upstream, which has to be answered with a status of 2xx or 3xx,
//   - a URL, of http or https: the same, wherever that is,
//   - "tcp://host:port", with tcp4 or tcp6 as well, "unix://path", or "host:port": a connection.
func newProbe(t *lb.Target) (*probe, error) {
	p := &probe{interval: t.Check.Interval, delay: t.Check.Delay}
	if p.interval <= 0 {
		p.interval = defaultInterval
	}
	addr := t.Check.Addr
	network, rest, ok := strings.Cut(addr, "://")
	switch {
	case addr == "":
		p.get(t.Scheme, t.Host, t.Path, t.RawPath, t.RawQuery, 500)
		return p, nil
	case addr[0] == '/':
		return p, p.getURL(t.Scheme + "://" + t.Host + addr)
	case !ok:
		return p, p.connect("tcp", addr)
	case network == "http" || network == "https":
		return p, p.getURL(addr)
	}
	return p, p.connect(network, rest)
}

// getURL makes p a GET of u.
func (p *probe) getURL(u string) error {
	at, err := url.Parse(u)
	if err != nil {
		return errors.Unwrap(err)
	}
	if at.Hostname() == "" {
		return errNoHost
	}
	p.get(at.Scheme, at.Host, at.Path, at.EscapedPath(), at.RawQuery, 400)
	return nil
}

func (p *probe) get(scheme, host, path, raw, query string, healthy int) {
	p.healthy = healthy
	p.request = gateway.Request{
		Method: "GET", Scheme: scheme, Host: host,
		Path: cmp.Or(path, "/"), RawPath: cmp.Or(raw, "/"), RawQuery: query,
	}
	p.what = "GET " + scheme + "://" + host + p.request.RawPath
	if query != "" {
		p.what += "?" + query
	}
}

// connect makes p a connection.
func (p *probe) connect(network, address string) error {
	switch network {
	case "tcp", "tcp4", "tcp6":
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return fmt.Errorf("%q: %w", address, errNoPort)
		}
	case "unix":
	default:
		return fmt.Errorf("%q: %w", network, errNetwork)
	}
	p.network, p.address = network, address
	p.what = "connect to " + network + "://" + address
	return nil
}

// check asks, and returns why the upstream isn't well.
func (p *probe) check(ctx context.Context, c *Checker) error {
	if p.network == "" {
		return p.ask(ctx, c.options.Transport)
	}
	conn, err := c.dialer.Dial(ctx, p.network, p.address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// maxBody is how much is read of a body, so that the server needn't see it cut off.
const maxBody = 64 << 10

// ask sends the request. The path that a proxied request would take, tripperware and all, isn't that of a check.
func (p *probe) ask(ctx context.Context, transport gateway.Handler) error {
	var x, leg gateway.Exchange
	x.SetContext(ctx)
	x.Leg(&leg)
	defer x.Finish()
	leg.Request = p.request
	leg.Request.Header = gateway.Header{{Name: "User-Agent", Value: "aileronc-healthcheck"}}
	if err := transport.Serve(&leg); err != nil {
		return err
	}
	r := &leg.Response
	if r.Conn != nil {
		_ = r.Conn.Close() // it wasn't asked for
	}
	if b := r.Body; b != nil {
		_, _ = io.CopyN(io.Discard, b, maxBody) // the status counts
		_ = b.Close()
	}
	if r.Status < 200 || r.Status >= p.healthy {
		return fmt.Errorf("it answered with status %d", r.Status)
	}
	return nil
}
