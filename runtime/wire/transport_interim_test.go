package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestTransportInterim(t *testing.T) {
	addr := answering(t, func(int, string) string {
		return "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
			"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
	})
	tr := testTransport(t, TransportOptions{})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	got := ""
	leg.Interim = func(status int, h gateway.Header) error {
		got += fmt.Sprintln(status, h)
		return nil
	}
	mustServe(t, tr, leg)
	if want := "103 [{Link </style.css>}]\n102 []\n"; got != want || leg.Response.Header.Has("Link") || readBody(t, leg) != "done" {
		t.Errorf("%s\n%+v", got, leg.Response)
	}
	if status, body := ask(t, tr, "http://"+addr); status != 200 || body != "done" {
		t.Errorf("with nobody to send them to: %d %s", status, body)
	}
	leg, end = newLeg(t, "GET", "http://"+addr)
	defer end()
	gone := errors.New("client has gone")
	leg.Interim = func(int, gateway.Header) error { return gone }
	if err := tr.Serve(leg); !errors.Is(err, gone) {
		t.Errorf("the error is %v", err)
	}
}

func TestTransportTooManyInterims(t *testing.T) {
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = requestHead(r)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	n := 0
	leg.Interim = func(int, gateway.Header) error { n++; return nil }
	if err := testTransport(t, TransportOptions{}).Serve(leg); !errors.Is(err, errInterims) || n != maxInterims {
		t.Errorf("%d interim responses, then %v", n, err)
	}
}

// With Expect, the body is read, and so asked for, only when the upstream wants it, or has had time to say so.
func TestTransportExpectContinue(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  string
		timeout time.Duration
		status  int
		read    bool
	}{
		"wanted":     {"HTTP/1.1 100 Continue\r\n\r\n", patience, 204, true},
		"refused":    {"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", patience, 417, false},
		"unheard":    {"", soon, 204, true},
		"no waiting": {"", 0, 204, true},
		"half said":  {"HTTP/1.1 100 Con", soon, 204, true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{})
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				head, _ := requestHead(r)
				if !strings.Contains(head, "Expect: 100-continue") {
					t.Errorf("head: %s", head)
				}
				close(asked)
				io.WriteString(c, tt.answer)
				if tt.read {
					io.CopyN(io.Discard, r, 3)
					if name == "half said" {
						io.WriteString(c, "tinue\r\n\r\n")
					}
					io.WriteString(c, noContentResponse)
				}
				io.Copy(io.Discard, r)
			})
			leg, end := newLeg(t, "POST", "http://"+addr)
			b := &watchedBody{Reader: strings.NewReader("abc"), asked: asked}
			leg.Request.Body, leg.Request.ContentLength = b, 3
			leg.Request.Header.Add("Expect", "100-continue")
			leg.Interim = func(status int, _ gateway.Header) error { return fmt.Errorf("passed on: %d", status) }
			tr := testTransport(t, TransportOptions{ExpectContinueTimeout: tt.timeout})
			mustServe(t, tr, leg)
			end()
			b.mu.Lock()
			defer b.mu.Unlock()
			if leg.Response.Status != tt.status || b.read != tt.read || b.early && tt.timeout > 0 {
				t.Errorf("status %d, read: %v, before it was asked for: %v", leg.Response.Status, b.read, b.early)
			}
			if _, idle := linksOf(tr, addr); (idle == 1) != tt.read {
				t.Errorf("%d connections are idle", idle)
			}
		})
	}
}

// A watchedBody tells whether it was read before the upstream had seen the head.
type watchedBody struct {
	io.Reader
	asked       chan struct{}
	mu          sync.Mutex
	read, early bool
}

func (w *watchedBody) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = true
	select {
	case <-w.asked:
	default:
		w.early = true
	}
	return w.Reader.Read(p)
}

func (w *watchedBody) Close() error { return nil }

func TestTransportUpgrade(t *testing.T) {
	addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		head, _ := requestHead(r)
		if !strings.Contains(head, "Connection: Upgrade\r\n") || !strings.Contains(head, "Upgrade: echo\r\n") {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
		io.Copy(c, r) // until the client's side has closed its half
		io.WriteString(c, "!")
	})
	tr := testTransport(t, TransportOptions{MaxConnsPerHost: 1})
	for range 2 { // there is room for the second, too
		leg, end := newLeg(t, "GET", "http://"+addr)
		leg.Request.Header = gateway.Header{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "echo"}}
		mustServe(t, tr, leg)
		r := &leg.Response
		if r.Status != 101 || r.Conn == nil || r.Body != nil || r.Header.Get("Upgrade") != "echo" {
			t.Fatalf("response: %+v", r)
		}
		io.WriteString(r.Conn, "world")
		if err := r.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r.Conn); string(b) != "hello world!" || err != nil {
			t.Errorf("read %q, %v", b, err)
		}
		end() // closes the connection, if nobody else does
	}
}
