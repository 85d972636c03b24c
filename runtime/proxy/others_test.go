package proxy_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// What can't have reached one upstream goes to the next one, and nothing else does.
func TestOtherUpstreams(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	small, large := strings.Repeat("x", 20<<10), strings.Repeat("x", 20<<10+1)
	cases := []struct {
		name, method, body string
		ctx                context.Context
		reads              int // how much the transport reads first
		phase              gateway.Phase
		sent               bool
		err                error
		want               string // upstreams that got the request
	}{
		{name: "name", method: "POST", phase: gateway.PhaseResolve, want: "abc"},
		{name: "connecting", method: "POST", phase: gateway.PhaseConnect, want: "abc"},
		{name: "handshake", method: "PATCH", phase: gateway.PhaseHandshake, want: "abc"},
		{name: "too slow", method: "GET", phase: gateway.PhaseConnect, err: os.ErrDeadlineExceeded, want: "abc"},
		{name: "sending", method: "GET", phase: gateway.PhaseSend, want: "a"},
		{name: "waiting", method: "GET", phase: gateway.PhaseWait, want: "a"},
		{name: "preparing", method: "GET", phase: gateway.PhasePrepare, want: "a"},
		{name: "sent on a stale connection", method: "POST", phase: gateway.PhaseConnect, sent: true, want: "a"},
		{name: "sent on a stale connection, but idempotent", method: "DELETE", phase: gateway.PhaseConnect, sent: true, want: "abc"},
		{name: "client gone", method: "GET", ctx: cancelled, phase: gateway.PhaseConnect, want: "a"},
		{name: "unread body", method: "POST", body: large, phase: gateway.PhaseConnect, want: "abc"},
		{name: "small body that was read", method: "POST", body: small, reads: len(small), phase: gateway.PhaseConnect, want: "abc"},
		{name: "small body of which a part was read", method: "POST", body: small, reads: 100, phase: gateway.PhaseConnect, want: "abc"},
		{name: "large body of which the beginning was read", method: "POST", body: large, reads: 5000, phase: gateway.PhaseConnect, want: "abc"},
		{name: "large body that was read", method: "POST", body: large, reads: len(large), phase: gateway.PhaseConnect, want: "a"},
		{name: "refused by a tripperware", method: "GET", err: &gateway.Error{Status: 429}, phase: gateway.PhaseConnect, want: "abc"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			log := &lines{}
			transport := func(leg *gateway.Exchange) error {
				got += leg.Request.Host
				if b := leg.Request.Body; b != nil {
					if leg.Request.Host == "c" {
						if all, err := io.ReadAll(b); string(all) != c.body || err != nil {
							t.Errorf("the last one gets %d bytes, %v", len(all), err)
						}
					} else if c.reads > 0 {
						if _, err := io.ReadFull(b, make([]byte, c.reads)); err != nil {
							t.Error(err)
						}
					}
					_ = b.Close()
				}
				if leg.Request.Host == "c" {
					leg.Response.Status = 200
					return nil
				}
				err := c.err
				if err == nil {
					err = errRefused
				}
				return failed(leg, c.phase, c.sent, err)
			}
			x := get("/")
			x.Request.Method = c.method
			if c.ctx != nil {
				x.SetContext(c.ctx)
			}
			if c.body != "" {
				x.Request.Body, x.Request.ContentLength = &strictBody{Reader: strings.NewReader(c.body)}, int64(len(c.body))
			}
			err := balanced(t, log, nil, transport, hosts(false, "a", "b", "c")...).Serve(x)
			x.Finish()
			if got != c.want || (err == nil) != (c.want == "abc") {
				t.Errorf("the request went to %s, not %s: %v", got, c.want, err)
			}
			if len(c.want) == 3 {
				why := reasonOf(c.phase, c.err)
				log.expect(t, "WARN request goes to another upstream upstream=http://a reason="+why+" other=http://b",
					"WARN request goes to another upstream upstream=http://b reason="+why+" other=http://c")
			} else {
				log.expect(t)
			}
		})
	}
}

func reasonOf(phase gateway.Phase, err error) string {
	if err == nil {
		err = errRefused
	}
	return phase.String() + ": " + err.Error()
}

// strictBody can't be read when it was closed before its end.
type strictBody struct {
	io.Reader
	ended, closed bool
}

func (b *strictBody) Read(p []byte) (int, error) {
	if b.closed && !b.ended {
		return 0, errors.New("read after Close")
	}
	n, err := b.Reader.Read(p)
	b.ended = err == io.EOF
	return n, err
}

func (b *strictBody) Close() error { return nil }

// Each upstream is tried once, and the last failure is the outcome.
func TestAllUpstreamsFail(t *testing.T) {
	got := ""
	p := balanced(t, nil, nil, func(leg *gateway.Exchange) error {
		got += leg.Request.Host
		return failed(leg, gateway.PhaseConnect, false, errRefused)
	}, hosts(false, "a", "b", "c")...)
	x := get("/")
	err := p.Serve(x)
	x.Finish()
	if got != "abc" || gateway.StatusOf(err) != 502 || !strings.Contains(err.Error(), "no answer from http://c: connecting") {
		t.Errorf("%s, %v", got, err)
	}
}
