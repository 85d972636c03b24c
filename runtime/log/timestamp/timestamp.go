// Package timestamp formats the times of log lines.
package timestamp

import (
	"sync/atomic"
	"time"
)

// A Format turns times into text. It keeps the last one: on a busy gateway many
// lines share a second, or a millisecond, and formatting costs more than
// everything else about a line.
type Format struct {
	layout string
	zone   *time.Location
	tick   int64 // nanoseconds for which the text stays the same; 0 if it never does
	last   atomic.Pointer[stamp]
}

// A stamp is the text of the instants in a tick, in nanoseconds since the Unix time 0.
type stamp struct {
	from, until int64
	text        string
}

// New makes a Format from a layout of [time.Time.Format]. The zone is Local if it
// is nil.
func New(layout string, zone *time.Location) *Format {
	if zone == nil {
		zone = time.Local
	}
	return &Format{layout: layout, zone: zone, tick: tick(layout)}
}

// Text returns t in the layout and zone of f.
func (f *Format) Text(t time.Time) string {
	if f.tick == 0 {
		return t.In(f.zone).Format(f.layout)
	}
	now := t.UnixNano()
	if s := f.last.Load(); s != nil && s.from <= now && now < s.until {
		return s.text
	}
	from := now - now%f.tick
	s := &stamp{from, from + f.tick, t.In(f.zone).Format(f.layout)}
	f.last.Store(s)
	return s.text
}

// Tick is for how many nanoseconds the text stays the same, counted from the Unix time 0; 0 if it may change at any time.
func (f *Format) Tick() int64 { return f.tick }

// Zone is the name of the zone of f, as it was loaded.
func (f *Format) Zone() string { return f.zone.String() }

// tick tells how long a time in that layout stays the same. Fractions of a second
// are written as a point or comma and zeros or nines.
func tick(layout string) int64 {
	digits := 0
	for i := 0; i+1 < len(layout); i++ {
		if layout[i] != '.' && layout[i] != ',' {
			continue
		}
		end := i + 1
		for end < len(layout) && (layout[end] == '0' || layout[end] == '9') {
			end++
		}
		digits = max(digits, end-i-1)
	}
	switch {
	case digits == 0:
		return int64(time.Second)
	case digits <= 3:
		return int64(time.Millisecond)
	}
	return 0
}
