package transporttest

import (
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var statsTests = []test{
	{"Connections", testConnections},
}

func testConnections(t *testing.T, e Engine) {
	rest := make(chan string, 10)
	u := newUpstream(t, func(c *conn) {
		for c.request() != "" {
			c.say(strings.TrimSuffix(ok, "ok"))
			c.say(<-rest)
		}
	})
	other := newUpstream(t, answering(ok))
	tr := newTransport(t, e, wire.TransportOptions{})
	conns, twice := tr.Measure("http", u.addr), tr.Measure("http", u.addr)
	others := tr.Measure("http", "nobody.test")
	expect := func(open, idle int, opened uint64) {
		t.Helper()
		if e.CountsNoIdle {
			idle = -1
		}
		want := upstreamstats.Conns{Open: open, Idle: idle, Opened: opened}
		eventually(t, "what is to be counted", func() bool { return conns() == want && twice() == want })
	}
	if got := others(); got.Open != 0 || got.Opened != 0 {
		t.Errorf("unused: %+v", got)
	}
	first, second := newLeg(t, "GET", u.url()), newLeg(t, "GET", u.url())
	first.serve(tr)
	second.serve(tr)
	get(t, tr, other.url())
	if got := conns(); got.Opened != 2 || got.Open != 2 {
		t.Errorf("in use: %+v", got)
	}
	for range cap(rest) {
		rest <- "ok"
	}
	first.expect(200, "ok")
	second.expect(200, "ok")
	first.end()
	second.end()
	expect(2, 2, 2)
	get(t, tr, u.url())
	expect(2, 2, 2)
	_ = tr.Close()
	expect(0, 0, 2)
	get(t, tr, u.url())
	expect(1, 1, 3)
}
