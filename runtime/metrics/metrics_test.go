package metrics_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/metrics"
)

func TestSeries(t *testing.T) {
	var x gateway.Exchange
	x.Request.Method, x.Request.Host, x.Request.Path = "GET", "a.example:80", "/x y"
	x.Response.Status = 404
	if got, want := metrics.Of(&x), (metrics.Series{Host: "a.example:80", Path: "/x y", Method: "GET", Code: 404}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	x.Request.Method, x.Response.Status = "FOO", gateway.LogOnly
	if got := metrics.Of(&x); got.Method != metrics.Other || got.Code != 0 {
		t.Errorf("of an unknown method and nobody to answer: %+v", got)
	}
	x.Response.Status = 200
	if got := metrics.OfLeg(&x, nil); got.Code != 200 {
		t.Errorf("of a leg: %+v", got)
	}
	if got := metrics.OfLeg(&x, errors.New("no")); got.Code != 0 {
		t.Errorf("of a leg that failed: %+v", got)
	}
}

func TestCodeText(t *testing.T) {
	for _, code := range []int{0, 7, 200, 999, 1000, -3} {
		if got := metrics.CodeText(code); got != strconv.Itoa(code) {
			t.Errorf("%d is %s", code, got)
		}
	}
}

// Whatever clients ask for, the number of series is bounded, and each request is counted.
func TestTableIsBounded(t *testing.T) {
	type row struct {
		s  metrics.Series
		mu sync.Mutex
		n  int
	}
	table := metrics.Table[row]{New: func(s metrics.Series) *row { return &row{s: s} }, Max: 100}
	rows := make(map[*row]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	const each, workers = 5000, 4
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				s := metrics.Series{Host: "h" + strconv.Itoa(i%700), Path: strconv.Itoa(w*each + i), Method: "GET", Code: 200 + i%3}
				r := table.Get(s)
				r.mu.Lock()
				r.n++
				r.mu.Unlock()
				mu.Lock()
				rows[r] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	total, others := 0, 0
	for r := range rows {
		total += r.n
		if r.s.Path == metrics.Other {
			others++
		}
	}
	all := 0
	for range table.All() {
		all++
	}
	for range table.All() {
		break // which is fine, too
	}
	if n := table.Len(); n != all {
		t.Errorf("%d of %d series", all, n)
	}
	if n := table.Len(); n > 210 || n != len(rows) {
		t.Errorf("there are %d series, %d were seen", n, len(rows))
	}
	if total != workers*each {
		t.Errorf("%d of %d requests are counted", total, workers*each)
	}
	if others == 0 {
		t.Error("nothing counts as other")
	}
	first := metrics.Series{Host: "h0", Path: "0", Method: "GET", Code: 200}
	if a, b := table.Get(first), table.Get(first); a != b {
		t.Error("a series has two rows")
	}
}

func TestLongNames(t *testing.T) {
	table := metrics.Table[metrics.Series]{New: func(s metrics.Series) *metrics.Series { return &s }, Max: 100}
	long := strings.Repeat("x", 300)
	if got := table.Get(metrics.Series{Host: "a", Path: long}); got.Path != metrics.Other || got.Host != "a" {
		t.Errorf("a long path counts as %+v", got)
	}
	if got := table.Get(metrics.Series{Host: long, Path: "/"}); got.Host != metrics.Other || got.Path != "/" {
		t.Errorf("a long host counts as %+v", got)
	}
}

func BenchmarkGet(b *testing.B) {
	table := metrics.Table[int]{New: func(metrics.Series) *int { return new(int) }, Max: 100}
	s := metrics.Series{Host: "www.example.com", Path: "/api/users/7", Method: "GET", Code: 200}
	b.ReportAllocs()
	for b.Loop() {
		table.Get(s)
	}
}
