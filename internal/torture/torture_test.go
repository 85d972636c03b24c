// Package torture has a gateway of all that holds on to requests meet clients and upstreams that
// keep to no rule. No byte of one exchange may get into another, none may get lost, and in
// the end nothing may be left of them.
package torture

import (
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

var (
	duration = flag.Duration("torture", 3*time.Second, "how long")
	clients  = flag.Int("clients", 24, "how many at a time")
	race     = flag.Bool("race-gateway", false, "build the gateway with the race detector")
	keep     = flag.String("log", "", "`PREFIX` of the files for what the gateways print")
	only     = flag.String("engine", "", "test this engine and no other")
)

// eachEngine runs a test for each engine.
func eachEngine(t *testing.T, f func(*testing.T, kinds.Engine)) {
	engines := kinds.Engines
	if *only != "" {
		engines = []kinds.Engine{kinds.Engine(*only)}
	}
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, engine)
		})
	}
}

// TestGateway has one gateway of an engine go through all that follows.
func TestGateway(t *testing.T) {
	if testing.Short() {
		*duration = min(*duration, 2*time.Second)
	}
	eachEngine(t, func(t *testing.T, engine kinds.Engine) {
		g := start(t, engine)
		t.Run("torture", g.testTorture)
		t.Run("splits", g.testSplits)
		if engine == kinds.Wire {
			t.Run("rows", g.testRows)
		}
		t.Run("memory", g.testMemory)
		t.Run("attackers", g.testAttackers)
		g.stop(t)
	})
}

func (g *process) testTorture(t *testing.T) {
	newBackend(t, g.ports[plainUpstream], nil)
	newBackend(t, g.ports[unsteadyUpstream], nil)
	newBackend(t, g.ports[tlsUpstream], &g.certificate)
	newBackend2(t, g.ports[http2Upstream])
	count := new(tally)
	g.torture(t, 0, count, *duration/4) // for all that is made once
	before := g.rest(t)
	g.torture(t, 1, count, *duration*3/4)
	after := g.rest(t)
	t.Logf("%d whole responses, %d refusals, %d cut, %d upgrades, %d abandoned", count.whole.Load(), count.refused.Load(),
		count.cut.Load(), count.upgraded.Load(), count.abandoned.Load())
	t.Logf("before %+v, after %+v", before, after)
	if after.heap > before.heap*3/2+(2<<20) {
		t.Errorf("the heap has grown from %d to %d bytes", before.heap, after.heap)
	}
}

// torture lets clients loose on the gateway.
func (g *process) torture(t *testing.T, round int, count *tally, d time.Duration) {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: p}}
	defer client.CloseIdleConnections()
	end := time.Now().Add(d)
	var all sync.WaitGroup
	for i := range *clients {
		f := &fuzzer{t: t, g: g, name: fmt.Sprintf("r%dc%d", round, i), tally: count}
		all.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				if i%6 == 5 {
					f.run2(client)
				} else {
					f.run()
				}
			}
		})
	}
	all.Wait()
}
