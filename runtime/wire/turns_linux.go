package wire

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// When nobody can run any more, the scheduler of Go asks the system what has come on all connections, and has those who wait
// for it go on in the order opposite to that in which it has come. On a processor that has always something to do,
// that makes rounds, and whose answer comes just after a round has begun is last in the next one: he waits for two rounds, where others
// wait for one. That is one in a hundred requests to one in ten, and they are the slowest by far.
//
// So while many wait, they wait for their turn instead: they go on in the order in which they have begun to wait, all of them
// once in a round, and try to read. By then, what they wait for has come, nearly always. For whom it hasn't come in two turns, he waits
// for it as usual. So nothing depends on turns but the order, and everything that can end a wait, as a deadline does, ends
// it at most two rounds later. Between two rounds, the scheduler looks after everything else.
//
// With more than one processor, the one that runs out of work asks while others are at work, so rounds are short.

// A turns is what sockets wait for.
type turns struct {
	state   atomic.Int32 // none, counting or taken
	counted atomic.Int32 // who has begun to wait while counting
	missed  atomic.Int32 // for how many nothing had come when it was their turn

	mu     sync.Mutex
	queue  []*parking
	asleep bool          // the keeper waits for the first one
	ends   bool          // the keeper is to end
	rounds uint          // how many there have been
	seen   uint          // rounds, when endIdle last found a new one
	idle   instant       // when that was
	start  chan struct{} // has the keeper begin, nil if there is none
	bell   uintptr       // an eventfd, by which the keeper is called

	always atomic.Bool // for tests
}

const (
	none = iota
	counting
	taken
)

const (
	// countEach is after how many waits of a socket who else waits is counted.
	countEach = 64
	// crowd is how many must be counted for turns to be taken, and crowdLeft how many must go on in a round, at least, on average of
	// crowdRounds ones. Whoever has waited in vain makes up for dearTurn others: if those are many, the gateway waits for its peers,
	// and not they for it.
	crowd, crowdLeft, crowdRounds, dearTurn = 16, 8, 32, 4
	// manyTurns is how often one waits for a turn in vain.
	manyTurns = 2
	// idleTurns is how long turns go on while nobody waits. A crowd that comes again meanwhile need not be noticed first.
	idleTurns = time.Second
)

var order turns

// awaitTurn waits until it's the turn of s to read, and reports whether that is so. Else nobody takes turns, or s is broken.
func (s *socket) awaitTurn() bool {
	switch order.state.Load() {
	case taken:
		return order.wait(&s.parking) && !s.isBroken.Load()
	case counting:
		order.counted.Add(1)
	default:
		// A server's sockets begin, since it's a server that can end it.
		if s.waits++; s.waits%countEach == 0 && s.inline != nil || order.always.Load() {
			order.count()
		}
	}
	return false
}

// missTurn notes that nothing had come in the turn that was the n-th one in vain, and waits for another one if that isn't too often. It
// reports what awaitTurn does.
func (s *socket) missTurn(n int) bool {
	order.missed.Add(1)
	return n < manyTurns && s.awaitTurn()
}

// count counts who begins to wait until all who can run have run, and begins with turns if they are many.
func (t *turns) count() {
	if !t.always.Load() && runtime.GOMAXPROCS(0) > 1 || !t.state.CompareAndSwap(none, counting) {
		return
	}
	t.counted.Store(0)
	runtime.Gosched() // until then
	if t.counted.Load() < crowd && !t.always.Load() || !t.begin() {
		t.state.Store(none)
	}
}

// begin begins with turns, and reports whether that could be done. One goroutine at a time may call it.
func (t *turns) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start == nil && !t.newKeeper() {
		return false
	}
	t.asleep = false
	t.state.Store(taken)
	t.start <- struct{}{}
	return true
}

// newKeeper makes a keeper and its bell, and reports whether that could be done. To do so each time when turns begin would have the
// scheduler watch system calls again and again. t.mu is held.
func (t *turns) newKeeper() bool {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return false
	}
	f := os.NewFile(uintptr(fd), "eventfd")
	bell, err := f.SyscallConn()
	// Only what can be waited for has deadlines.
	if err != nil || f.SetReadDeadline(time.Time{}) != nil {
		_ = f.Close()
		return false
	}
	start := make(chan struct{}, 1)
	t.bell, t.start, t.ends = uintptr(fd), start, false
	go func() {
		defer f.Close()
		for range start {
			t.keep(bell)
		}
	}()
	return true
}

// endIdle has the keeper go, and turns end, if there has been no round for idleTurns, or at once, if nobody waits. The watch of
// a server calls it, since a timer would cost each request a look at the clock.
func (t *turns) endIdle(atOnce bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rounds != t.seen {
		t.seen, t.idle = t.rounds, now()
	}
	if t.start != nil && (atOnce || now() >= t.idle+instant(idleTurns)) {
		switch state := t.state.Load(); {
		case state == none:
			close(t.start)
			t.start = nil
		case state == taken && t.asleep:
			t.ends, t.asleep = true, false
			t.ring()
		}
	}
}

// wait waits for the turn of p, and reports whether there has been one.
func (t *turns) wait(p *parking) bool {
	t.mu.Lock()
	if t.state.Load() != taken {
		t.mu.Unlock()
		return false
	}
	p.prepare()
	t.queue = append(t.queue, p)
	if t.asleep {
		t.asleep = false
		t.ring()
	}
	t.mu.Unlock()
	p.park()
	return true
}

// ring has the keeper go on when the scheduler asks next what has come. The bell is never read: each write to it is an event.
func (t *turns) ring() {
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, t.bell, uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
}

// keep has those who wait go on, round by round, until they are few.
func (t *turns) keep(bell syscall.RawConn) {
	var round []*parking
	for n, went, on := 0, 0, true; on; {
		t.rest(bell)
		t.mu.Lock()
		round, t.queue = t.queue, round[:0]
		t.rounds++
		went += len(round)
		if n++; n == crowdRounds {
			went -= dearTurn * int(t.missed.Swap(0))
			on = went >= crowdLeft*crowdRounds || t.always.Load()
			n, went = 0, 0
		}
		if t.ends {
			close(t.start)
			t.start, on = nil, false
		}
		if !on {
			t.state.Store(none)
		}
		t.mu.Unlock()
		for i, p := range round {
			p.leave()
			round[i] = nil
		}
	}
}

// rest waits until all who can run have run, and somebody waits for his turn.
func (t *turns) rest(bell syscall.RawConn) {
	first := true
	_ = bell.Read(func(uintptr) bool {
		if !first {
			return true
		}
		first = false
		t.mu.Lock()
		if t.asleep = len(t.queue) == 0; !t.asleep {
			t.ring()
		}
		t.mu.Unlock()
		return false
	})
}
