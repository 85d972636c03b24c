package log

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// A caller is the place in the source that a line comes from.
type caller struct {
	file     string // the last two segments of its path
	function string // qualified, without the directories of the package
	line     int64
}

// callers keeps the places that were looked up: there are few, and looking one up
// costs more than writing the line.
type callers struct {
	known atomic.Pointer[map[uintptr]caller]
	mu    sync.Mutex
}

// of returns the place of a caller: that of the function that calls of is 1, that of its caller 2.
func (c *callers) of(b *buffer, nth int) caller {
	if runtime.Callers(nth+1, b.pcs[:]) == 0 {
		return caller{}
	}
	pc := b.pcs[0]
	if known := c.known.Load(); known != nil {
		if at, ok := (*known)[pc]; ok {
			return at
		}
	}
	return c.lookUp(pc)
}

func (c *callers) lookUp(pc uintptr) caller {
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	at := caller{file: lastSegments(f.File, 2), function: lastSegments(f.Function, 1), line: int64(f.Line)}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[uintptr]caller)
	if known := c.known.Load(); known != nil {
		maps.Copy(next, *known)
	}
	next[pc] = at
	c.known.Store(&next)
	return at
}

func lastSegments(path string, n int) string {
	start := len(path)
	for range n {
		start = strings.LastIndexByte(path[:start], '/')
		if start < 0 {
			return path
		}
	}
	return path[start+1:]
}
