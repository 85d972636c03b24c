package lines

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is what a queue's lines are written to.
type sink struct {
	Queue
	mu     sync.Mutex
	text   strings.Builder
	writes int
}

func (s *sink) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.Take(); len(b) > 0 {
		s.text.Write(b)
		s.writes++
		s.Put(b)
	}
}

func (s *sink) written() (text string, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.writes
}

// TestQueue has lines come from many sides: all are written, each writer's in its order, and many in one write.
func TestQueue(t *testing.T) {
	var s sink
	s.Start(s.flush)
	const writers, count = 8, 3000
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range count {
				full, ok := s.Add(fmt.Appendf(nil, "%d %d %060d\n", w, i, 0))
				if !ok {
					t.Error("the queue is stopped")
				}
				if full {
					s.flush()
				}
			}
		})
	}
	all.Wait()
	s.Stop()
	s.flush()
	text, writes := s.written()
	next := [writers]int{}
	for l := range strings.Lines(text) {
		var w, i int
		if _, err := fmt.Sscanf(l, "%d %d", &w, &i); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		if i != next[w] {
			t.Fatalf("writer %d: line %d where %d should be", w, i, next[w])
		}
		next[w]++
	}
	for w, n := range next {
		if n != count {
			t.Errorf("writer %d: %d lines", w, n)
		}
	}
	if writes > writers*count/20 {
		t.Errorf("%d writes for %d lines", writes, writers*count)
	}
	if _, ok := s.Add([]byte("late\n")); ok {
		t.Error("a stopped queue takes lines")
	}
}

// Lines are written without anybody's doing, after a while or, if there are plenty, before.
func TestWriter(t *testing.T) {
	var s sink
	s.Start(s.flush)
	defer s.Stop()
	want := 0
	for _, n := range []int{1, 1, plenty + 1, 1} {
		s.Add(make([]byte, n))
		want += n
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			text, _ := s.written()
			if len(text) == want {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d bytes are written, not %d", len(text), want)
			}
		}
	}
}
