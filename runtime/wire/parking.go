//go:build linux && !race

package wire

import (
	"sync/atomic"
	"unsafe"
)

// A parking is where a goroutine waits for another one. A channel would do that, too, for 0.3 us more in each proxied request, much of it for fetching
// the channel and what the goroutine waits with into the cache. The functions below are the ones by which package runtime makes channels,
// among those that it keeps for others to link to (go.dev/issue/67401).
type parking struct {
	g atomic.Uintptr // 0, leaving or the one who waits; the runtime knows it elsewhere
}

const leaving = 1 // prepare has been called, and leave hasn't

// prepare is called before another goroutine can call leave.
func (p *parking) prepare() { p.g.Store(leaving) }

// park waits until leave is called, which it may have been already.
func (p *parking) park() {
	const ioWait, blockNet = 2, 2 // as tracebacks, and traces, name it
	gopark(commitPark, unsafe.Pointer(p), ioWait, blockNet, 1)
}

// leave has who is parked, or about to, go on. It's called once.
func (p *parking) leave() {
	if g := p.g.Swap(0); g != leaving {
		goready(g, 1)
	}
}

// commitPark reports whether g waits. It runs on the stack of the scheduler when g doesn't run any more.
//
//go:norace
//go:nosplit
func commitPark(g uintptr, p unsafe.Pointer) bool {
	return (*parking)(p).g.CompareAndSwap(leaving, g)
}

//go:linkname gopark runtime.gopark
func gopark(unlock func(g uintptr, lock unsafe.Pointer) bool, lock unsafe.Pointer, reason, traceReason uint8, skip int)

//go:linkname goready runtime.goready
func goready(g uintptr, skip int)
