package wire

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// newUpstream finds out how to connect to o.
func (t *Transport) newUpstream(o origin) (*upstream, error) {
	port := "80"
	switch o.scheme {
	case "http":
	case "https":
		port = "443"
	default:
		return nil, fmt.Errorf("%w %q", errScheme, o.scheme)
	}
	name, given, field := splitHost(o.host)
	if !isAuthority(field) {
		return nil, fmt.Errorf("malformed host %q", o.host)
	}
	if given != "" {
		port = given
	}
	u := &upstream{t: t, origin: o, field: field, addr: net.JoinHostPort(name, port), name: name, secure: o.scheme == "https"}
	if t.proxies != nil {
		u.through(t.proxies.For(o.scheme, name, port), o.scheme)
	}
	return u, nil
}

// through makes u an upstream behind a proxy, if there is one.
func (u *upstream) through(proxy *url.URL, scheme string) {
	u.proxy = proxy
	if proxy != nil && scheme == "http" && strings.HasPrefix(proxy.Scheme, "http") {
		u.absolute = "http://" + u.field
		u.auth = basicAuth(proxy)
	}
}

// splitHost splits a host into its name, without brackets, and its port if it has one. field is what
// the Host field says, without the zone of an address of IPv6: that has a meaning here only (RFC 6874, section 1).
func splitHost(host string) (name, port, field string) {
	name, field = host, host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i > strings.IndexByte(host, ']') {
		if host[0] == '[' || strings.IndexByte(host, ':') == i {
			name, port = host[:i], host[i+1:]
		}
	}
	rest := host[len(name):]
	if n := len(name); n >= 2 && name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	if bare, _, ok := strings.Cut(name, "%"); ok {
		field = "[" + bare + "]" + rest
	} else if strings.IndexByte(name, ':') >= 0 {
		field = "[" + name + "]" + rest
	}
	return name, port, field
}

// withName returns c with the name of the host, unless it has one.
func withName(c *tls.Config, host string) *tls.Config {
	if c.ServerName != "" {
		return c
	}
	c = c.Clone()
	c.ServerName = host
	return c
}

func basicAuth(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
}

// proxyAddr is where a proxy listens.
func proxyAddr(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		switch proxy.Scheme {
		case "https":
			port = "443"
		case "http":
			port = "80"
		default:
			port = "1080"
		}
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}

// dialed is the address to open a connection to.
func (u *upstream) dialed() string {
	if u.proxy != nil {
		return proxyAddr(u.proxy)
	}
	return u.addr
}

// proxyTime is how long a proxy may take to connect, if there is no time limit for that.
const proxyTime = time.Minute

// A connectError is why there is no connection.
type connectError struct {
	phase gateway.Phase
	error
}

func (e *connectError) Unwrap() error { return e.error }

// phaseOf tells in which phase looking for a connection has failed.
func phaseOf(err error) gateway.Phase {
	if e, ok := errors.AsType[*connectError](err); ok {
		return e.phase
	}
	return gateway.PhasePrepare // it was waited for
}

// establish does what has to be done with a connection before the first request. It tells the phase in which it failed.
func (l *link) establish() (gateway.Phase, error) {
	u := l.up
	if u.proxy != nil {
		if err := l.throughProxy(u.proxy); err != nil {
			return gateway.PhaseConnect, fmt.Errorf("proxy %s: %w", u.proxy.Redacted(), err)
		}
	}
	if u.secure {
		return gateway.PhaseHandshake, l.handshake(u.name)
	}
	return gateway.PhaseConnect, nil
}

// handshake puts TLS with a host on what l has been so far.
func (l *link) handshake(host string) error {
	if l.below == nil {
		l.below = &tlsInput{socket: l.sock}
	}
	var below net.Conn = l.below
	if l.tls != nil { // that with a proxy
		below = l.tls
	}
	l.sock.rd.want = after(l.up.t.options.TLSHandshakeTimeout)
	l.sock.wd.want = l.sock.rd.want
	c := tls.Client(below, withName(l.up.t.tls.Config(), host))
	err := c.Handshake()
	if errors.Is(err, errDeadline) && l.sock.interrupted() == nil {
		err = errHandshake
	}
	if err != nil {
		return err
	}
	l.sock.rd.want, l.sock.wd.want = 0, 0
	l.tls, l.out, l.in.src = c, c, c
	return nil
}

// throughProxy has a proxy connect to the upstream, if it doesn't send requests on itself.
func (l *link) throughProxy(proxy *url.URL) error {
	if proxy.Scheme == "https" {
		if err := l.handshake(proxy.Hostname()); err != nil {
			return err
		}
	}
	if l.up.absolute != "" {
		return nil
	}
	limit := l.up.t.options.Dial.Timeout
	if limit <= 0 {
		limit = proxyTime
	}
	l.sock.rd.want = after(limit)
	l.sock.wd.want = l.sock.rd.want
	var err error
	if strings.HasPrefix(proxy.Scheme, "socks5") {
		err = l.socks(proxy)
	} else {
		err = l.connect(proxy)
	}
	l.sock.rd.want, l.sock.wd.want = 0, 0
	return err
}

// connect asks for a tunnel (RFC 9110, section 9.3.6).
func (l *link) connect(proxy *url.URL) error {
	b := append([]byte("CONNECT "), l.up.addr...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, l.up.addr...)
	b = append(b, "\r\n"...)
	if auth := basicAuth(proxy); auth != "" {
		b = appendField(b, "Proxy-Authorization", auth)
	}
	if _, err := l.out.Write(append(b, "\r\n"...)); err != nil {
		return err
	}
	head, err := l.readHead()
	if err != nil {
		return err
	}
	var p gateway.Response
	if _, fault := parseResponse(head, "CONNECT", &p, nil); fault != nil {
		return fault
	}
	if p.Status < 200 || p.Status > 299 {
		return fmt.Errorf("CONNECT was answered with status %d", p.Status)
	}
	if l.in.r != l.in.w {
		return errors.New("CONNECT was answered with more than a head")
	}
	l.in.release()
	return nil
}
