package transport

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A response that nobody has asked for, right behind another one, is never the answer to the next request, however soon that comes.
func TestStrayResponses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					q, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					body := q.URL.Path
					_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray", len(body), body)
				}
			})
		}
	})
	tr := newHTTP1(t, HTTPOptions{})
	defer tr.Close()
	var asking sync.WaitGroup
	for g := range 8 {
		asking.Go(func() {
			for i := range 300 {
				leg, end := newLeg(t, "GET", "http://"+l.Addr().String())
				leg.Request.Path = fmt.Sprintf("/%d/%d", g, i)
				leg.Request.RawPath = leg.Request.Path
				if err := tr.Serve(leg); err != nil {
					t.Error(err)
				} else if got := readAll(t, leg); got != leg.Request.Path {
					t.Errorf("%s is answered by %.20q", leg.Request.Path, strings.TrimSpace(got))
				}
				end()
			}
		})
	}
	asking.Wait()
}

// Nothing is read between the moment when a request gets a connection and that in which it's written.
func TestGuard(t *testing.T) {
	g := newGuard()
	reads := make(chan string)
	read := func(p []byte) (int, error) { return copy(p, <-reads), nil }
	type result struct {
		n   int
		err error
	}
	begin := func() <-chan result {
		done := make(chan result, 1)
		go func() {
			n, err := g.read(read, make([]byte, 10))
			done <- result{n, err}
		}()
		return done
	}
	waiting := func() {
		g.mu.Lock()
		for !g.reading {
			g.changed.Wait()
		}
		g.mu.Unlock()
	}
	// The first request has written.
	g.set(&g.unasked, false)
	done := begin()
	reads <- "answer"
	if r := <-done; r.n != 6 || r.err != nil {
		t.Errorf("the answer: %+v", r)
	}
	// The next one waits until somebody reads.
	again := make(chan struct{})
	go func() { g.reuse(); close(again) }()
	select {
	case <-again:
		t.Error("the connection is used again before all has been read")
	default:
	}
	done = begin()
	<-again
	reads <- "stray"
	if r := <-done; r.n != 0 || r.err != errUnasked {
		t.Errorf("unasked: %+v", r)
	}
	done = begin()
	waiting()
	g.reuse()
	g.set(&g.unasked, false)
	reads <- "answer"
	if r := <-done; r.n != 6 || r.err != nil {
		t.Errorf("the answer of the next request: %+v", r)
	}
	g.set(&g.closed, true)
	g.reuse() // doesn't wait
}
