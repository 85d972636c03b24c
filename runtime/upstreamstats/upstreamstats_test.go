package upstreamstats_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// target is an upstream that is down if it has a reason to be.
type target struct {
	url, why string
}

func (t *target) String() string    { return t.url }
func (t *target) Usable() bool      { return t.why == "" }
func (t *target) Why() string       { return t.why }
func (t *target) Ejections() uint64 { return 3 }

type pool map[string]upstreamstats.Conns

func (p pool) Measure(scheme, host string) func() upstreamstats.Conns {
	return func() upstreamstats.Conns { return p[scheme+"://"+host] }
}

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := upstreamstats.Set{Times: true}
		c := set.Group("default/api", pool{"http://a": {Open: 4, Idle: 1, Opened: 9}}).Add(&target{url: "http://a", why: "refused"}, "http", "a")
		for i, took := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 10 * time.Second, time.Minute} {
			began := c.Began()
			time.Sleep(took)
			c.Answered([]int{200, 404, 503, 101, 999}[i], began)
			c.Ended()
		}
		c.Began()
		c.Failed(upstreamstats.Connect)
		want := upstreamstats.Snapshot{
			Handler: "default/api", Upstream: "http://a", Why: "refused", Ejections: 3, Requests: 6, InFlight: 1,
			Responses: [6]uint64{1, 1, 1, 0, 1, 1}, Timed: true, LatencySum: 70*time.Second + 2*time.Millisecond + 1,
			Conns: upstreamstats.Conns{Open: 4, Idle: 1, Opened: 9}, ConnsKnown: true,
		}
		want.Latency[0], want.Latency[1], want.Latency[len(upstreamstats.Buckets)-1], want.Latency[len(upstreamstats.Buckets)] = 2, 1, 1, 1
		want.Failures[upstreamstats.Connect] = 1
		for got := range set.All() {
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestJSON(t *testing.T) {
	var plain upstreamstats.Set
	if got := plain.String(); got != "[]" {
		t.Errorf("without upstreams: %s", got)
	}
	g := plain.Group("default/api", nil)
	c := g.Add(&target{url: "http://a", why: "\"quoted\" \\ \x01 \xff é"}, "http", "a")
	c.Answered(200, c.Began())
	g.Add(&target{url: "http://b"}, "http", "b")
	plain.Group("default/other", pool{"http://c": {Open: 1, Idle: -1, Opened: 2}}).Add(&target{url: "http://c"}, "http", "c")
	timed := upstreamstats.Set{Times: true}
	timed.Group("x", nil).Add(&target{url: "http://a"}, "http", "a")

	var got []map[string]any
	if err := json.Unmarshal([]byte(plain.String()), &got); err != nil {
		t.Fatalf("%v: %s", err, plain.String())
	}
	failures := map[string]any{}
	for f := range upstreamstats.Failures {
		failures[f.String()] = 0.0
	}
	member := func(handler, upstream string, change func(map[string]any)) map[string]any {
		m := map[string]any{
			"handler": handler, "upstream": upstream, "usable": true, "ejections": 3.0, "requests": 0.0, "inFlight": 0.0,
			"responses": map[string]any{"1xx": 0.0, "2xx": 0.0, "3xx": 0.0, "4xx": 0.0, "5xx": 0.0}, "failures": failures,
		}
		change(m)
		return m
	}
	want := []map[string]any{
		member("default/api", "http://a", func(m map[string]any) {
			m["usable"], m["why"] = false, "\"quoted\" \\ \x01 \uFFFD é"
			m["requests"], m["inFlight"] = 1.0, 1.0
			m["responses"].(map[string]any)["2xx"] = 1.0
		}),
		member("default/api", "http://b", func(map[string]any) {}),
		member("default/other", "http://c", func(m map[string]any) { m["connections"] = map[string]any{"open": 1.0, "opened": 2.0} }),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var withTimes []struct {
		Millis    map[string]int
		MillisSum *int
	}
	if err := json.Unmarshal([]byte(timed.String()), &withTimes); err != nil {
		t.Fatal(err)
	}
	if m := withTimes[0]; len(m.Millis) != len(upstreamstats.Buckets)+1 || m.MillisSum == nil {
		t.Errorf("times: %+v", m)
	}
	if _, ok := withTimes[0].Millis["2.5"]; !ok {
		t.Errorf("buckets: %v", withTimes[0].Millis)
	}
}

// An upstream that is in several load balancers of a handler is counted as one.
func TestMerged(t *testing.T) {
	set := upstreamstats.Set{Times: true}
	api := set.Group("default/api", pool{"http://a": {Open: 4, Idle: 1, Opened: 9}})
	for i, why := range []string{"", "refused", ""} {
		c := api.Add(&target{url: "http://a", why: why}, "http", "a")
		c.Answered(200+100*i, c.Began())
		c.Failed(upstreamstats.Connect)
	}
	set.Group("default/b", nil).Add(&target{url: "http://a"}, "http", "a")
	merged := set.Merged()
	if len(merged) != 2 {
		t.Fatalf("%d upstreams", len(merged))
	}
	a, b := merged[0], merged[1]
	if a.Requests != 3 || a.InFlight != 3 || a.Failures[upstreamstats.Connect] != 3 || a.Responses != [6]uint64{2: 1, 3: 1, 4: 1} || a.Usable || a.Why != "refused" || a.Ejections != 9 || a.Conns.Open != 4 {
		t.Errorf("%+v", a)
	}
	var timed uint64
	for _, n := range a.Latency {
		timed += n
	}
	if timed != 3 || b.Handler != "default/b" || b.Requests != 0 || !b.Usable {
		t.Errorf("%d times; %+v", timed, b)
	}
}

func TestAllStops(t *testing.T) {
	var set upstreamstats.Set
	for _, name := range []string{"x", "y"} {
		set.Group(name, nil).Add(&target{}, "http", "a")
	}
	n := 0
	for range set.All() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d upstreams", n)
	}
	if got := upstreamstats.Failures.String(); got != "unknown" {
		t.Errorf("a failure that is none is %q", got)
	}
}

// Who reads while others count sees no more ends than beginnings.
func TestConcurrently(t *testing.T) {
	var set upstreamstats.Set
	c := set.Group("x", nil).Add(&target{}, "http", "a")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				c.Answered(200, c.Began())
				c.Ended()
			}
		})
	}
	wg.Go(func() {
		for range 2000 {
			for s := range set.All() {
				if s.InFlight > s.Requests {
					t.Errorf("%d of %d requests in flight", s.InFlight, s.Requests)
					return
				}
			}
		}
	})
	wg.Wait()
}

func BenchmarkCounts(b *testing.B) {
	for _, times := range []bool{false, true} {
		b.Run(fmt.Sprint("times=", times), func(b *testing.B) {
			set := upstreamstats.Set{Times: times}
			c := set.Group("x", nil).Add(&target{}, "http", "a")
			b.ReportAllocs()
			for b.Loop() {
				c.Answered(200, c.Began())
				c.Ended()
			}
		})
	}
}

func Example() {
	var set upstreamstats.Set
	counts := set.Group("default/api", nil).Add(&target{url: "http://10.0.0.7:8080"}, "http", "10.0.0.7:8080")

	began := counts.Began()
	counts.Answered(200, began)
	counts.Ended()

	for s := range set.All() {
		fmt.Println(s.Handler, s.Upstream, s.Requests, s.Responses[2], s.InFlight)
	}
	// Output:
	// default/api http://10.0.0.7:8080 1 1 0
}
