package upstreamstats

import (
	"strconv"
	"strings"
	"time"
)

// A Snapshot is what the counts of an upstream were at some time. They grow while they are read, each for itself.
type Snapshot struct {
	Handler  string // of the Group
	Upstream string // its address

	Usable    bool
	Why       string // it isn't usable
	Ejections uint64

	Requests uint64 // all that were begun
	InFlight uint64 // that have not ended
	// Responses are those of a status 1xx to 5xx, by its first digit; at 0 are those of another status.
	Responses [classes]uint64
	// Timed says that the times are known. Latency are responses by the time until their head came: as many as took no longer than each of [Buckets], and not
	// as short as the one before. The last number is that of those that took longer than all. LatencySum is all the
	// time.
	Timed      bool
	Latency    [buckets]uint64
	LatencySum time.Duration
	Failures   [Failures]uint64

	Conns      Conns
	ConnsKnown bool
}

func (s *Snapshot) take(handler string, m *member) {
	c := &m.counts
	*s = Snapshot{
		Handler: handler, Upstream: m.target.String(),
		Usable: m.target.Usable(), Why: m.target.Why(), Ejections: m.target.Ejections(),
	}
	s.Requests, s.InFlight = c.requests()
	s.Timed = !c.epoch.IsZero()
	for class := range c.responses {
		for i := range c.responses[class] {
			n := c.responses[class][i].Load()
			s.Responses[class] += n
			if s.Timed {
				s.Latency[i] += n
			}
		}
	}
	s.LatencySum = time.Duration(c.waited.Load())
	for i := range c.failures {
		s.Failures[i] = c.failures[i].Load()
	}
	if m.conns != nil {
		s.Conns, s.ConnsKnown = m.conns(), true
	}
}

// requests returns how many requests there were, and how many of them have not ended.
func (c *Counts) requests() (all, inFlight uint64) {
	for range 10 {
		all = c.began.Load()
		ended := c.ended.Load()
		if inFlight = all - min(ended, all); c.began.Load() == all {
			break // both are of one moment
		}
	}
	return all, inFlight
}

// String returns all counts as a JSON array, so that a Set is an expvar.Var.
func (s *Set) String() string {
	b := []byte{'['}
	for at := range s.All() {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = at.appendJSON(b)
	}
	return string(append(b, ']'))
}

func (s *Snapshot) appendJSON(b []byte) []byte {
	b = append(b, `{"handler":`...)
	b = appendString(b, s.Handler)
	b = append(b, `,"upstream":`...)
	b = appendString(b, s.Upstream)
	b = append(b, `,"usable":`...)
	b = strconv.AppendBool(b, s.Usable)
	if !s.Usable {
		b = append(b, `,"why":`...)
		b = appendString(b, s.Why)
	}
	b = appendCount(b, "ejections", s.Ejections)
	b = appendCount(b, "requests", s.Requests)
	b = appendCount(b, "inFlight", s.InFlight)
	b = append(b, `,"responses":{`...)
	for class, n := range s.Responses {
		if name := string(rune('0'+class)) + "xx"; class > 0 {
			b = appendCount(b, name, n)
		}
	}
	b = append(b, `},"failures":{`...)
	for f, n := range s.Failures {
		b = appendCount(b, Failure(f).String(), n)
	}
	b = append(b, '}')
	if s.Timed {
		b = s.appendTimes(b)
	}
	if s.ConnsKnown {
		b = append(b, `,"connections":{`...)
		b = appendCount(b, "open", uint64(s.Conns.Open))
		if s.Conns.Idle >= 0 {
			b = appendCount(b, "idle", uint64(s.Conns.Idle))
		}
		b = appendCount(b, "opened", s.Conns.Opened)
		b = append(b, '}')
	}
	return append(b, '}')
}

func (s *Snapshot) appendTimes(b []byte) []byte {
	b = append(b, `,"millis":{`...)
	for i, n := range s.Latency {
		name := "more"
		if i < len(Buckets) {
			name = strconv.FormatFloat(float64(Buckets[i])/float64(time.Millisecond), 'f', -1, 64)
		}
		b = appendCount(b, name, n)
	}
	b = append(b, `},"millisSum":`...)
	return strconv.AppendInt(b, s.LatencySum.Milliseconds(), 10)
}

// appendCount appends a member of an object.
func appendCount(b []byte, name string, n uint64) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendUint(b, n, 10)
}

const hex = "0123456789abcdef"

// appendString appends a JSON string (RFC 8259, section 7).
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, `\u00`...)
			b = append(b, hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
