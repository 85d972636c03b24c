package accesslog

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// side is a Side made ready.
type side struct {
	all     bool     // log all fields
	named   []Header // by canonical name, sorted, each once
	queries []replace.Func
	format  []segment // nil for a line with members
}

func newSide(o Side, tags map[string]tag, bodies bool) side {
	s := side{queries: o.Queries}
	for _, h := range o.Headers {
		if h.Name == "*" {
			s.all = true
			continue
		}
		name := gateway.CanonicalName(h.Name)
		i, found := s.find(name)
		if !found {
			s.named = slices.Insert(s.named, i, Header{Name: name})
		}
		s.named[i].Replacers = append(s.named[i].Replacers, h.Replacers...)
	}
	if o.Format != "" {
		s.format = parse(o.Format, tags, &s, bodies)
	}
	return s
}

func (s *side) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.named, name, func(h Header, name string) int { return cmp.Compare(h.Name, name) })
}

// collect appends the fields to log, by name. Length is the Content-Length that
// the engine keeps apart from h, or -1.
func (s *side) collect(to []gateway.Attr, h gateway.Header, length int64) []gateway.Attr {
	if s.all {
		return s.collectAll(to, h, length)
	}
	for i := range s.named {
		if value, ok := s.named[i].value(h, length); ok {
			to = append(to, gateway.String(s.named[i].Name, value))
		}
	}
	return to
}

const lengthName = "Content-Length"

// value is what to log of that field.
func (n *Header) value(h gateway.Header, length int64) (string, bool) {
	value, ok := "", false
	if length >= 0 && n.Name == lengthName {
		value, ok = strconv.FormatInt(length, 10), true
	} else {
		value, ok = h.Joined(n.Name, ",")
	}
	if !ok {
		return "", false
	}
	return replace.Apply(n.Replacers, value), true
}

func (s *side) collectAll(to []gateway.Attr, h gateway.Header, length int64) []gateway.Attr {
	for i := range h {
		name := gateway.CanonicalName(h[i].Name)
		if length < 0 || name != lengthName {
			to = append(to, gateway.String(name, h[i].Value))
		}
	}
	if length >= 0 {
		to = append(to, gateway.String(lengthName, strconv.FormatInt(length, 10)))
	}
	// There may be as many fields as a client likes, so no insertion sort.
	slices.SortStableFunc(to, func(a, b gateway.Attr) int { return strings.Compare(a.Key, b.Key) })
	to = join(to)
	named := s.named
	for i := range to {
		for len(named) > 0 && named[0].Name < to[i].Key {
			named = named[1:]
		}
		if len(named) > 0 && named[0].Name == to[i].Key {
			to[i] = gateway.String(to[i].Key, replace.Apply(named[0].Replacers, to[i].Text()))
		}
	}
	return to
}

// join makes one of the fields that have the same name.
func join(fields []gateway.Attr) []gateway.Attr {
	kept := 0
	for i := 0; i < len(fields); {
		end := i + 1
		for end < len(fields) && fields[end].Key == fields[i].Key {
			end++
		}
		fields[kept] = fields[i]
		if end > i+1 {
			var all strings.Builder
			for k := range fields[i:end] {
				if k > 0 {
					all.WriteByte(',')
				}
				all.WriteString(fields[i+k].Text())
			}
			fields[kept] = gateway.String(fields[i].Key, all.String())
		}
		kept++
		i = end
	}
	clear(fields[kept:])
	return fields[:kept]
}
