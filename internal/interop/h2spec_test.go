package interop

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// A failure is one that is known: the case, on which servers, and why.
type failure struct {
	servers string // "cleartext" or "" for all
	reason  string
}

// known are the cases that fail.
var known = map[string]failure{
	"http2/3.5/2": {"cleartext", "the port is that of HTTP/1.1, too, where what comes is a faulty request, which is answered by 400 before the connection is closed; h2spec wants it closed without a word"},
}

// TestH2spec runs all cases of h2spec, those for strict readers of the RFCs, too.
func TestH2spec(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			g := start(t, engine)
			t.Run("cleartext", func(t *testing.T) { h2spec(t, g.addrs[clearToClear], false) })
			t.Run("TLS", func(t *testing.T) { h2spec(t, g.addrs[secureToClear], true) })
		})
	}
}

func h2spec(t *testing.T, addr string, tls bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Host: host, Path: "/page", Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true, TLS: tls, Insecure: true}
	if c.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	cases := 0
	name := "cleartext"
	if tls {
		name = "TLS"
	}
	for _, root := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		root.Test(c)
		cases += report(t, root, name)
	}
	if cases < 140 {
		t.Errorf("%d cases were run; there are more", cases)
	}
}

// report tells how the cases of a group have ended, and how many there were.
func report(t *testing.T, g *spec.TestGroup, server string) (cases int) {
	for i, tc := range append(append([]*spec.TestCase(nil), g.Tests...), g.StrictTests...) {
		id := g.ID() + "/" + strconv.Itoa(i+1)
		f, expected := known[id]
		expected = expected && (f.servers == "" || f.servers == server)
		switch r := tc.Result; {
		case r == nil:
			t.Errorf("%s was not run: %s", id, tc.Desc)
		case r.Skipped:
			t.Errorf("%s was skipped: %s", id, tc.Desc)
		case r.Failed && !expected:
			t.Errorf("%s: %s\n%s\n%v", id, tc.Desc, tc.Requirement, r.Error)
		case !r.Failed && expected:
			t.Errorf("%s passes, but is known to fail: %s", id, f.reason)
		}
		cases++
	}
	for _, sub := range g.Groups {
		cases += report(t, sub, server)
	}
	return cases
}
