package upstreamstats

// Merged are the counts by handler and upstream, as they are now: an upstream that is in several load balancers of a handler is
// there once. It's usable if it is everywhere.
func (s *Set) Merged() []*Snapshot {
	type key struct{ handler, upstream string }
	known := make(map[key]*Snapshot)
	var list []*Snapshot
	for at := range s.All() {
		k := key{at.Handler, at.Upstream}
		m := known[k]
		if m == nil {
			m = new(*at) // which is valid until the next one
			known[k] = m
			list = append(list, m)
			continue
		}
		m.add(at)
	}
	return list
}

func (s *Snapshot) add(o *Snapshot) {
	if s.Usable {
		s.Usable, s.Why = o.Usable, o.Why
	}
	s.Ejections += o.Ejections
	s.Requests += o.Requests
	s.InFlight += o.InFlight
	s.LatencySum += o.LatencySum
	for i, n := range o.Responses {
		s.Responses[i] += n
	}
	for i, n := range o.Latency {
		s.Latency[i] += n
	}
	for i, n := range o.Failures {
		s.Failures[i] += n
	}
}
