package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// What SOCKS5 has on the wire (RFC 1928, RFC 1929).
const (
	socksVersion   = 5
	socksConnect   = 1
	socksNoAuth    = 0
	socksPassword  = 2
	socksIPv4      = 1
	socksName      = 3
	socksIPv6      = 4
	socksLongest   = 255 // of a name
	passwordFormat = 1
)

var (
	errNotSOCKS  = errors.New("malformed SOCKS5 answer")
	errSOCKSAuth = errors.New("the proxy has no way of authentication that is supported")
	errSOCKSLong = errors.New("a name is too long for SOCKS5")
)

// socksReplies are the reasons why a SOCKS5 proxy doesn't connect.
var socksReplies = []string{
	1: "general failure", 2: "not allowed by ruleset", 3: "network unreachable", 4: "host unreachable",
	5: "connection refused", 6: "TTL expired", 7: "command not supported", 8: "address type not supported",
}

// socks has a SOCKS5 proxy connect to the upstream. The proxy resolves its name.
func (l *link) socks(proxy *url.URL) error {
	method := byte(socksNoAuth)
	if proxy.User != nil {
		method = socksPassword
	}
	if _, err := l.sock.Write([]byte{socksVersion, 1, method}); err != nil {
		return err
	}
	var answer [4]byte
	if err := l.readSOCKS(answer[:2], socksVersion); err != nil {
		return err
	}
	if answer[1] != method {
		return errSOCKSAuth
	}
	if method == socksPassword {
		if err := l.socksLogin(proxy.User); err != nil {
			return err
		}
	}
	request, err := socksRequest(l.up.addr)
	if err != nil {
		return err
	}
	if _, err := l.sock.Write(request); err != nil {
		return err
	}
	if err := l.readSOCKS(answer[:], socksVersion); err != nil {
		return err
	}
	if code := int(answer[1]); code != 0 {
		reason := "code " + strconv.Itoa(code)
		if code < len(socksReplies) {
			reason = socksReplies[code]
		}
		return fmt.Errorf("it does not connect: %s", reason)
	}
	return l.skipSOCKSAddress(answer[3])
}

// readSOCKS reads a part of an answer, which begins with that byte.
func (l *link) readSOCKS(p []byte, first byte) error {
	if _, err := io.ReadFull(l.sock, p); err != nil {
		return err
	}
	if p[0] != first {
		return errNotSOCKS
	}
	return nil
}

func (l *link) socksLogin(user *url.Userinfo) error {
	name := user.Username()
	password, _ := user.Password()
	if len(name) == 0 || len(name) > socksLongest || len(password) > socksLongest {
		return errSOCKSLong
	}
	b := append([]byte{passwordFormat, byte(len(name))}, name...)
	b = append(append(b, byte(len(password))), password...)
	if _, err := l.sock.Write(b); err != nil {
		return err
	}
	var answer [2]byte
	if err := l.readSOCKS(answer[:], passwordFormat); err != nil {
		return err
	}
	if answer[1] != 0 {
		return errors.New("it refuses the user name or the password")
	}
	return nil
}

func socksRequest(addr string) ([]byte, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	b := []byte{socksVersion, socksConnect, 0}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Is4():
		b = append(append(b, socksIPv4), ip.AsSlice()...)
	case err == nil:
		b = append(append(b, socksIPv6), ip.AsSlice()...)
	case len(host) > socksLongest:
		return nil, errSOCKSLong
	default:
		b = append(append(b, socksName, byte(len(host))), host...)
	}
	return append(b, byte(n>>8), byte(n)), nil
}

// skipSOCKSAddress reads the address that the proxy connects from. Nobody wants to know.
func (l *link) skipSOCKSAddress(kind byte) error {
	var b [socksLongest + 2]byte
	n := 0
	switch kind {
	case socksIPv4:
		n = 4
	case socksIPv6:
		n = 16
	case socksName:
		if _, err := io.ReadFull(l.sock, b[:1]); err != nil {
			return err
		}
		n = int(b[0])
	default:
		return errNotSOCKS
	}
	_, err := io.ReadFull(l.sock, b[:n+len("pp")])
	return err
}
