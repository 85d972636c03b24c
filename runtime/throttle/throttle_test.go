package throttle

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

var pass = gateway.HandlerFunc(func(x *gateway.Exchange) error {
	x.Response.Status = 204
	return nil
})

var all = match.Prefix("")

// try sends a request through h, from its start to its end, and returns the status.
func try(h gateway.Handler, edit ...func(x *gateway.Exchange)) int {
	x := new(gateway.Exchange)
	x.Request.Method, x.Request.Path, x.Request.RemoteAddr = "GET", "/", "192.0.2.1:1"
	for _, e := range edit {
		e(x)
	}
	defer x.Finish()
	if err := h.Serve(x); err != nil {
		return gateway.StatusOf(err)
	}
	return x.Response.Status
}

// passed counts how many of n requests at once, one after the other, pass.
func passed(h gateway.Handler, n int, edit ...func(x *gateway.Exchange)) (count int) {
	for range n {
		if try(h, edit...) == 204 {
			count++
		}
	}
	return count
}

func one(r Rule) gateway.Handler {
	if r.Match == nil {
		r.Match = all
	}
	return New(Options{Rules: []Rule{r}})(pass)
}

// A burst is a number of requests, sent some time after the last burst.
type burst struct {
	after time.Duration
	n     int
	want  int // that pass
}

func TestLimits(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name   string
		limit  Limit
		bursts []burst
	}{
		{"a bucket is full at first, and fills evenly", TokenBucket{Size: 5, Rate: 2, Interval: 100 * ms}, []burst{{0, 8, 5}, {49 * ms, 1, 0}, {1 * ms, 2, 1}, {100 * ms, 3, 2}}},
		{"a half-full bucket fills, too", TokenBucket{Size: 5, Rate: 2, Interval: 100 * ms}, []burst{{0, 3, 3}, {50 * ms, 5, 3}, {time.Hour, 9, 5}}},
		{"fractions of a token aren't lost", TokenBucket{Size: 3, Rate: 3, Interval: 100 * ms}, []burst{{0, 4, 3}, {20 * ms, 1, 0}, {20 * ms, 2, 1}, {20 * ms, 1, 0}, {20 * ms, 2, 1}, {21 * ms, 2, 1}}},
		{"more tokens at a time than there is room for", TokenBucket{Size: 2, Rate: 1000, Interval: 1000 * ms}, []burst{{0, 3, 2}, {10 * ms, 3, 2}}},
		{"the defaults of a bucket", TokenBucket{}, []burst{{0, 1001, 1000}, {10 * ms, 20, 10}}},
		{"a bucket that never fills", TokenBucket{Size: 2, Rate: 1, Interval: math.MaxInt64}, []burst{{0, 3, 1}, {1e6 * time.Hour, 1, 0}}},
		{"a window", FixedWindow{Size: 100 * ms, Limit: 5}, []burst{{0, 8, 5}, {99 * ms, 8, 0}, {1 * ms, 8, 5}}},
		{"what's left of a window is lost", FixedWindow{Size: 100 * ms, Limit: 5}, []burst{{0, 3, 3}, {100 * ms, 8, 5}, {50 * ms, 1, 0}}},
		{"a window begins with its first request", FixedWindow{Size: 100 * ms, Limit: 2}, []burst{{150 * ms, 3, 2}, {60 * ms, 1, 0}, {40 * ms, 1, 1}}},
		{"a window with the greatest limit", FixedWindow{Size: 1 * ms, Limit: math.MaxInt32}, []burst{{0, 5, 5}, {1e5 * time.Hour, 5, 5}}},
		{"a window for ever", FixedWindow{Size: math.MaxInt64, Limit: 2}, []burst{{0, 3, 2}, {1000 * time.Hour, 3, 0}}},
		{"the defaults of a window", FixedWindow{}, []burst{{0, 1001, 1000}, {1000 * ms, 1001, 1000}}},
		{"no connections", MaxConnections{}, []burst{{0, 2, 0}}},
		{"fewer than no connections", MaxConnections{Max: -1}, []burst{{0, 2, 0}}},
		{"connections one after the other", MaxConnections{Max: 1}, []burst{{0, 9, 9}}},
		{"no limit is a limit of none", nil, []burst{{0, 2, 0}}},
	}
	for _, tt := range tests {
		for _, keys := range [][]Key{nil, {Path()}} {
			name := tt.name
			if keys != nil {
				name += ", by key"
				if _, ok := tt.limit.(FixedWindow); ok {
					continue // windows begin at other times: TestWindowsByKey
				}
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := one(Rule{Limit: tt.limit, Keys: keys, MaxKeys: 100})
					for i, b := range tt.bursts {
						time.Sleep(b.after)
						if got := passed(h, b.n); got != b.want {
							t.Errorf("burst %d: %d of %d pass, not %d", i, got, b.n, b.want)
						}
					}
				})
			})
		}
	}
}

// In each window, whenever that begins, as many requests of a client pass as the limit says.
func TestWindowsByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := one(Rule{Limit: FixedWindow{Size: 100 * time.Millisecond, Limit: 3}, Keys: []Key{Path()}, MaxKeys: 1 << 12})
		for _, path := range []string{"/a", "/b", "/c", "/d"} {
			here := func(x *gateway.Exchange) { x.Request.Path = path }
			total, windows := 0, 0
			for range 1000 {
				if n := passed(h, 5, here); n > 0 {
					total += n
					windows++
				}
				time.Sleep(time.Millisecond)
			}
			if windows < 10 || windows > 11 || total != 3*windows {
				t.Errorf("%s: in a second %d passed in %d windows", path, total, windows)
			}
		}
	})
}

// The rate is kept for long, however odd it is, and however often requests come.
func TestRates(t *testing.T) {
	for _, tt := range []struct {
		limit Limit
		every time.Duration
		want  int // in 1000 s
	}{
		{TokenBucket{Size: 2, Rate: 7, Interval: time.Second}, 10 * time.Millisecond, 7002},
		{TokenBucket{Size: 10, Rate: 3, Interval: 7 * time.Second}, 30 * time.Millisecond, 428 + 10},
		{TokenBucket{Size: 100, Rate: 60, Interval: time.Second}, 10 * time.Millisecond, 60000 + 100},
		{FixedWindow{Size: time.Second, Limit: 9}, 10 * time.Millisecond, 9000},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := one(Rule{Limit: tt.limit})
			got := 0
			for at := time.Duration(0); at < 1000*time.Second; at += tt.every {
				got += passed(h, 1)
				time.Sleep(tt.every)
			}
			if got < tt.want*999/1000-1 || got > tt.want+1 {
				t.Errorf("%+v: %d pass, not %d", tt.limit, got, tt.want)
			}
		})
	}
}

// A request waits for its turn in a leaky bucket, and is refused if there's no room.
func TestLeakyBucket(t *testing.T) {
	for _, keys := range [][]Key{nil, {ClientAddress(Address{})}} {
		synctest.Test(t, func(t *testing.T) {
			h := one(Rule{Limit: LeakyBucket{Size: 4, Interval: 50 * time.Millisecond}, Keys: keys, MaxRetry: 9})
			var mu sync.Mutex
			got := make(map[string]int)
			start := time.Now()
			send := func() {
				status := try(h)
				mu.Lock()
				got[strconv.Itoa(status)+" after "+time.Since(start).String()]++
				mu.Unlock()
			}
			for range 7 {
				go send()
			}
			time.Sleep(75 * time.Millisecond) // two have gone
			for range 2 {
				go send()
			}
			synctest.Wait()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			want := map[string]int{
				"204 after 0s": 1, "429 after 0s": 2, "204 after 50ms": 1, "429 after 75ms": 1,
				"204 after 100ms": 1, "204 after 150ms": 1, "204 after 200ms": 1, "204 after 250ms": 1,
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if n := passed(h, 1); n != 1 {
				t.Error("the first after a pause has to wait")
			}
		})
	}
}

// Who has gone isn't waited for, and leaves the last place in the queue to others.
func TestLeavingTheQueue(t *testing.T) {
	for _, keys := range [][]Key{nil, {ClientAddress(Address{})}} {
		synctest.Test(t, func(t *testing.T) {
			h := one(Rule{Limit: LeakyBucket{Size: 1, Interval: time.Hour}, Keys: keys})
			passed(h, 1)
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				x := new(gateway.Exchange)
				x.Request.RemoteAddr = "192.0.2.1:1"
				x.SetContext(ctx)
				err := h.Serve(x)
				if e, ok := gateway.AsError(err); !ok || e.Status != 429 || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			}
		})
	}
}

// The place of a request is free when its response has been sent, and not before; none gets
// a place by trying often.
func TestConnections(t *testing.T) {
	for _, keys := range [][]Key{nil, {ClientAddress(Address{})}} {
		h := one(Rule{Limit: MaxConnections{Max: 3}, Keys: keys})
		var open []*gateway.Exchange
		for i := range 5 {
			x := new(gateway.Exchange)
			x.Request.RemoteAddr = "192.0.2.1:1"
			err := h.Serve(x)
			if (err == nil) != (i < 3) {
				t.Errorf("request %d: %v", i, err)
			}
			open = append(open, x)
		}
		for i, x := range open {
			x.Finish()
			if got := try(h); got != 204 {
				t.Errorf("after the end of %d: %d", i, got)
			}
		}
		if k, ok := gateOf(h).(*keyedConns); ok {
			for i := range k.counts.shards {
				if n := len(k.counts.shards[i].open); n > 0 {
					t.Errorf("%d keys are left", n)
				}
			}
		}
	}
}

func gateOf(h gateway.Handler) gate { return h.(*handler).rules[0].gate }

// A request tries as often as it may, and no more, with pauses that grow.
func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name           string
		retries        int
		frees          int // the try at which there is room; 0 for never
		status, tries  int
		atLeast, below time.Duration
	}{
		{"none", 0, 0, 429, 1, 0, 1},
		{"three, in vain", 3, 0, 429, 4, 3 * time.Millisecond, 10 * time.Millisecond},
		{"the second try", 3, 2, 204, 2, time.Millisecond, 2 * time.Millisecond},
		{"the last try", 3, 4, 204, 4, 3 * time.Millisecond, 10 * time.Millisecond},
		{"twenty", 20, 0, 429, 21, 20 * time.Millisecond, 78 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := one(Rule{Limit: MaxConnections{}, MaxRetry: tt.retries})
				g := &counter{frees: tt.frees}
				h.(*handler).rules[0].gate = g
				start := time.Now()
				if got := try(h); got != tt.status || g.tries != tt.tries {
					t.Errorf("%d after %d tries, not %d after %d", got, g.tries, tt.status, tt.tries)
				}
				if took := time.Since(start); took < tt.atLeast || took >= tt.below {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// counter is a gate that counts tries.
type counter struct{ tries, frees int }

func (c *counter) take(*gateway.Exchange, bool) verdict {
	c.tries++
	return verdict{ok: c.tries == c.frees}
}
func (c *counter) undo(*gateway.Exchange, verdict) {}

func TestBackoff(t *testing.T) {
	for i := range 200 {
		limit := time.Duration(math.MaxInt64)
		if i < 14 {
			limit = time.Millisecond << i
		}
		if d := backoff(i); d < time.Millisecond || d >= time.Millisecond+min(limit, 10*time.Second) {
			t.Errorf("the pause before try %d is %v", i, d)
		}
	}
}

// A client that has gone gets no more tries.
func TestRetryWhenGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := one(Rule{Limit: MaxConnections{}, MaxRetry: 1 << 30})
		gone := errors.New("gone")
		x := new(gateway.Exchange)
		time.AfterFunc(time.Hour, func() { x.Cancel(gone) })
		start := time.Now()
		err := h.Serve(x)
		if e, ok := gateway.AsError(err); !ok || e.Status != 429 || e.Code != "E3213" || time.Since(start) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestRules(t *testing.T) {
	rules := []Rule{
		{Limit: MaxConnections{}}, // for nothing
		{Match: match.Exact("/get"), Methods: []string{"GET", "HEAD"}, Limit: FixedWindow{Size: time.Hour, Limit: 1}},
		{Match: match.Prefix("/get", "/api/"), Limit: FixedWindow{Size: time.Hour, Limit: 2}},
		{Match: match.Prefix("/api/"), Limit: MaxConnections{}},
	}
	h := New(Options{Rules: rules})(pass)
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/get", 204}, {"HEAD", "/get", 429},
		{"PUT", "/get", 204}, {"GET", "/api/x", 204}, {"GET", "/api/y", 429}, {"DELETE", "/get", 429},
		{"GET", "/other", 204},
	} {
		if got := try(h, func(x *gateway.Exchange) { x.Request.Method, x.Request.Path = tt.method, tt.path }); got != tt.want {
			t.Errorf("%s %s: %d, not %d", tt.method, tt.path, got, tt.want)
		}
	}
}

// One middleware counts for all of its uses.
func TestShared(t *testing.T) {
	m := New(Options{Rules: []Rule{{Match: all, Limit: FixedWindow{Size: time.Hour, Limit: 3}}}})
	a, b := m(pass), m(pass)
	if got := passed(a, 2) + passed(b, 2); got != 3 {
		t.Errorf("%d pass, not 3", got)
	}
}

// Of many requests at the same time exactly as many pass as the limit says.
func TestParallel(t *testing.T) {
	for name, r := range map[string]Rule{
		"bucket":         {Limit: TokenBucket{Size: 100, Rate: 1, Interval: 100 * time.Hour}},
		"bucket by key":  {Limit: TokenBucket{Size: 100, Rate: 1, Interval: 100 * time.Hour}, Keys: []Key{Path()}},
		"window":         {Limit: FixedWindow{Size: 100 * time.Hour, Limit: 100}},
		"window by key":  {Limit: FixedWindow{Size: 1000 * 24 * time.Hour, Limit: 100}, Keys: []Key{Path()}},
		"connections":    {Limit: MaxConnections{Max: 100}},
		"connections by": {Limit: MaxConnections{Max: 100}, Keys: []Key{Path()}},
	} {
		h := one(r)
		var n atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 100 {
					x := new(gateway.Exchange) // which never ends
					if h.Serve(x) == nil {
						n.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if n.Load() != 100 {
			t.Errorf("%s: %d pass, not 100", name, n.Load())
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit Limit
		n     int
		want  string
	}{
		{"the next token", TokenBucket{Size: 2, Rate: 1, Interval: 90 * time.Second}, 3, "90"},
		{"never less than a second", TokenBucket{Size: 2, Rate: 1000, Interval: time.Second}, 3, "1"},
		{"rounded up", TokenBucket{Size: 1, Rate: 2, Interval: 3 * time.Second}, 2, "2"},
		{"the end of the window", FixedWindow{Size: time.Minute, Limit: 2}, 3, "60"},
		{"connections", MaxConnections{}, 1, "1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := one(Rule{Limit: tt.limit})
			passed(h, tt.n-1)
			e, ok := gateway.AsError(h.Serve(new(gateway.Exchange)))
			if !ok || e.Status != 429 || e.Code != "E3213" || e.Kind != "AppMiddleThrottle" {
				t.Fatalf("%s: %v", tt.name, e)
			}
			if d := cmp.Diff(gateway.Header{{Name: "Retry-After", Value: tt.want}}, e.Header); d != "" {
				t.Errorf("%s: %s", tt.name, d)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	for _, tt := range []struct {
		rule Rule
		want []string // "policy | limit" of a few requests
	}{
		{Rule{Limit: TokenBucket{Size: 2, Rate: 1, Interval: 10 * time.Second}, Name: `a "b"`}, []string{
			`"a \"b\"";q=2;w=20 | "a \"b\"";r=1;t=10`, `"a \"b\"";q=2;w=20 | "a \"b\"";r=0;t=20`, `"a \"b\"";q=2;w=20 | "a \"b\"";r=0;t=20`}},
		{Rule{Limit: FixedWindow{Size: 1500 * time.Millisecond, Limit: 1}, Name: "é"}, []string{
			`"??";q=1;w=2 | "??";r=0;t=2`, `"??";q=1;w=2 | "??";r=0;t=2`}},
		{Rule{Limit: LeakyBucket{Size: 1, Interval: time.Second}}, []string{
			`"default";q=2;w=2 | "default";r=1;t=1`, `"default";q=2;w=2 | "default";r=0;t=2`, `"default";q=2;w=2 | "default";r=1;t=1`}},
		{Rule{Limit: MaxConnections{Max: 2}}, []string{
			`"default";q=2;qu="concurrent-requests" | "default";r=1`, `"default";q=2;qu="concurrent-requests" | "default";r=0`,
			`"default";q=2;qu="concurrent-requests" | "default";r=0`}},
	} {
		synctest.Test(t, func(t *testing.T) {
			tt.rule.Headers = true
			h := one(tt.rule)
			var got []string
			for range tt.want {
				x := new(gateway.Exchange)
				header := &x.Response.Header
				if err := h.Serve(x); err != nil {
					e, _ := gateway.AsError(err)
					header = &e.Header
				}
				got = append(got, header.Get("RateLimit-Policy")+" | "+header.Get("RateLimit"))
				if _, ok := tt.rule.Limit.(LeakyBucket); ok && len(got) == 2 {
					time.Sleep(time.Second)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// A response that the handler refuses has the fields, too, and none of them is lost.
func TestHeadersOfErrors(t *testing.T) {
	refuse := gateway.HandlerFunc(func(*gateway.Exchange) error { return &gateway.Error{Status: 403} })
	h := New(Options{Rules: []Rule{{Match: all, Limit: MaxConnections{Max: 1}, Headers: true}}})(refuse)
	x := new(gateway.Exchange)
	if err := h.Serve(x); gateway.StatusOf(err) != 403 || !x.Response.Header.Has("RateLimit") {
		t.Errorf("%v with %v", err, x.Response.Header)
	}
}

func TestKeys(t *testing.T) {
	header := func(pairs ...string) gateway.Header {
		var h gateway.Header
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	alice := claims.Map{"sub": "7", "n": 7.0, "yes": true, "list": []any{"7"}, "realm": map[string]any{"tenant": "t"}}
	for _, tt := range []struct {
		name string
		keys []Key
		h    gateway.Header
		want string
	}{
		{"a constant", []Key{Constant("x")}, nil, "x"},
		{"a header", []Key{Header("X-Key")}, header("x-key", "a", "X-Key", "b"), "a"},
		{"no header", []Key{Header("X-Key")}, nil, ""},
		{"a cookie", []Key{Cookie("sid")}, header("Cookie", "a=b; sid=c", "cookie", "sid=d"), "c"},
		{"no cookie", []Key{Cookie("sid")}, header("Cookie", "a=b; SID=c"), ""},
		{"the path", []Key{Path()}, nil, "/p q"},
		{"a claim", []Key{Claim("", "sub")}, nil, `"7`},
		{"a number", []Key{Claim("", "n")}, nil, "7"},
		{"a truth value", []Key{Claim("", "yes")}, nil, "true"},
		{"a list is no key", []Key{Claim("", "list")}, nil, ""},
		{"a claim of a claim", []Key{Claim("AuthnClaims", "realm.tenant")}, nil, `"t`},
		{"claims of another authentication", []Key{Claim("other", "sub")}, nil, ""},
		{"an address", []Key{ClientAddress(Address{})}, nil, "192.0.2.1"},
		{"several", []Key{Header("A"), Header("B")}, header("A", "a", "B", "bc"), "a\x01\x00\x00\x00bc\x02\x00\x00\x00"},
		{"several others", []Key{Header("A"), Header("B")}, header("A", "ab", "B", "c"), "ab\x02\x00\x00\x00c\x01\x00\x00\x00"},
	} {
		x := new(gateway.Exchange)
		x.Request.Header, x.Request.Path, x.Request.RemoteAddr = tt.h, "/p q", "192.0.2.1:99"
		claims.Put(x, claims.DefaultKey, alice)
		k := newKeys(tt.keys)
		if got := string(k.append(nil, x)); got != tt.want {
			t.Errorf("%s: %q, not %q", tt.name, got, tt.want)
		}
		other := newKeys(tt.keys)
		if once, again := k.hash(x), k.hash(x); once != again || once == other.hash(x) {
			t.Errorf("%s: the hash isn't that of a secret", tt.name)
		}
	}
}

// Each client has a limit of its own.
func TestByKey(t *testing.T) {
	h := one(Rule{Limit: TokenBucket{Size: 2, Rate: 1, Interval: time.Hour}, Keys: []Key{ClientAddress(Address{})}})
	for _, addr := range []string{"192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", ""} {
		if got := passed(h, 3, func(x *gateway.Exchange) { x.Request.RemoteAddr = addr }); got != 2 {
			t.Errorf("%d pass of %q, not 2", got, addr)
		}
	}
	for _, addr := range []string{"192.0.2.1:2", "[2001:db8::ffff]:1", "@"} {
		if got := passed(h, 3, func(x *gateway.Exchange) { x.Request.RemoteAddr = addr }); got != 0 {
			t.Errorf("%d pass of %q, which has had its share", got, addr)
		}
	}
}
