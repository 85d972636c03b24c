// Package metrics is what meters have in common: which requests are counted as which series, and how many
// series there may be.
package metrics

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Series is what requests have in common that are counted together.
type Series struct {
	Host, Path string
	Method     string
	// Code is the status of the response, 0 if there was none.
	Code int
}

// Other stands for hosts and paths that aren't counted by themselves.
const Other = "other"

// Of returns the series of a finished exchange: of a request that a client has sent.
func Of(x *gateway.Exchange) Series {
	q := &x.Request
	return Series{Host: q.Host, Path: q.Path, Method: method(q.Method), Code: max(x.Response.Status, 0)}
}

// OfLeg returns the series of a request to an upstream. err is what the transport returned.
func OfLeg(leg *gateway.Exchange, err error) Series {
	q := &leg.Request
	s := Series{Host: q.Host, Path: q.Path, Method: method(q.Method), Code: leg.Response.Status}
	if err != nil {
		s.Code = 0
	}
	return s
}

// method is a method that is known, or Other: clients can make up as many as they like.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "QUERY",
		"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH":
		return m
	}
	return Other
}

// codes are the texts of statuses.
var codes = func() (t [1000]string) {
	for i := range t {
		t[i] = strconv.Itoa(i)
	}
	return
}()

// CodeText is the status in decimal.
func CodeText(code int) string {
	if code >= 0 && code < len(codes) {
		return codes[code]
	}
	return strconv.Itoa(code)
}

// A Table keeps what is counted for each series. A client can ask for as many hosts and paths as it likes, but it
// must not fill the memory, here and where the metrics are collected: when there are Max series, what is new counts
// as the path Other, and when that isn't enough, of the host Other.
type Table[T any] struct {
	// New makes what is kept for a series.
	New func(s Series) *T
	// Max is how many series may have a host and path of their own.
	Max int

	mu   sync.RWMutex
	rows map[Series]*T
}

// longest is the length of the longest host and path that are counted by themselves, in bytes.
const longest = 256

// Get returns what is kept for s.
func (t *Table[T]) Get(s Series) *T {
	t.mu.RLock()
	row := t.rows[s]
	t.mu.RUnlock()
	if row == nil {
		row = t.add(s)
	}
	return row
}

func (t *Table[T]) add(s Series) *T {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.rows)
	switch {
	case n >= 2*t.Max:
		s.Host, s.Path = Other, Other // of those there are but few: by method and status
	case n >= t.Max || len(s.Path) > longest:
		s.Path = Other
	}
	if len(s.Host) > longest {
		s.Host = Other
	}
	// They are parts of a whole head of a request, which they would keep in memory.
	s.Host, s.Path = strings.Clone(s.Host), strings.Clone(s.Path)
	if row := t.rows[s]; row != nil {
		return row
	}
	if t.rows == nil {
		t.rows = make(map[Series]*T)
	}
	row := t.New(s)
	t.rows[s] = row
	return row
}

// All are what is kept, for all series that there are by now, in no order.
func (t *Table[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		t.mu.RLock()
		rows := make([]*T, 0, len(t.rows))
		for _, row := range t.rows {
			rows = append(rows, row)
		}
		t.mu.RUnlock() // whoever looks at them may take long
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
	}
}

// Len returns how many series there are.
func (t *Table[T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows)
}

// Seconds is a duration as metrics have it.
func Seconds(d time.Duration) float64 {
	return math.Max(d.Seconds(), 0)
}
