package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// names is a resolver that a test can change.
type names struct {
	mu    sync.Mutex
	ips   []string
	err   error
	asked int
}

func (n *names) set(err error, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips, n.err = ips, err
}

func (n *names) lookup(_ context.Context, _, host string) (found []netip.Addr, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if host != "upstream.example" {
		return nil, fmt.Errorf("who is %s?", host)
	}
	for _, ip := range n.ips {
		found = append(found, netip.MustParseAddr(ip))
	}
	return found, n.err
}

// newSpreadOver starts an upstream of HTTP/2 on each address, all on one port, that answers by its address.
func newSpreadOver(t *testing.T, interval time.Duration, ips ...string) (*Transport, *names, string) {
	t.Helper()
	port := "0"
	for _, ip := range ips {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
			b, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, host, " ", r.Host, " ", string(b))
		}))
		s.Listener.Close()
		s.Listener = l
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
		t.Cleanup(s.Close)
	}
	tr := newHTTP2(t, HTTP2Options{AllowHTTP: true, MultiIP: true, MinLookupInterval: interval})
	n := new(names)
	n.set(nil, ips...)
	tr.spread.lookup = n.lookup
	return tr, n, "http://upstream.example:" + port
}

func TestSpread(t *testing.T) {
	tr, n, url := newSpreadOver(t, time.Hour, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	counts := make(map[string]int)
	for range 9 {
		_, body := get(t, tr, url)
		counts[body]++
	}
	host := strings.TrimPrefix(url, "http://")
	want := map[string]int{"127.0.0.1 " + host + " ": 3, "127.0.0.2 " + host + " ": 3, "127.0.0.3 " + host + " ": 3}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
	if n.asked != 1 {
		t.Errorf("looked up %d times", n.asked)
	}
}

// An address without an upstream is passed over, with the body still there for the next one.
func TestSpreadPassesOver(t *testing.T) {
	tr, n, url := newSpreadOver(t, time.Hour, "127.0.0.1")
	n.set(nil, "127.0.0.2", "127.0.0.1", "127.0.0.3")
	for i := range 6 {
		leg, end := newLeg(t, "POST", url)
		setBody(leg, "abc", []int64{3, -1}[i%2])
		mustServe(t, tr, leg)
		if body := readAll(t, leg); !strings.HasPrefix(body, "127.0.0.1 ") || !strings.HasSuffix(body, " abc") {
			t.Errorf("answered by %s", body)
		}
		end()
	}
}

func TestSpreadFails(t *testing.T) {
	down := errors.New("no such host")
	for name, tt := range map[string]struct {
		ips  []string
		err  error
		want string
	}{
		"no name":        {nil, down, "no such host"},
		"no address":     {nil, nil, "no address"},
		"nobody listens": {[]string{"127.0.0.2", "127.0.0.3"}, nil, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			tr, n, url := newSpreadOver(t, time.Hour, "127.0.0.1")
			n.set(tt.err, tt.ips...)
			leg, end := newLeg(t, "POST", url)
			defer end()
			closed := &closeWatcher{Reader: strings.NewReader("abc")}
			leg.Request.Body, leg.Request.ContentLength = closed, -1
			err := tr.Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !closed.closed {
				t.Errorf("the error is %v; it should say %q; body closed: %v", err, tt.want, closed.closed)
			}
		})
	}
}

type closeWatcher struct {
	io.Reader
	closed bool
}

func (c *closeWatcher) Close() error {
	c.closed = true
	return nil
}

// Names are looked up again, and what was known is used as long as nothing better is.
func TestSpreadLooksUpAgain(t *testing.T) {
	tr, n, url := newSpreadOver(t, time.Nanosecond, "127.0.0.1", "127.0.0.2")
	answeredBy := func() string {
		_, body := get(t, tr, url)
		ip, _, _ := strings.Cut(body, " ")
		return ip
	}
	n.set(nil, "127.0.0.1")
	for range 3 {
		if ip := answeredBy(); ip != "127.0.0.1" {
			t.Errorf("answered by %s", ip)
		}
	}
	n.set(nil, "127.0.0.2")
	eventually(t, "the new address", func() bool { return answeredBy() == "127.0.0.2" })
	n.set(errors.New("no such host"))
	for range 9 {
		answeredBy()
	}
	settle(t, tr)
}

// settle waits until no look-up is under way.
func settle(t *testing.T, tr *Transport) {
	t.Helper()
	for _, n := range tr.spread.names {
		n.mu.Lock()
		_ = n // nothing is to be done but to wait
		n.mu.Unlock()
	}
}

// A failed look-up isn't repeated by each request, but some time later.
func TestSpreadRecovers(t *testing.T) {
	tr, n, url := newSpreadOver(t, 0, "127.0.0.1")
	n.set(errors.New("no such host"))
	for range 5 {
		leg, end := newLeg(t, "GET", url)
		if err := tr.Serve(leg); err == nil {
			t.Error("no error")
		}
		end()
	}
	if n.asked != 1 {
		t.Errorf("looked up %d times", n.asked)
	}
	n.set(nil, "127.0.0.1")
	for _, name := range tr.spread.names {
		known := *name.known.Load()
		known.at = time.Now().Add(-failureInterval)
		name.known.Store(&known)
	}
	get(t, tr, url)
	if n.asked != 2 {
		t.Errorf("looked up %d times", n.asked)
	}
}

// The certificate is that of the name, not of the address.
func TestSpreadTLS(t *testing.T) {
	s, ca := newTLSServer(t, true, nil, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.TLS.ServerName) })
	tr := newHTTP2(t, HTTP2Options{TLS: tlsconf.Options{RootCAs: []string{ca}}, MultiIP: true})
	tr.spread.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "https://"))
	if _, name := get(t, tr, "https://example.com:"+port); name != "example.com" {
		t.Errorf("the upstream was asked for %q", name)
	}
}
