package proxy

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

// The index finds the balancer that would be found by asking all, in order.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		const letters = "/ab/."
		b := []byte{'/'}
		for range r.IntN(5) {
			b = append(b, letters[r.IntN(len(letters))])
		}
		return string(b)
	}
	words := func() (list []string) {
		for range 1 + r.IntN(3) {
			list = append(list, word())
		}
		return list
	}
	path := func() (p Path) {
		switch r.IntN(12) {
		case 0:
			p.Match = match.Suffix(words()...)
		case 1:
			p.Rewrite = func(rest string) (string, bool) { return rest, len(rest)%3 == 0 }
		case 2, 3, 4:
			p.Match = match.Exact(words()...)
		default:
			p.Match = match.Prefix(words()...)
		}
		if r.IntN(4) == 0 {
			p.TrimPrefix = word()
		}
		return p
	}
	indexed := 0
	for range 2000 {
		p := new(Handler)
		for range 1 + r.IntN(40) {
			b := Balancer{}
			for range r.IntN(3) {
				b.Paths = append(b.Paths, path())
			}
			if r.IntN(3) == 0 {
				b.Methods = []string{"PUT"}
			}
			p.balancers = append(p.balancers, newBalancer(b))
		}
		ix := newIndex(p.balancers)
		if ix != nil {
			indexed++
		}
		for range 50 {
			x := new(gateway.Exchange)
			x.Request.Path, x.Request.Method = word(), []string{"GET", "PUT"}[r.IntN(2)]
			x.Request.RawPath = x.Request.Path
			p.index = nil
			want, wantWay, _ := p.choose(x)
			p.index = ix
			if got, way, _ := p.choose(x); got != want || way != wantWay {
				t.Fatalf("%s: %+v, %+v; want %+v, %+v", x.Request.Path, got, way, want, wantWay)
			}
		}
	}
	if indexed < 500 {
		t.Errorf("only %d had an index", indexed)
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{1, 7, 8, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p := new(Handler)
			for i := range n {
				p.balancers = append(p.balancers, newBalancer(Balancer{Paths: []Path{{Match: match.Prefix("/api/" + strconv.Itoa(i) + "/")}}}))
			}
			p.index = newIndex(p.balancers)
			x := new(gateway.Exchange)
			x.Request.Path = "/api/" + strconv.Itoa(n/2) + "/x"
			x.Request.RawPath = x.Request.Path
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.choose(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
