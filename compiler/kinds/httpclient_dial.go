package kinds

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// DialConfig says how connections to upstreams are opened.
type DialConfig struct {
	// TLSConfig is used for https upstreams, in place of that of the transport.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// LocalAddress is the address to connect from, as tcp://host:port; the port, 0 for any, may be left out. Without a network it's for tcp. (AILERON Gateway ignores it then.)
	LocalAddress string `json:"localAddress"`
	// ReplaceTargets are connections to open in place of others, as "(network|address) > (network|address)", for example
	// "(tcp|example.com:80) > (unix|/run/example.sock)". The left side is compared as text with what would be opened, and the entries apply in order,
	// a later one to what an earlier one has made. Names on the right side are looked up again as others are. (AILERON Gateway looks them up once.)
	ReplaceTargets []string `json:"replaceTargets" pattern:"^\\([\\w:\\-]+\\|.+\\)[ >]*\\([\\w:\\-]+\\|.+\\)$"`
	// Timeout is how long connecting may take, in milliseconds. 0 is no limit but the system's.
	Timeout int32 `json:"timeout" min:"0"`
	// FallbackDelay is how long to wait for one address of a name before the next one is tried as well, in milliseconds. 0 is 300; negative tries one after the other.
	FallbackDelay int32 `json:"fallbackDelay"`
	// SockOption are the options of the sockets.
	SockOption *SockOption `json:"sockOption"`
}

// check reports what can't be dialled. transport is the field of the transport for its TLS configuration.
func (d *DialConfig) check(c *Check, transport **TLSConfig) {
	if d == nil {
		return
	}
	d.TLSConfig.checkClient(c)
	d.SockOption.check(c)
	if network, address, ok := strings.Cut(d.LocalAddress, "://"); ok {
		c.checkUnix(&d.LocalAddress, network, address)
	}
	if d.TLSConfig != nil && *transport != nil {
		c.Warnf(transport, diag.NoEffect, "this tlsConfig has no effect: the one in dialConfig is used")
	}
	if network, err := checkLocalAddress(d.LocalAddress); err != nil {
		c.Errorf(&d.LocalAddress, diag.BadAddress, "%q is no address to connect from: %v", d.LocalAddress, err)
	} else if network == "udp" {
		c.Warnf(&d.LocalAddress, diag.NoEffect, "connections to upstreams are not made over UDP")
	}
	var sources []string
	for i := range d.ReplaceTargets {
		at := &d.ReplaceTargets[i]
		if c.Deferred(at) || !replacement.MatchString(*at) { // which has been reported
			continue
		}
		source, err := checkReplacement(*at)
		switch {
		case err != nil:
			c.Errorf(at, diag.BadAddress, "%q can't be dialled: %v", *at, err)
		case slices.Contains(sources, source):
			c.Errorf(at, diag.DuplicateValue, "%s) is replaced already", source)
		}
		sources = append(sources, source)
		if _, target, ok := strings.Cut(strings.ReplaceAll(*at, " ", ""), ")"); ok {
			network, address, _ := strings.Cut(strings.TrimLeft(target, ">("), "|")
			c.checkUnix(at, network, address)
		}
	}
}

var replacement = regexp.MustCompile(`^\([\w:\-]+\|.+\)[ >]*\([\w:\-]+\|.+\)$`)

// networkFamily is the kind of addresses that a network has: tcp, udp, unix, or "" if it's unknown.
func networkFamily(network string) string {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return "tcp"
	case "udp", "udp4", "udp6":
		return "udp"
	case "unix", "unixgram", "unixpacket":
		return "unix"
	}
	return ""
}

func checkLocalAddress(text string) (family string, err error) {
	if text == "" {
		return "", nil
	}
	network, address, ok := strings.Cut(text, "://")
	if !ok {
		network, address = "tcp", text
	}
	switch family = networkFamily(network); family {
	case "":
		return "", fmt.Errorf("there's no network %q; it must be tcp, tcp4 or tcp6, or unix", network)
	case "tcp", "udp":
		if _, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
			return family, nil // without a port
		}
		_, _, err = net.SplitHostPort(address)
	}
	return family, err
}

// checkReplacement checks what the pattern of replaceTargets leaves open, and returns the left side.
func checkReplacement(text string) (source string, err error) {
	left, right, _ := strings.Cut(strings.ReplaceAll(text, " ", ""), ")")
	for _, pair := range []string{left, strings.TrimSuffix(strings.TrimLeft(right, ">"), ")")} {
		network, address, _ := strings.Cut(strings.TrimPrefix(pair, "("), "|")
		switch networkFamily(network) {
		case "":
			return left, fmt.Errorf("there's no network %q; it must be tcp, tcp4 or tcp6, or unix", network)
		case "tcp", "udp":
			if _, _, err := net.SplitHostPort(address); err != nil {
				return left, err
			}
		}
	}
	return left, nil
}

func (d *DialConfig) lower(l *Lower) ir.Expr {
	if d == nil {
		return nil
	}
	return l.structOrNil("dial.Options",
		ir.Set("Timeout", l.Millis(&d.Timeout)),
		ir.Set("FallbackDelay", l.Millis(&d.FallbackDelay)),
		ir.Set("LocalAddress", l.String(&d.LocalAddress)),
		ir.Set("ReplaceTargets", l.Strings(d.ReplaceTargets)),
		ir.Set("Socket", d.SockOption.lower(l)),
	)
}
