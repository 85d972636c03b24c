package kinds_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// findings are those of a gateway with a part of its listenConfig and of its dialConfig, built for a system.
func findings(os, listen, dial string) []diag.Finding {
	config := `apiVersion: core/v1
kind: Entrypoint
spec: {runners: [{apiVersion: core/v1, kind: HTTPServer}]}
---
apiVersion: core/v1
kind: HTTPServer
spec:
  httpConfig: {listenConfig: {` + listen + `}}
  virtualHosts: [{handlers: [{handler: {apiVersion: core/v1, kind: ReverseProxyHandler}}]}]
---
apiVersion: core/v1
kind: ReverseProxyHandler
spec:
  patterns: [/]
  roundTripper: {apiVersion: core/v1, kind: HTTPClient}
  loadBalancers: [{pathMatcher: {match: /, matchType: Prefix}, upstreams: [{url: "http://127.0.0.1:1"}]}]
---
apiVersion: core/v1
kind: HTTPClient
spec: {httpTransportConfig: {dialConfig: {` + dial + `}}}
`
	r := compiler.Check(compiler.Input{Files: []string{"-"}, Stdin: strings.NewReader(config), OS: os, Freeze: &decode.Freezer{}})
	return r.Findings.Findings()
}

// where is the table of socket options and systems, as the specification has it for Linux and Windows.
var where = map[string]string{
	"soOption.bindToDevice": "linux", "soOption.debug": "linux darwin freebsd windows", "soOption.keepAlive": "linux darwin freebsd windows", "soOption.linger": "linux darwin freebsd windows",
	"soOption.mark": "linux", "soOption.receiveBuffer": "linux darwin freebsd windows", "soOption.receiveBufferForce": "linux", "soOption.receiveTimeout": "linux darwin freebsd",
	"soOption.sendTimeout": "linux darwin freebsd", "soOption.reuseAddr": "linux darwin freebsd windows", "soOption.reusePort": "linux darwin freebsd",
	"soOption.sendBuffer": "linux darwin freebsd windows", "soOption.sendBufferForce": "linux",
	"ipOption.bindAddressNoPort": "linux", "ipOption.freeBind": "linux", "ipOption.localPortRangeUpper": "linux", "ipOption.localPortRangeLower": "linux",
	"ipOption.transparent": "linux", "ipOption.ttl": "linux darwin freebsd windows",
	"tcpOption.cork": "linux", "tcpOption.deferAccept": "linux", "tcpOption.keepCount": "linux", "tcpOption.keepIdle": "linux", "tcpOption.keepInterval": "linux", "tcpOption.linger2": "linux",
	"tcpOption.maxSegment": "linux darwin freebsd", "tcpOption.noDelay": "linux darwin freebsd windows", "tcpOption.quickAck": "linux", "tcpOption.synCount": "linux",
	"tcpOption.userTimeout": "linux", "tcpOption.windowClamp": "linux", "tcpOption.fastOpen": "linux", "tcpOption.fastOpenConnect": "linux",
	"udpOption.cork": "linux", "udpOption.segment": "linux", "udpOption.gro": "linux",
}

func TestSocketOptionsOfSystems(t *testing.T) {
	seen := 0
	for group, typ := range map[string]reflect.Type{
		"soOption": reflect.TypeFor[kinds.SockSOOption](), "ipOption": reflect.TypeFor[kinds.SockIPOption](), "ipv6Option": reflect.TypeFor[kinds.SockIPV6Option](),
		"tcpOption": reflect.TypeFor[kinds.SockTCPOption](), "udpOption": reflect.TypeFor[kinds.SockUDPOption](),
	} {
		for _, f := range decode.Fields(typ) {
			seen++
			systems, ok := where[group+"."+f.Name]
			if !ok {
				t.Errorf("%s.%s isn't in the table", group, f.Name)
			}
			value, zero := "7", "0"
			switch f.Type.Kind() {
			case reflect.Bool:
				value, zero = "true", "false"
			case reflect.String:
				value, zero = "lo", `""`
			}
			for _, os := range []string{"", "linux", "darwin", "freebsd", "windows", "plan9"} {
				has := os == "" || slices.Contains(strings.Fields(systems), os)
				for _, v := range []string{value, zero, `"${X}"`} {
					option := fmt.Sprintf("sockOption: {%s: {%s: %s}}", group, f.Name, v)
					found := findings(os, option, option) // one on each side
					want := 0
					if !has && v != zero {
						want = 2
					}
					if len(found) != want {
						t.Errorf("%s on %q: %v", option, os, found)
					}
					for _, finding := range found {
						if finding.Code != diag.UnsupportedField || !strings.Contains(finding.Message, f.Name+" on "+os+",") {
							t.Errorf("%s on %q: %v", option, os, finding)
						}
					}
				}
			}
		}
	}
	if seen != len(where) {
		t.Errorf("%d options, and %d in the table", seen, len(where))
	}
}

func TestUnixSocketsOfSystems(t *testing.T) {
	for _, tt := range []struct{ listen, dial, systems string }{
		{"addr: 'unix:///run/gw.sock'", "", "linux darwin freebsd windows"},
		{"addr: 'unix://@gw'", "", "linux"},
		{"addr: 'unixpacket:///run/gw.sock'", "", "linux freebsd"},
		{"", "localAddress: 'unix://@gw'", "linux"},
		{"", "replaceTargets: ['(tcp|a:80) > (unix|@gw)']", "linux"},
		{"", "replaceTargets: ['(tcp|a:80)(unixpacket|/run/x)']", "linux freebsd"},
		{"", "replaceTargets: ['(tcp|a:80) > (unix|/run/x)']", "linux darwin freebsd windows"},
	} {
		for _, os := range []string{"", "linux", "darwin", "freebsd", "windows"} {
			found := findings(os, tt.listen, tt.dial)
			if refused := len(found) > 0; refused == (os == "" || slices.Contains(strings.Fields(tt.systems), os)) {
				t.Errorf("%s%s on %q: %v", tt.listen, tt.dial, os, found)
			}
		}
	}
}
