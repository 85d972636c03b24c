// Package lines has many log lines written in one system call.
package lines

import (
	"runtime"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/internal/alarm"
)

// A Queue holds lines until they are written. That is at once, unless that has happened some fifty times in the last
// second: then it's pause after the last time, or when there are plenty of them. So a busy gateway writes many lines in one system
// call, where each by itself would cost a request more than all its policies together, and keep others waiting: while a thread is in such
// a call, that of the scheduler which watches it wakes up each 20 microseconds, and a millisecond longer. A pause of a few
// milliseconds would have the system set its clock anew each time when the gateway has nothing to do for a moment, which takes longer
// still.
type Queue struct {
	flush func()

	mu      sync.Mutex
	lines   []byte
	spare   []byte
	woken   bool // the writer knows that there are lines
	hurried bool // there are plenty, and somebody is about to write them
	waiting bool // the writer waits for its time
	stopped bool
	wake    chan struct{}
	alarm   *alarm.Alarm // rings when the time has come
	done    sync.WaitGroup
}

const (
	// pause is for how long lines may wait.
	pause = 20 * time.Millisecond
	// patience is how much of the time may be spent on writes of few lines before they wait.
	patience = time.Second
	// plenty is how many bytes don't wait. To write more at a time would keep requests waiting for longer than it spares; and it's half of
	// what a pipe holds, so that its reader is rarely waited for.
	plenty = 32 << 10
	// enough is how many bytes may wait. Who brings the queue there writes it, so that lines don't come faster than they are written.
	enough = 512 << 10
)

// Start starts the writer, which calls flush whenever lines wait. Several goroutines may call flush at a time.
func (q *Queue) Start(flush func()) {
	q.flush, q.wake, q.alarm = flush, make(chan struct{}, 1), alarm.New()
	q.done.Go(func() {
		last, credit := time.Now(), patience // each write takes a pause of it
		earn := func() {
			now := time.Now()
			credit, last = min(credit+now.Sub(last), patience), now
		}
		for range q.wake {
			if earn(); credit >= pause {
				runtime.Gosched() // others have lines, too
			} else {
				if q.mayWait(pause - credit) {
					q.alarm.Wait()
				}
				earn()
			}
			credit = max(credit-pause, 0)
			q.mu.Lock()
			q.woken, q.waiting = false, false
			q.mu.Unlock()
			flush()
		}
		q.alarm.Close()
	})
}

// mayWait has the alarm ring after d, or earlier if the queue is stopped; unless that's so already.
func (q *Queue) mayWait(d time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return false
	}
	q.waiting = true
	q.alarm.Set(d)
	return true
}

// Add adds a line, unless the queue is stopped, and reports whether it is full now.
func (q *Queue) Add(line []byte) (full, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return false, false
	}
	q.lines = append(q.lines, line...)
	if !q.woken {
		q.woken = true
		q.wake <- struct{}{} // there is room: woken says so
	}
	if len(q.lines) >= plenty && !q.hurried {
		// To call the writer would take an alarm, which costs ten times as much. Who adds a line goes on first.
		q.hurried = true
		q.done.Go(q.flush)
	}
	return len(q.lines) >= enough, true
}

// Take takes what waits. The caller gives it to Put when it is written.
func (q *Queue) Take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := q.lines
	q.lines, q.spare, q.hurried = q.spare[:0], nil, false
	return lines
}

// Put gives the memory of lines back, unless huge lines have made it large.
func (q *Queue) Put(lines []byte) {
	if cap(lines) > 2*enough {
		return
	}
	q.mu.Lock()
	q.spare = lines
	q.mu.Unlock()
}

// Stop makes Add refuse lines, and ends the writer.
func (q *Queue) Stop() {
	q.mu.Lock()
	q.stopped = true
	if q.waiting {
		q.alarm.Set(0) // nobody waits for more
	}
	q.mu.Unlock()
	close(q.wake)
	q.done.Wait()
}
