package http3transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// A failure says what was being done, and whether the upstream may have seen something of the request.
func TestPhases(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	u := newRaw(t, nil, func(c *quic.Conn, _ int) {
		streams(c, func(s *quic.Stream, n int) {
			if n == 1 {
				_, _ = s.Write(append(head(":status", "200"), data("a")...))
				<-goOn
			}
			s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeInternalError))
		})
	})
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := pc.LocalAddr().String()
	_ = pc.Close()
	own, others := u.transport(t), newTransport(t, Options{TLS: tlsconf.Options{RootCAs: []string{testpki.New(t).File}}})
	for _, tt := range []struct {
		name, url string
		tr        *Transport
		phase     gateway.Phase
		sent      bool
	}{
		{"cleartext", "http://" + u.addr, own, gateway.PhasePrepare, false},
		{"unknown name", "https://nowhere.invalid", own, gateway.PhaseResolve, false},
		{"nobody listens", "https://" + nobody, own, gateway.PhaseConnect, false},
		{"unknown authority", u.url(), others, gateway.PhaseHandshake, false},
		{"reset", u.url(), own, gateway.PhaseWait, true},
	} {
		e, ok := errors.AsType[*gateway.UpstreamError](tt.tr.Serve(newLeg(t, "POST", tt.url).Exchange))
		if !ok || e.Phase != tt.phase || e.Sent != tt.sent {
			t.Errorf("%s: %v, sent %v", tt.name, e, e != nil && e.Sent)
		}
	}
	l := newLeg(t, "POST", u.url()).serve(own)
	_, _ = l.Response.Body.Read(make([]byte, 1))
	close(goOn)
	_, err = io.ReadAll(l.Response.Body)
	if e, ok := errors.AsType[*gateway.UpstreamError](err); !ok || e.Phase != gateway.PhaseRead || !e.Sent {
		t.Errorf("in the body: %v", err)
	}
}

// Waiting for room on a connection is nobody's fault but that of the other requests.
func TestWaitingForRoom(t *testing.T) {
	t.Parallel()
	o := newPool(mustDialer(t)).origin("127.0.0.1:1")
	o.conns = []*conn{{tls: o.dialer.tls.Config(), limit: 1, active: 1, quic: closedNever(t)}}
	o.failed = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, _, phase, err := o.acquire(ctx); phase != gateway.PhasePrepare || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", phase, err)
	}
}

func mustDialer(t *testing.T) *dialer {
	t.Helper()
	return newTransport(t, Options{}).pool.dialer
}

// closedNever is a connection that lasts as long as the test.
func closedNever(t *testing.T) *quic.Conn {
	t.Helper()
	u := newUpstream(t, nil, func(http.ResponseWriter, *http.Request) {})
	tr := u.transport(t)
	get(t, tr, u.url())
	o := tr.pool.origin(u.addr)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conns[0].quic
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	goOn, begun := make(chan struct{}), make(chan struct{})
	u := newUpstream(t, nil, func(http.ResponseWriter, *http.Request) { close(begun); <-goOn })
	tr := u.transport(t)
	conns := tr.Measure("https", u.addr)
	if got := conns(); got != (upstreamstats.Conns{}) {
		t.Errorf("before the first request: %+v", got)
	}
	done := make(chan struct{})
	go func() { get(t, tr, u.url()); close(done) }()
	receive(t, begun)
	if got := conns(); got != (upstreamstats.Conns{Open: 1, Opened: 1}) {
		t.Errorf("during it: %+v", got)
	}
	close(goOn)
	receive(t, done)
	if got := conns(); got != (upstreamstats.Conns{Open: 1, Idle: 1, Opened: 1}) {
		t.Errorf("after it: %+v", got)
	}
}

// When the files of the TLS configuration change, requests go to new connections, and those that run stay on the old one.
func TestFilesChange(t *testing.T) {
	t.Parallel()
	goOn, begun := make(chan struct{}), make(chan struct{})
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			close(begun)
			<-goOn
		}
		_, _ = io.WriteString(w, "ok")
	})
	o := u.options()
	tr := newTransport(t, o)
	get(t, tr, u.url())
	slow := newLeg(t, "POST", u.url())
	done := make(chan error, 1)
	go func() { done <- tr.Serve(slow.Exchange) }()
	receive(t, begun)
	pem, err := os.ReadFile(u.ca.File)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(testpki.New(t).File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(u.ca.File, append(pem, other...), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		get(t, tr, u.url())
		return u.conns.Load() == 2
	})
	close(goOn)
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}
