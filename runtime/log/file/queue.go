package file

import (
	"runtime"
	"sync"
	"time"
)

// A queue holds lines until the writer of the file comes round to them. That is at once, unless there are many: then it's pause after the
// last time. So a busy gateway writes many lines in one system call, where each by itself would cost a request more than all its policies
// together: while a thread is in such a call, that of the scheduler which watches it wakes up each 20 microseconds, and a
// millisecond longer.
type queue struct {
	mu      sync.Mutex
	lines   []byte
	spare   []byte
	woken   bool
	stopped bool
	wake    chan struct{}
	done    sync.WaitGroup
}

const (
	// pause is for how long lines may wait, and many how many bytes there have to be at a time for that.
	pause = 3 * time.Millisecond
	many  = 4 << 10
	// enough is how many bytes may wait. Who brings the queue there writes it, so that lines don't come faster than the file takes them.
	enough = 512 << 10
)

// start starts the writer, which calls flush whenever lines wait. That returns how many bytes there were.
func (q *queue) start(flush func() int) {
	q.wake = make(chan struct{}, 1)
	q.done.Go(func() {
		var last time.Time
		for n := 0; ; n = flush() {
			if _, ok := <-q.wake; !ok {
				return
			}
			if now := time.Now(); n >= many && now.Sub(last) < pause {
				time.Sleep(pause - now.Sub(last))
			} else {
				runtime.Gosched() // others have lines, too
			}
			last = time.Now()
			q.mu.Lock()
			q.woken = false
			q.mu.Unlock()
		}
	})
}

// add adds a line, unless the queue is stopped, and reports whether it is full now.
func (q *queue) add(line []byte) (full, ok bool) {
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
	return len(q.lines) >= enough, true
}

// take takes what waits. The caller gives it to put when it is written.
func (q *queue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := q.lines
	q.lines, q.spare = q.spare[:0], nil
	return lines
}

// put gives the memory of lines back, unless huge lines have made it large.
func (q *queue) put(lines []byte) {
	if cap(lines) > 2*enough {
		return
	}
	q.mu.Lock()
	q.spare = lines
	q.mu.Unlock()
}

// stop makes add refuse lines, and ends the writer.
func (q *queue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	close(q.wake)
	q.done.Wait()
}
