package http3server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/http3server"
	"github.com/aileron-gateway/aileronc/runtime/http3transport"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// echoDatagrams answers each datagram of an extended CONNECT by another one.
func echoDatagrams(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Capsule-Protocol", "?1")
	w.WriteHeader(200)
	s, err := w.(http3.HTTPStreamer).HTTPStream()
	if err != nil {
		return
	}
	go func() {
		for {
			d, err := s.ReceiveDatagram(s.Context())
			if err != nil || s.SendDatagram(append([]byte("you said "), d...)) != nil {
				return
			}
		}
	}()
	_, _ = io.Copy(io.Discard, s)
	_ = s.Close()
}

// Datagrams go through a gateway as what they are (RFC 9297).
func TestDatagrams(t *testing.T) {
	t.Parallel()
	p := &pair{ca: testpki.New(t)}
	cert, key := p.ca.Issue(t, "localhost")
	pairOfFiles := []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	config, err := tlsconf.Server(tlsconf.Options{Certificates: pairOfFiles})
	if err != nil {
		t.Fatal(err)
	}
	upstream := p.upstreamWithDatagrams(t, config, echoDatagrams)
	q := quicconf.Options{EnableDatagrams: true}
	tr, err := http3transport.New(http3transport.Options{TLS: tlsconf.Options{RootCAs: []string{p.ca.File}}, QUIC: q})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	h, err := proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: upstream}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := http3server.New(http3server.Options{Listen: listen.Options{Addr: "127.0.0.1:0", TLS: config}, QUIC: q}, h)
	p.url = p.run(t, s, "https://")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, strings.TrimPrefix(p.url, "https://"),
		&tls.Config{RootCAs: p.ca.Pool, NextProtos: []string{"h3"}}, &quic.Config{EnableDatagrams: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	c := (&http3.Transport{EnableDatagrams: true}).NewClientConn(conn)
	stream, err := c.OpenRequestStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	req := &http.Request{
		Method: http.MethodConnect, Proto: "connect-udp", Host: "gw.test",
		URL: &url.URL{Scheme: "https", Host: "gw.test", Path: "/udp"}, Header: http.Header{"Capsule-Protocol": {"?1"}},
	}
	if err := stream.SendRequestHeader(req); err != nil {
		t.Fatal(err)
	}
	res, err := stream.ReadResponse()
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%+v, %v", res, err)
	}
	answers := make(chan string, 1)
	go func() {
		if d, err := stream.ReceiveDatagram(ctx); err == nil {
			answers <- string(d)
		}
	}()
	for { // until one gets through: they may be lost
		if err := stream.SendDatagram([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-answers:
			if got != "you said hello" {
				t.Errorf("got %q", got)
			}
			_ = stream.Close()
			return
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("no datagram comes back")
		}
	}
}
