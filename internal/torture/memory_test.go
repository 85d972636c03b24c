package torture

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// goroutine is what the runtime itself keeps of one in the heap, beside its stack.
const goroutine = 448

// testMemory has many clients wait between two requests. Beside its goroutine, a connection
// holds a few small structs then, and no buffer.
func (g *process) testMemory(t *testing.T) {
	newBackend(t, g.ports[plainUpstream], nil)
	tests := []struct {
		name, server string
		clients      int
		limit        int // of the heap per connection
	}{
		{"cleartext", bare, 2000, 2 << 10},
		{"TLS", secure, 2000, 4 << 10},
	}
	before := g.rest(t)
	defer func() { g.rest(t) }() // when all are closed
	for _, tt := range tests {
		all := g.idle(t, tt.server, tt.clients)
		defer func() {
			for _, p := range all {
				if p != nil {
					_ = p.tcp.Close()
				}
			}
		}()
		during := g.settled(t, usage{}) // buffers of handshakes go when the clients have been waiting for a while
		each := (during.heap-before.heap)/tt.clients - goroutine
		t.Logf("%s: %d bytes of heap for each of %d idle connections, %d goroutines more", tt.name, each, tt.clients, during.goroutines-before.goroutines)
		if g.engine == kinds.Wire && each >= tt.limit && !*race {
			t.Errorf("%s: an idle connection takes %d bytes, not less than %d", tt.name, each, tt.limit)
		}
		before = during
	}
}

// idle makes n connections to a server, asks twice on each, and leaves them open.
func (g *process) idle(t *testing.T, server string, n int) []*peer {
	all := make([]*peer, n)
	todo := make(chan int)
	var busy sync.WaitGroup
	for range 16 {
		busy.Go(func() {
			for i := range todo {
				p, err := g.dial(server, &net.Dialer{})
				if err != nil {
					t.Error(err)
					continue
				}
				all[i] = p
				for range 2 { // from the second request on, fields are remembered
					if err := askOnce(p); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range n {
		todo <- i
	}
	close(todo)
	busy.Wait()
	return all
}

// askOnce makes a small exchange.
func askOnce(p *peer) error {
	if _, err := io.WriteString(p, "GET /bare/a?id=a&n=1000&te=length HTTP/1.1\r\nHost: a\r\nX-Id: a\r\nX-Secret: a\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
