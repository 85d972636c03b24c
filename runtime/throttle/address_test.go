package throttle

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func raw(ip string) string {
	b := netip.MustParseAddr(ip).As16()
	return string(b[:])
}

func TestAddresses(t *testing.T) {
	trusted := Address{TrustedProxies: prefixes("10.0.0.0/8", "fd00::/8")}
	for _, tt := range []struct {
		name    string
		a       Address
		remote  string
		forward []string // X-Forwarded-For
		want    string
	}{
		{"IPv4", Address{}, "192.0.2.1:80", nil, "192.0.2.1"},
		{"a network of IPv4", Address{IPv4: 24}, "192.0.2.77:80", nil, "192.0.2.0"},
		{"IPv6", Address{}, "[2001:db8:1:2:3:4:5:6]:80", nil, raw("2001:db8:1:2::")},
		{"all of IPv6", Address{IPv6: 128}, "[2001:db8:1:2:3:4:5:6]:80", nil, raw("2001:db8:1:2:3:4:5:6")},
		{"a network of IPv6", Address{IPv6: 56}, "[2001:db8:1:2ff:3::]:80", nil, raw("2001:db8:1:200::")},
		{"IPv4 as IPv6", Address{}, "[::ffff:192.0.2.1]:80", nil, "192.0.2.1"},
		{"a zone", Address{}, "[fe80::1%eth0]:80", nil, raw("fe80::")},
		{"a unix socket", Address{}, "@", nil, ""},
		{"nothing", Address{}, "", nil, ""},
		{"too many bits are all", Address{IPv4: 99, IPv6: 999}, "[2001:db8::1]:80", nil, raw("2001:db8::1")},
		{"nobody is trusted", Address{}, "10.0.0.1:80", []string{"192.0.2.1"}, "10.0.0.1"},
		{"a stranger isn't believed", trusted, "192.0.2.9:80", []string{"192.0.2.1"}, "192.0.2.9"},
		{"a proxy is", trusted, "10.0.0.1:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"what a client invents doesn't count", trusted, "10.0.0.1:80", []string{"198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies", trusted, "[fd00::1]:80", []string{"198.51.100.1, 192.0.2.1 ,\t10.1.2.3"}, "192.0.2.1"},
		{"two fields", trusted, "10.0.0.1:80", []string{"198.51.100.1, 192.0.2.1", "10.1.2.3"}, "192.0.2.1"},
		{"all are proxies", trusted, "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"empty elements", trusted, "10.0.0.1:80", []string{"192.0.2.1, ,", ","}, "192.0.2.1"},
		{"no field", trusted, "10.0.0.1:80", nil, "10.0.0.1"},
		{"unknown", trusted, "10.0.0.1:80", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"unknown behind a proxy", trusted, "10.0.0.1:80", []string{"_hidden, 10.0.0.2"}, "10.0.0.2"},
		{"with a port", trusted, "10.0.0.1:80", []string{"192.0.2.1:1234"}, "192.0.2.1"},
		{"IPv6 with a port", trusted, "10.0.0.1:80", []string{"[2001:db8::1]:1234"}, raw("2001:db8::")},
		{"IPv6 without", trusted, "10.0.0.1:80", []string{"2001:db8::1"}, raw("2001:db8::")},
		{"a proxy with IPv4 as IPv6", trusted, "[::ffff:10.0.0.1]:80", []string{"192.0.2.1"}, "192.0.2.1"},
	} {
		q := &gateway.Request{RemoteAddr: tt.remote}
		for _, f := range tt.forward {
			q.Header.Add("x-forwarded-for", f)
		}
		k := ClientAddress(tt.a)
		if got := string(k.address.append(nil, q)); got != tt.want {
			t.Errorf("%s: %q, not %q", tt.name, got, tt.want)
		}
	}
}

// FuzzForwarded holds that no list makes a proxy's address out of a client's, nor anything but one that is in it.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"", "192.0.2.1", "192.0.2.1, 10.0.0.1", ",,", "[", "[::1]:", "unknown", "1.2.3.4:5, [2001:db8::1]:6", "::ffff:10.0.0.9", "fe80::1%eth0", "1.2.3.4.5", "10.0.0.1 10.0.0.2"} {
		f.Add(s, "10.0.0.1:80")
		f.Add(s, "192.0.2.7:80")
	}
	a := Address{TrustedProxies: prefixes("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, list, remote string) {
		peer := parseIP(remote)
		h := gateway.Header{{Name: "X-Forwarded-For", Value: list}}
		got := a.client(peer, h)
		if !a.trusts(peer) && got != peer {
			t.Errorf("%q is believed %q: %v", remote, list, got)
		}
		if got != peer && !in(list, got) {
			t.Errorf("%v isn't in %q", got, list)
		}
		if got2 := a.client(peer, gateway.Header{{Name: "X-Forwarded-For", Value: "198.51.100.1, 10.9.9.9," + list}}); a.trusts(peer) && !a.trusts(got) && got2 != got {
			t.Errorf("what stands to the left of %q changes %v to %v", list, got, got2)
		}
	})
}

func in(list string, ip netip.Addr) bool {
	for e := range strings.SplitSeq(list, ",") {
		if parseIP(strings.Trim(e, " \t")) == ip {
			return true
		}
	}
	return false
}
