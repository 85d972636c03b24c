// Package envproxy finds the forward proxies that the environment names: HTTP_PROXY for http, HTTPS_PROXY for
// https, and NO_PROXY for what is connected to directly, each also in lower case. They mean what they
// mean to package net/http.
package envproxy

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Proxies are the proxies of the environment.
type Proxies struct {
	http, https *url.URL // nil if there is none
	none        bool     // NO_PROXY says *
	networks    []netip.Prefix
	direct      []endpoint
}

// An endpoint is what NO_PROXY excepts: an address, or a name with all names below it, or only those.
type endpoint struct {
	ip   netip.Addr // the zero value if it's a name
	name string     // begins with a dot
	self bool       // the name without the dot, too
	port string     // "" for all
}

var errScheme = errors.New("its scheme must be http, https, socks5 or socks5h")

// FromEnvironment returns the proxies of the environment, nil if it names none.
func FromEnvironment() (*Proxies, error) {
	var (
		p   Proxies
		err error
	)
	if p.http, err = parse("HTTP_PROXY"); err != nil {
		return nil, err
	}
	if p.https, err = parse("HTTPS_PROXY"); err != nil {
		return nil, err
	}
	if p.http == nil && p.https == nil {
		return nil, nil
	}
	_, list := lookup("NO_PROXY")
	for entry := range strings.SplitSeq(list, ",") {
		p.except(strings.ToLower(strings.TrimSpace(entry)))
	}
	return &p, nil
}

// lookup returns the value of a variable and the name under which it was found.
func lookup(name string) (found, value string) {
	for _, found := range []string{name, strings.ToLower(name)} {
		if v := os.Getenv(found); v != "" {
			return found, v
		}
	}
	return "", ""
}

func parse(name string) (*url.URL, error) {
	name, value := lookup(name)
	if value == "" {
		return nil, nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" {
		u, err = url.Parse("http://" + value) // "proxy:8080"
	}
	switch {
	case err != nil:
		err = errors.New("it is not a URL") // which may hold a password
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		err = errScheme
	case u.Hostname() == "":
		err = errors.New("it has no host")
	default:
		return u, nil
	}
	return nil, fmt.Errorf("the proxy of the environment variable %s: %w", name, err)
}

// except takes an entry of NO_PROXY.
func (p *Proxies) except(entry string) {
	if entry == "" {
		return
	}
	if entry == "*" {
		p.none = true
		return
	}
	if network, err := netip.ParsePrefix(entry); err == nil {
		p.networks = append(p.networks, network.Masked())
		return
	}
	name, port := splitPort(entry)
	if name == "" {
		return
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		p.direct = append(p.direct, endpoint{ip: ip.Unmap(), port: port})
		return
	}
	name = strings.TrimPrefix(name, "*") // "*.example.com"
	self := !strings.HasPrefix(name, ".")
	if self {
		name = "." + name
	}
	p.direct = append(p.direct, endpoint{name: name, self: self, port: port})
}

// splitPort splits "name:port", "[ip]:port", or either without a port.
func splitPort(s string) (name, port string) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (s[0] == '[' && s[i-1] == ']' || strings.IndexByte(s, ':') == i) {
		s, port = s[:i], s[i+1:]
	}
	if n := len(s); n > 1 && s[0] == '[' && s[n-1] == ']' {
		s = s[1 : n-1]
	}
	return s, port
}

// For returns the proxy for an origin, nil if there is none. host has no brackets. The host that the
// gateway runs on is always connected to directly.
func (p *Proxies) For(scheme, host, port string) *url.URL {
	proxy := p.http
	if scheme == "https" {
		proxy = p.https
	}
	if proxy == nil || p.isDirect(strings.ToLower(host), port) {
		return nil
	}
	return proxy
}

func (p *Proxies) isDirect(host, port string) bool {
	if p.none || host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	ip = ip.Unmap()
	if err == nil && ip.IsLoopback() {
		return true
	}
	for _, n := range p.networks {
		if err == nil && n.Contains(ip.WithZone("")) {
			return true
		}
	}
	for _, d := range p.direct {
		switch {
		case d.port != "" && d.port != port:
		case d.ip.IsValid():
			if err == nil && d.ip == ip {
				return true
			}
		case err != nil && (strings.HasSuffix(host, d.name) || d.self && host == d.name[1:]):
			return true
		}
	}
	return false
}
