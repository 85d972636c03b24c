package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// silent is an upstream that takes connections and never says a word.
func silent(t *testing.T) string {
	return rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
}

const soon = 20 * time.Millisecond

func TestTimeouts(t *testing.T) {
	for name, tt := range map[string]struct {
		scheme    string
		transport func() *Transport
		deadline  bool
		want      string
	}{
		"dial": {"http", func() *Transport {
			return newHTTP1(t, HTTPOptions{Dial: dial.Options{Timeout: time.Nanosecond}})
		}, false, "dial tcp"},
		"handshake": {"https", func() *Transport {
			return newHTTP1(t, HTTPOptions{TLSHandshakeTimeout: soon})
		}, false, "TLS handshake timeout"},
		"response header": {"http", func() *Transport {
			return newHTTP1(t, HTTPOptions{ResponseHeaderTimeout: soon})
		}, false, "awaiting response headers"},
		"deadline": {"http", func() *Transport {
			return newHTTP1(t, HTTPOptions{})
		}, true, "deadline exceeded"},
		"deadline in the handshake": {"https", func() *Transport {
			return newHTTP1(t, HTTPOptions{TLSHandshakeTimeout: patience})
		}, true, "deadline exceeded"},
		"deadline, HTTP/2": {"http", func() *Transport {
			return newHTTP2(t, HTTP2Options{AllowHTTP: true})
		}, true, "deadline exceeded"},
		"no answer to a ping": {"http", func() *Transport {
			return newHTTP2(t, HTTP2Options{AllowHTTP: true, ReadIdleTimeout: soon, PingTimeout: soon})
		}, false, lost},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "GET", tt.scheme+"://"+silent(t))
			defer end()
			if tt.deadline {
				ctx, cancel := context.WithTimeout(leg.Context(), soon)
				defer cancel()
				leg.SetContext(ctx)
			}
			tr := tt.transport()
			err := tr.Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || gateway.IsTimeout(err) != (tt.want != lost) {
				t.Errorf("the error is %v; it should say %q", err, tt.want)
			}
			tr.Close()
		})
	}
}

// lost is what net/http says when a ping wasn't answered; it isn't marked as a timeout.
const lost = "client connection lost"

// A deadline that has a cause of its own is still one.
func TestDeadlineWithCause(t *testing.T) {
	cause := errors.New("the middleware says so")
	leg, end := newLeg(t, "GET", "http://"+silent(t))
	defer end()
	ctx, cancel := context.WithTimeoutCause(leg.Context(), soon, cause)
	defer cancel()
	leg.SetContext(ctx)
	err := newHTTP1(t, HTTPOptions{}).Serve(leg)
	if !gateway.IsTimeout(err) || !errors.Is(err, cause) {
		t.Errorf("the error is %v", err)
	}
}

func TestClientGoesAway(t *testing.T) {
	leg, end := newLeg(t, "GET", "http://"+silent(t))
	defer end()
	ctx, cancel := context.WithCancel(leg.Context())
	time.AfterFunc(soon, cancel)
	leg.SetContext(ctx)
	err := newHTTP1(t, HTTPOptions{}).Serve(leg)
	if !errors.Is(err, context.Canceled) || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
}

// The deadline holds for the body, too.
func TestDeadlineInBody(t *testing.T) {
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = readHead(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		io.Copy(io.Discard, r)
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	ctx, cancel := context.WithTimeout(leg.Context(), 100*time.Millisecond)
	defer cancel()
	leg.SetContext(ctx)
	mustServe(t, newHTTP1(t, HTTPOptions{}), leg)
	if b, err := io.ReadAll(leg.Response.Body); string(b) != "abc" || !gateway.IsTimeout(err) {
		t.Errorf("read %q, %v", b, err)
	}
}

// The body goes out without the upstream's word when that is too long in coming.
func TestExpectContinueTimeout(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"some": soon, "none": 0} {
		t.Run(name, func(t *testing.T) {
			addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = readHead(r)
				io.CopyN(io.Discard, r, 3)
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			})
			leg, end := newLeg(t, "POST", "http://"+addr)
			defer end()
			leg.Request.Header.Add("Expect", "100-continue")
			setBody(leg, "abc", 3)
			mustServe(t, newHTTP1(t, HTTPOptions{ExpectContinueTimeout: timeout}), leg)
		})
	}
}
