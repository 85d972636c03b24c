package proxy

import (
	"slices"
)

// An index finds the balancers that may be for a path, among many whose paths begin with something that is known. To ask all
// of a thousand costs more than all else about a request.
type index struct {
	lengths []int              // of the keys of begins, in order
	begins  map[string][]int32 // balancers by what a path begins with
	others  []int32            // those whose paths may begin with anything
}

const (
	// manyBalancers is from how many balancers on an index is faster than to ask one by one.
	manyBalancers = 8
	// manyOthers is how many balancers that it doesn't know make an index useless.
	manyOthers = 16
)

// newIndex returns nil if it's better to ask all.
func newIndex(balancers []balancer) *index {
	if len(balancers) < manyBalancers {
		return nil
	}
	ix := &index{begins: make(map[string][]int32)}
	for i := range balancers {
		begins, ok := balancers[i].begins()
		if !ok {
			ix.others = append(ix.others, int32(i))
			continue
		}
		for _, s := range begins {
			ix.begins[s] = append(ix.begins[s], int32(i))
		}
	}
	if len(ix.others) > manyOthers {
		return nil
	}
	for s := range ix.begins {
		if i, found := slices.BinarySearch(ix.lengths, len(s)); !found {
			ix.lengths = slices.Insert(ix.lengths, i, len(s))
		}
	}
	return ix
}

// begins are what the paths that b takes begin with, each once, if that is known.
func (b *balancer) begins() (all []string, ok bool) {
	for _, p := range b.paths {
		prefixes := p.Match.Prefixes()
		if p.Rewrite != nil || len(prefixes) == 0 {
			return nil, false
		}
		all = append(all, prefixes...) // it may not begin with what is trimmed
		for _, s := range prefixes {
			all = append(all, p.TrimPrefix+s)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), true
}

// find appends the balancers that may be for path to found, in order.
func (ix *index) find(found []int32, path string) []int32 {
	found = append(found, ix.others...)
	for _, n := range ix.lengths {
		if n > len(path) {
			break
		}
		found = append(found, ix.begins[path[:n]]...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
