package transport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/transporttest"
)

// sentHead returns the head that leg puts on the wire.
func sentHead(t *testing.T, tr *Transport, prepare func(leg *gateway.Exchange)) string {
	t.Helper()
	head := make(chan string, 1)
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		h, _ := readHead(r)
		head <- h
		io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	prepare(leg)
	mustServe(t, tr, leg)
	return strings.ReplaceAll(<-head, addr, "HOST")
}

// A forward proxy gets absolute targets, with the same paths.
func TestTargetThroughProxy(t *testing.T) {
	for name, tt := range transporttest.Targets {
		if tt.Path == "*" || tt.Path == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			tr := newHTTP1(t, HTTPOptions{})
			tr.proxied = true
			head := sentHead(t, tr, func(leg *gateway.Exchange) {
				tr.engines.engine().Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: leg.Request.Host})
				leg.Request.Host = "upstream.example"
				leg.Request.Path, leg.Request.RawPath, leg.Request.RawQuery = tt.Path, tt.Raw, tt.Query
			})
			line, _, _ := strings.Cut(head, "\r\n")
			want := "http://upstream.example" + strings.TrimPrefix(tt.Want, "http://HOST")
			if diff := cmp.Diff("GET "+want+" HTTP/1.1", line); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What net/http makes of names, in which it sorts the fields.
func TestHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		options HTTPOptions
		header  gateway.Header
		want    string
	}{
		"compression": {HTTPOptions{}, nil, "Accept-Encoding: gzip\r\n"},
		"compression asked for": {HTTPOptions{}, gateway.Header{{Name: "Accept-Encoding", Value: "br"}},
			"Accept-Encoding: br\r\n"},
		"spelling": {HTTPOptions{DisableCompression: true}, gateway.Header{{Name: "user-agent", Value: "x"}, {Name: "accept-encoding", Value: "br"}},
			"User-Agent: x\r\nAccept-Encoding: br\r\n"},
		"several values": {HTTPOptions{DisableCompression: true}, gateway.Header{{Name: "X-A", Value: "1"}, {Name: "X-B", Value: "2"}, {Name: "x-a", Value: "3"}},
			"X-A: 1\r\nX-A: 3\r\nX-B: 2\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			head := sentHead(t, newHTTP1(t, tt.options), func(leg *gateway.Exchange) { leg.Request.Header = tt.header })
			_, got, _ := strings.Cut(head, "Host: HOST\r\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotHTTP2Fields(t *testing.T) {
	got := make(chan http.Header, 1)
	s := newServer2(t, func(w http.ResponseWriter, r *http.Request) { got <- r.Header })
	leg, end := newLeg(t, "GET", s.URL)
	defer end()
	for _, f := range []string{"Connection: Upgrade", "Upgrade: websocket", "Keep-Alive: 1", "X-A: 1", "Te: trailers"} {
		name, value, _ := strings.Cut(f, ": ")
		leg.Request.Header.Add(name, value)
	}
	mustServe(t, newHTTP2(t, HTTP2Options{AllowHTTP: true, DisableCompression: true}), leg)
	if diff := cmp.Diff(http.Header{"X-A": {"1"}, "Te": {"trailers"}}, <-got); diff != "" {
		t.Error(diff)
	}
}
