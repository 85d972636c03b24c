package torture

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// testSplits cuts messages in two at each of their bytes.
func (g *process) testSplits(t *testing.T) {
	g.rest(t)
	l, err := net.Listen("tcp", g.ports[strictUpstream])
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer l.Close()
	const response = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n" +
		"5;a=b\r\nhello\r\n7\r\n, world\r\n0\r\nX-T: t\r\n\r\n"
	at := make(chan int, 2) // where to split the next responses
	go serveSplit(ctx, l, response, at)
	g.splitRequests(t, at)
	p, err := g.dial(strict, &net.Dialer{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range len(response) {
		at <- i
		_, _ = fmt.Fprintf(p, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i)
		if err := readHello(p); err != nil {
			t.Fatalf("a response split at %d, %q: %v", i, response[:i], err)
		}
	}
}

// splitRequests sends two requests at once, in two parts.
func (g *process) splitRequests(t *testing.T, at chan<- int) {
	const requests = "POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: t\r\n\r\n" +
		"PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	p, err := g.dial(strict, &net.Dialer{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range len(requests) {
		at <- 0
		at <- 0
		_, _ = io.WriteString(p, requests[:i])
		time.Sleep(time.Millisecond) // for the gateway to read it
		_, _ = io.WriteString(p, requests[i:])
		for range 2 {
			if err := readHello(p); err != nil {
				t.Fatalf("requests split at %d, %q: %v", i, requests[:i], err)
			}
		}
	}
}

// readHello reads the response of serveSplit.
func readHello(p *peer) error {
	for {
		resp, err := http.ReadResponse(p.r, nil)
		if err != nil {
			return err
		}
		if resp.StatusCode == 103 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || string(body) != "hello, world" || resp.Trailer.Get("X-T") != "t" {
			return fmt.Errorf("%d %q, trailer %q, %v", resp.StatusCode, body, resp.Trailer, err)
		}
		return nil
	}
}

// serveSplit answers each request by a response in two parts, until ctx ends.
func serveSplit(ctx context.Context, l net.Listener, response string, at <-chan int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			d := newDownstream(c)
			for {
				req, err := http.ReadRequest(d.r)
				if err != nil {
					return
				}
				if body, err := io.ReadAll(req.Body); err != nil || string(body) != "abc" {
					return // the client finds out
				}
				i := <-at
				d.say(response[:i])
				if i > 0 {
					time.Sleep(time.Millisecond)
				}
				d.say(response[i:])
			}
		}()
	}
}
