package lb_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// algorithms are all of them, those with a key by the header K.
var algorithms = map[string]func(...lb.Upstream) *lb.Balancer{
	"RoundRobin": lb.RoundRobin,
	"Random":     lb.Random,
	"DirectHash": keyed(lb.DirectHash),
	"RingHash":   keyed(lb.RingHash),
	"Maglev":     keyed(lb.Maglev),
}

func keyed(f func(lb.Key, ...lb.Upstream) *lb.Balancer) func(...lb.Upstream) *lb.Balancer {
	return func(u ...lb.Upstream) *lb.Balancer { return f(lb.Header("K"), u...) }
}

func request(key int) *gateway.Exchange {
	x := &gateway.Exchange{}
	x.Request.Header.Add("K", "key-number-"+strconv.Itoa(key)+"-of-many")
	return x
}

// upstreams are http://h0, http://h1 and so on.
func upstreams(weights ...int) (u []lb.Upstream) {
	for i, w := range weights {
		u = append(u, lb.Upstream{URL: "http://h" + strconv.Itoa(i), Weight: w})
	}
	return u
}

// count picks for keys 0 … n-1 and counts the hosts.
func count(t *testing.T, b *lb.Balancer, n int) map[string]int {
	t.Helper()
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for k := range n {
		if target := b.Pick(request(k)); target != nil {
			got[target.Host]++
		} else {
			got["none"]++
		}
	}
	return got
}

func TestShares(t *testing.T) {
	cases := [][]int{{1}, {0, 0}, {1, 1, 1}, {1, 2, 3}, {100, 100, 400}, {-1, 1, 2}, {65535, 65535, 30000}, {200, 1, 50, 50}}
	for name, algorithm := range algorithms {
		for _, weights := range cases {
			t.Run(fmt.Sprint(name, weights), func(t *testing.T) {
				const n = 20000
				got := count(t, algorithm(upstreams(weights...)...), n)
				sum := 0
				for _, w := range weights {
					if w >= 0 {
						sum += max(w, 1)
					}
				}
				for i, w := range weights {
					host := "h" + strconv.Itoa(i)
					if w < 0 {
						if got[host] != 0 {
							t.Errorf("%s has weight -1 and got %d", host, got[host])
						}
						continue
					}
					want := float64(n) * float64(max(w, 1)) / float64(sum)
					// A ring's shares vary with 1/sqrt(points), samples with sqrt(n).
					slack := 0.2*want + 4*math.Sqrt(want)
					if math.Abs(float64(got[host])-want) > slack {
						t.Errorf("%s got %d of %d, want %.0f ± %.0f", host, got[host], n, want, slack)
					}
				}
				if got["none"] != 0 {
					t.Errorf("%d requests got no upstream", got["none"])
				}
			})
		}
	}
}

func TestNoUpstream(t *testing.T) {
	for name, algorithm := range algorithms {
		for _, u := range [][]lb.Upstream{nil, upstreams(-1, -1)} {
			if got := count(t, algorithm(u...), 3); got["none"] != 3 {
				t.Errorf("%s of %v picks %v", name, u, got)
			}
		}
	}
}

func TestUnusable(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			b := algorithm(upstreams(1, 2, 1)...)
			targets := b.Targets()
			before := picks(b, 2000)

			targets[1].SetUsable(false, "down")
			targets[1].SetUsable(false, "down") // twice is once
			during := picks(b, 2000)
			for k, host := range during {
				if host == "h1" {
					t.Fatalf("key %d goes to a target that isn't usable", k)
				}
				if name != "RoundRobin" && name != "Random" && before[k] != "h1" && host != before[k] {
					t.Fatalf("key %d moves from %s to %s, though %s is usable", k, before[k], host, before[k])
				}
			}

			targets[0].SetUsable(false, "down")
			if got := count(t, b, 10); got["h2"] != 10 {
				t.Errorf("with only h2 usable: %v", got)
			}
			targets[2].SetUsable(false, "down")
			if got := count(t, b, 10); got["none"] != 10 {
				t.Errorf("with none usable: %v", got)
			}

			for _, target := range targets {
				target.SetUsable(true, "")
			}
			if got := count(t, b, 100); len(got) != 3 {
				t.Errorf("with all back: %v", got)
			}
		})
	}
}

func picks(b *lb.Balancer, n int) []string {
	hosts := make([]string, n)
	for k := range hosts {
		if target := b.Pick(request(k)); target != nil {
			hosts[k] = target.Host
		}
	}
	return hosts
}

func TestSameKeySameUpstream(t *testing.T) {
	for _, name := range []string{"DirectHash", "RingHash", "Maglev"} {
		u := upstreams(1, 2, 3, 4)
		if diff := cmp.Diff(picks(algorithms[name](u...), 1000), picks(algorithms[name](u...), 1000)); diff != "" {
			t.Errorf("%s picks differently when made again: %s", name, diff)
		}
	}
}

func TestRemovingOneMovesOnlyItsShare(t *testing.T) {
	slack := map[string]float64{"RingHash": 0, "Maglev": 0.03}
	for _, weights := range [][]int{{1, 1, 1, 1, 1}, {1, 2, 3, 4}, {100, 100, 400}, {2, 2, 3}} {
		for name, slack := range slack {
			for removed := range weights {
				t.Run(fmt.Sprint(name, weights, removed), func(t *testing.T) {
					const n = 5000
					u := upstreams(weights...)
					before := picks(algorithms[name](u...), n)
					after := picks(algorithms[name](append(u[:removed:removed], u[removed+1:]...)...), n)
					moved := 0
					for k := range before {
						if before[k] != after[k] && before[k] != "h"+strconv.Itoa(removed) {
							moved++
						}
					}
					if float64(moved) > slack*n {
						t.Errorf("%d of %d keys moved that belonged to others", moved, n)
					}
				})
			}
		}
	}
}

func TestRoundRobinOrder(t *testing.T) {
	cases := []struct {
		name    string
		weights []int
		want    string
	}{
		{"equal", []int{1, 1, 1}, "012012"},
		{"equal and heavy", []int{65535, 65535}, "0101"},
		{"smooth", []int{5, 1, 1}, "0010200" + "0010200"},
		{"zero is one", []int{0, 2}, "101101"},
		{"left out", []int{1, -1, 1}, "0202"},
		{"too long for a table", []int{4999, 5000}, "10101010"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(picks(lb.RoundRobin(upstreams(c.weights...)...), len(c.want)), "")
			if want := "h" + strings.Join(strings.Split(c.want, ""), "h"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// The shares of those that remain are still by weight.
func TestRoundRobinUnusableShares(t *testing.T) {
	for _, weights := range [][]int{{1, 2, 3}, {1000, 2001, 3000}} {
		b := lb.RoundRobin(upstreams(weights...)...)
		b.Targets()[1].SetUsable(false, "down")
		got := count(t, b, 4000)
		if diff := cmp.Diff(map[string]int{"h0": 1000, "h2": 3000}, got); diff != "" {
			t.Errorf("weights %v: %s", weights, diff)
		}
	}
}

func TestSameURLTwice(t *testing.T) {
	for name, algorithm := range algorithms {
		b := algorithm(lb.Upstream{URL: "http://a"}, lb.Upstream{URL: "http://a/"}, lb.Upstream{URL: "http://b"})
		if got := count(t, b, 9000); got["a"] < 5000 || got["b"] < 2000 {
			t.Errorf("%s: the URL that stands twice has no double share: %v", name, got)
		}
	}
}

func TestTarget(t *testing.T) {
	type target struct{ Scheme, Host, Path, RawPath, RawQuery string }
	cases := []struct {
		url  string
		want target
	}{
		{"http://a", target{"http", "a", "", "", ""}},
		{"https://a:8443/", target{"https", "a:8443", "/", "/", ""}},
		{"http://[::1]:80/base/x%2Fy?k=v", target{"http", "[::1]:80", "/base/x/y", "/base/x%2Fy", "k=v"}},
		{"http://a/b c", target{"http", "a", "/b c", "/b%20c", ""}},
	}
	for _, c := range cases {
		b := lb.Random(lb.Upstream{URL: c.url})
		if b.Err() != nil {
			t.Errorf("%s: %v", c.url, b.Err())
			continue
		}
		got := b.Targets()[0]
		if diff := cmp.Diff(c.want, target{got.Scheme, got.Host, got.Path, got.RawPath, got.RawQuery}); diff != "" {
			t.Errorf("%s: %s", c.url, diff)
		}
	}
}

func TestErr(t *testing.T) {
	cases := []struct {
		upstream lb.Upstream
		want     string
	}{
		{lb.Upstream{URL: ""}, "upstream 1: : the scheme must be http or https"},
		{lb.Upstream{URL: "ftp://a"}, "upstream 1: ftp://a: the scheme must be http or https"},
		{lb.Upstream{URL: "http://"}, "upstream 1: http:: there is no host"},
		{lb.Upstream{URL: "http://:80"}, "upstream 1: http://:80: there is no host"},
		{lb.Upstream{URL: "http://u:secret@a:x"}, `upstream 1: invalid port ":x" after host`},
		{lb.Upstream{URL: "http://u:secret@a", Weight: 65536}, "upstream 1: http://u:xxxxx@a: weight 65536 is above 65535"},
	}
	for _, c := range cases {
		got := "nothing"
		if err := lb.RoundRobin(c.upstream).Err(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %s; want %s", c.upstream, got, c.want)
		}
	}
	if err := lb.RoundRobin(lb.Upstream{URL: "bad"}, lb.Upstream{URL: "http://a"}, lb.Upstream{URL: "bad"}).Err(); err == nil ||
		!strings.Contains(err.Error(), "upstream 1:") || !strings.Contains(err.Error(), "upstream 3:") {
		t.Errorf("not all errors are reported: %v", err)
	}
}

func TestKeys(t *testing.T) {
	x := &gateway.Exchange{}
	x.Request.RemoteAddr = "192.0.2.1:5000"
	x.Request.RawQuery = "a=1&b=%32&a=3"
	x.Request.Header = gateway.Header{{Name: "x-user", Value: "ann"}, {Name: "X-User", Value: "bob"},
		{Name: "Cookie", Value: `s=1; t="2"`}, {Name: "cookie", Value: "u=3 ;empty=;v"}}
	x.Request.Params = []gateway.Field{{Name: "id", Value: "7"}}
	cases := []struct {
		name string
		key  lb.Key
		want string
	}{
		{"client address", lb.ClientAddr(), "192.0.2.1:5000"},
		{"first header", lb.Header("X-USER"), "ann"},
		{"no header", lb.Header("X-Other"), ""},
		{"first query value", lb.Query("a"), "1"},
		{"decoded query value", lb.Query("b"), "2"},
		{"no query value", lb.Query("c"), ""},
		{"path param", lb.PathParam("id"), "7"},
		{"no path param", lb.PathParam("x"), ""},
		{"cookie", lb.Cookie("s"), "1"},
		{"cookie in quotes", lb.Cookie("t"), "2"},
		{"cookie in a second field", lb.Cookie("u"), "3"},
		{"empty cookie", lb.Cookie("empty"), ""},
		{"cookie without a value", lb.Cookie("v"), ""},
		{"cookie names have case", lb.Cookie("S"), ""},
	}
	for _, c := range cases {
		if got := c.key(x); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestConcurrentPicks(t *testing.T) {
	for name, algorithm := range algorithms {
		b := algorithm(upstreams(1, 2, 3)...)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for k := range 500 {
					if b.Pick(request(k)) == nil {
						t.Errorf("%s: no upstream, though two are always usable", name)
						return
					}
					if worker == 0 {
						b.Targets()[0].SetUsable(k%2 == 0, "")
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	for name, algorithm := range algorithms {
		b := algorithm(upstreams(1, 2, 3)...)
		x := request(1)
		if n := testing.AllocsPerRun(100, func() { b.Pick(x) }); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for name, algorithm := range algorithms {
		b.Run(name, func(b *testing.B) {
			balancer := algorithm(upstreams(100, 200, 300)...)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				x := request(1)
				for pb.Next() {
					balancer.Pick(x)
				}
			})
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for name, algorithm := range algorithms {
		b.Run(name, func(b *testing.B) {
			u := upstreams(1, 2, 3)
			b.ReportAllocs()
			for b.Loop() {
				algorithm(u...)
			}
		})
	}
}

func Example() {
	b := lb.RoundRobin(
		lb.Upstream{URL: "http://10.0.0.7:8080", Weight: 2},
		lb.Upstream{URL: "http://10.0.0.8:8080"},
	)
	if err := b.Err(); err != nil {
		panic(err)
	}
	x := &gateway.Exchange{}
	for range 3 {
		fmt.Println(b.Pick(x).Host)
	}
	// Output:
	// 10.0.0.7:8080
	// 10.0.0.8:8080
	// 10.0.0.7:8080
}
