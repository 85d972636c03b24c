package static

import (
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

// A coding is one that files can be compressed by.
type coding struct{ name, suffix string }

// codings are those that are looked for, the preferred one first.
var codings = [...]coding{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}

// A codingSet has a bit for each of codings.
type codingSet uint8

func (s codingSet) has(i int) bool { return s&(1<<i) != 0 }

// best returns the one that the client prefers, by its index, or -1 for none.
func (s codingSet) best(h gateway.Header) int {
	var names [len(codings)]string
	var which [len(codings)]int
	n := 0
	for i := range codings {
		if s.has(i) {
			names[n], which[n] = codings[i].name, i
			n++
		}
	}
	if i := negotiate.Coding(h, names[:n]); i >= 0 {
		return which[i]
	}
	return -1
}

// siblings remembers for a second which compressed files there are, so that the system isn't asked for each
// of them at each request.
type siblings struct {
	mu    sync.RWMutex
	known map[string]knownSiblings
}

type knownSiblings struct {
	second int64
	set    codingSet
}

// maxKnown bounds the memory that a tree of files takes.
const maxKnown = 10_000

// of returns which compressed files stand beside one that exists.
func (s *siblings) of(d *folder, name string, info fs.FileInfo, now time.Time) codingSet {
	second := now.Unix()
	s.mu.RLock()
	k, ok := s.known[name]
	s.mu.RUnlock()
	if ok && k.second == second {
		return k.set
	}
	set := d.siblingsOf(name, info)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || !ok && len(s.known) >= maxKnown {
		s.known = make(map[string]knownSiblings)
	}
	s.known[name] = knownSiblings{second, set}
	return set
}

func (d *folder) siblingsOf(name string, info fs.FileInfo) (set codingSet) {
	root := d.root.Load()
	if root == nil {
		return 0
	}
	for i, c := range codings {
		if sibling, err := root.Stat(localName(name + c.suffix)); err == nil && fits(sibling, info) {
			set |= 1 << i
		}
	}
	return set
}

// fits reports whether a compressed file can be that of another one. Dates of HTTP have seconds, and many tools copy no more.
func fits(sibling, info fs.FileInfo) bool {
	return sibling.Mode().IsRegular() && !newer(info.ModTime(), sibling.ModTime())
}

// choose opens the compressed file that the client prefers. Without one the file is nil.
func (h *Handler) choose(x *gateway.Exchange, set codingSet, name string, info fs.FileInfo) (c coding, f *os.File, sibling fs.FileInfo) {
	for set != 0 {
		i := set.best(x.Request.Header)
		if i < 0 {
			break
		}
		f, sibling, err := h.folder.open(name+codings[i].suffix, x.Start)
		if err == nil && fits(sibling, info) {
			return codings[i], f, sibling
		}
		if err == nil {
			_ = f.Close()
		}
		set &^= 1 << i // it has gone since
	}
	return coding{}, nil, nil
}
