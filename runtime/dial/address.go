package dial

import (
	"errors"
	"net"
	"net/netip"
	"strings"
)

type endpoint struct{ network, address string }

// A target is a replacement of one endpoint by another.
type target struct{ from, to endpoint }

var (
	errForm    = errors.New("not of the form (network|address) > (network|address)")
	errTwice   = errors.New("that connection is replaced already")
	errNetwork = errors.New("unknown network")
)

// family is the part of a network's name that tells which addresses it has, or "".
func family(network string) string {
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

func parseTargets(texts []string) ([]target, error) {
	var targets []target
	for _, text := range texts {
		t, err := parseTarget(text)
		if err != nil {
			return nil, errMalformed("replaced target", text, err)
		}
		for _, other := range targets {
			if other.from == t.from {
				return nil, errMalformed("replaced target", text, errTwice)
			}
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// parseTarget parses "(network|address) > (network|address)". Blanks do not count,
// and there may be any number of > between the pairs, or none.
func parseTarget(text string) (t target, err error) {
	text = strings.ReplaceAll(text, " ", "")
	left, right, ok := strings.Cut(text, ")")
	if !ok {
		return t, errForm
	}
	right, ok = strings.CutSuffix(strings.TrimLeft(right, ">"), ")")
	if !ok {
		return t, errForm
	}
	if t.from, err = parsePair(left); err != nil {
		return t, err
	}
	t.to, err = parsePair(right)
	return t, err
}

// parsePair parses "(network|address", what is left of a pair.
func parsePair(text string) (e endpoint, err error) {
	inner, ok := strings.CutPrefix(text, "(")
	if !ok {
		return e, errForm
	}
	e.network, e.address, ok = strings.Cut(inner, "|")
	if !ok || e.address == "" {
		return e, errForm
	}
	switch family(e.network) {
	case "":
		return e, errNetwork
	case "tcp", "udp":
		_, _, err = net.SplitHostPort(e.address)
	}
	return e, err
}

// parseLocal parses "network://address".
func parseLocal(text string) (net.Addr, error) {
	if text == "" {
		return nil, nil
	}
	network, address, ok := strings.Cut(text, "://")
	if !ok {
		network, address = "tcp", text
	}
	if f := family(network); f == "tcp" || f == "udp" {
		if ip, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
			address = net.JoinHostPort(ip.String(), "0") // any port
		}
	}
	addr, err := resolve(network, address)
	if err != nil {
		return nil, errMalformed("local address", text, err)
	}
	return addr, nil
}

func resolve(network, address string) (net.Addr, error) {
	switch family(network) {
	case "tcp":
		return net.ResolveTCPAddr(network, address)
	case "udp":
		return net.ResolveUDPAddr(network, address)
	case "unix":
		return net.ResolveUnixAddr(network, address)
	}
	return nil, errNetwork
}
