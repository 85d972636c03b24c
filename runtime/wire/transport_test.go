package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/freeport"
	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const noContentResponse = "HTTP/1.1 204 No Content\r\n\r\n"

// numbered answers by the number of the connection.
func numbered(t *testing.T) string {
	return answering(t, func(n int, _ string) string { return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n) })
}

func TestTransportKeepsConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		options TransportOptions
		want    string
	}{
		"kept":     {TransportOptions{}, "000"},
		"disabled": {TransportOptions{DisableKeepAlives: true}, "012"},
		"none":     {TransportOptions{MaxIdleConnsPerHost: -1}, "012"},
		"none all": {TransportOptions{MaxIdleConns: -1}, "012"},
	} {
		t.Run(name, func(t *testing.T) {
			addr, tr, got := numbered(t), testTransport(t, tt.options), ""
			for range 3 {
				_, body := ask(t, tr, "http://"+addr)
				got += body
			}
			if got != tt.want {
				t.Errorf("the connections were %s", got)
			}
		})
	}
}

func TestTransportMaxConnsPerHost(t *testing.T) {
	release := make(chan struct{})
	addr := answering(t, func(n int, head string) string {
		if strings.HasPrefix(head, "GET /hold") {
			<-release
		}
		return noContentResponse
	})
	tr := testTransport(t, TransportOptions{MaxConnsPerHost: 1, Dial: dial.Options{Timeout: 3 * soon}})
	first, endFirst := newLeg(t, "GET", "http://"+addr+"/hold")
	done := make(chan error, 1)
	go func() {
		defer endFirst()
		done <- tr.Serve(first)
	}()
	eventually(t, "the first connection", func() bool { all, _ := linksOf(tr, addr); return all == 1 })

	second, end := newLeg(t, "GET", "http://"+addr)
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	second.SetContext(ctx)
	if err := tr.Serve(second); !gateway.IsTimeout(err) {
		t.Errorf("with a deadline: %v", err)
	}
	end()
	third, end := newLeg(t, "GET", "http://"+addr)
	if err := tr.Serve(third); !gateway.IsTimeout(err) {
		t.Errorf("without a deadline: %v", err)
	}
	end()
	fourth, end := newLeg(t, "GET", "http://"+addr)
	gone := errors.New("client has gone")
	time.AfterFunc(soon/4, func() { fourth.Parent.Cancel(gone) })
	if err := tr.Serve(fourth); !errors.Is(err, gone) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	end()
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(t, tr, "http://"+addr); status != 204 {
		t.Error(status)
	}
}

// Many requests share few connections, which come and go.
func TestTransportUnderLoad(t *testing.T) {
	addr := rawUpstream(t, func(n int, c net.Conn, r *bufio.Reader) {
		for i := range 10 {
			head, err := requestHead(r)
			if err != nil || n%5 == 4 && i == 3 {
				return // without an answer
			}
			id, _, _ := strings.Cut(head[len("GET /"):], " ")
			last := ""
			if i == 9 {
				last = "Connection: close\r\n"
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", last, len(id), id)
		}
	})
	for _, limit := range []int{0, 3} {
		tr := testTransport(t, TransportOptions{MaxConnsPerHost: limit, MaxIdleConns: 2, IdleConnTimeout: time.Millisecond})
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for k := range 40 {
					id := fmt.Sprintf("%d-%d", i, k)
					leg, end := newLeg(t, "GET", "http://"+addr+"/"+id)
					if err := tr.Serve(leg); err != nil {
						t.Error(err)
					} else if b, err := io.ReadAll(leg.Response.Body); string(b) != id || err != nil {
						t.Errorf("%q for %q, %v", b, id, err)
					}
					end()
					if n, _ := linksOf(tr, addr); limit > 0 && n > limit {
						t.Errorf("%d connections", n)
					}
				}
			})
		}
		all.Wait()
		eventually(t, "the end of all connections", func() bool { n, _ := linksOf(tr, addr); return n == 0 })
		if n := tr.idle.Load(); n != 0 {
			t.Errorf("%d connections are said to be idle", n)
		}
	}
}

func TestTransportIdleConnTimeout(t *testing.T) {
	closed := make(chan struct{})
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = requestHead(r)
		io.WriteString(c, noContentResponse)
		if _, err := r.ReadByte(); err == io.EOF {
			close(closed)
		}
	})
	tr := testTransport(t, TransportOptions{IdleConnTimeout: time.Millisecond})
	ask(t, tr, "http://"+addr)
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the connection was not closed")
	}
	eventually(t, "the end of the sweeper", func() bool { return !tr.sweeping.Load() })
}

func TestTransportClose(t *testing.T) {
	addr, tr := numbered(t), testTransport(t, TransportOptions{})
	_, first := ask(t, tr, "http://"+addr)
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if _, second := ask(t, tr, "http://"+addr); first == second {
		t.Error("the connection was still there")
	}
}

// The upstream has closed a kept connection, or has sent something on it, before the next request.
func TestTransportStaleConnections(t *testing.T) {
	for name, last := range map[string]string{"closed": "", "spoken": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			stale := make(chan struct{})
			addr := rawUpstream(t, func(n int, c net.Conn, r *bufio.Reader) {
				_, _ = requestHead(r)
				io.WriteString(c, noContentResponse)
				if n == 0 {
					io.WriteString(c, last)
					if last == "" {
						c.Close()
					}
					close(stale)
				}
				io.Copy(io.Discard, r)
			})
			tr := testTransport(t, TransportOptions{})
			ask(t, tr, "http://"+addr)
			<-stale
			leg, end := newLeg(t, "POST", "http://"+addr)
			defer end()
			setBody(leg, "abc", 3)
			mustServe(t, tr, leg)
		})
	}
}

// The upstream closes a kept connection just as the next request goes out on it.
func TestTransportReplays(t *testing.T) {
	long := strings.Repeat("x", maxRead+1)
	for name, tt := range map[string]struct {
		method, body, begin string
		replayed            bool
	}{
		"GET":           {"GET", "", "", true},
		"PUT, small":    {"PUT", "abc", "", true},
		"DELETE":        {"DELETE", "", "", true},
		"PUT, streamed": {"PUT", long, "", false},
		"POST":          {"POST", "abc", "", false}, // it may have been done
		"half a head":   {"GET", "", "HTTP/1.1 2", false},
		"103 and end":   {"GET", "", "HTTP/1.1 103 Early Hints\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawUpstream(t, func(n int, c net.Conn, r *bufio.Reader) {
				head, _ := requestHead(r)
				if n == 1 && strings.Contains(head, "Content-Length") {
					b := make([]byte, len(tt.body))
					if io.ReadFull(r, b); string(b) != tt.body {
						t.Errorf("the body is %q", b)
					}
				}
				io.WriteString(c, noContentResponse)
				if n == 0 {
					_, _ = requestHead(r) // and no answer to that
					io.WriteString(c, tt.begin)
				}
			})
			tr := testTransport(t, TransportOptions{})
			ask(t, tr, "http://"+addr)
			leg, end := newLeg(t, tt.method, "http://"+addr)
			defer end()
			if tt.body != "" {
				setBody(leg, tt.body, int64(len(tt.body)))
			}
			err := tr.Serve(leg)
			if tt.replayed && (err != nil || leg.Response.Status != 204) || !tt.replayed && err == nil {
				t.Errorf("status %d, error %v", leg.Response.Status, err)
			}
		})
	}
}

// A body that has come already is sent again, too, as long as it is kept for us.
func TestTransportReplaysWhatIsAtHand(t *testing.T) {
	long := strings.Repeat("x", 30<<10)
	addr := rawUpstream(t, func(n int, c net.Conn, r *bufio.Reader) {
		head, _ := requestHead(r)
		if strings.Contains(head, "Content-Length") {
			if b := make([]byte, len(long)); n == 1 {
				if _, err := io.ReadFull(r, b); err != nil || string(b) != long {
					t.Error("another body")
				}
			}
		}
		io.WriteString(c, noContentResponse)
		_, _ = requestHead(r)
	})
	tr := testTransport(t, TransportOptions{})
	ask(t, tr, "http://"+addr)
	leg, end := newLeg(t, "PUT", "http://"+addr)
	defer end()
	leg.Request.Body, leg.Request.ContentLength = &haveBody{textBody(""), long, true}, int64(len(long))
	mustServe(t, tr, leg)
}

func TestTransportIsDown(t *testing.T) {
	addr := freeport.Addr(t)
	tr := testTransport(t, TransportOptions{})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	err := tr.Serve(leg)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
	if all, _ := linksOf(tr, addr); all != 0 {
		t.Errorf("there are %d connections", all)
	}
}

func TestTransportDefault(t *testing.T) {
	if one, other := DefaultTransport(), DefaultTransport(); one != other {
		t.Error("not the same one each time")
	}
	if status, _ := ask(t, DefaultTransport(), "http://"+numbered(t)); status != 200 {
		t.Error(status)
	}
	DefaultTransport().Close()
}

func TestTransportBadOptions(t *testing.T) {
	if _, err := NewTransport(TransportOptions{Dial: dial.Options{LocalAddress: "x://y"}}); err == nil {
		t.Error("local address: no error")
	}
	o := TransportOptions{}
	o.TLS.RootCAs = []string{os.DevNull}
	if _, err := NewTransport(o); err == nil {
		t.Error("authorities: no error")
	}
}
