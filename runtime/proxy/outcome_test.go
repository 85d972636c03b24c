package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// failed is what a transport returns when it fails in a phase.
func failed(leg *gateway.Exchange, phase gateway.Phase, sent bool, err error) error {
	r := &leg.Request
	return fmt.Errorf("tripperware: %w", &gateway.UpstreamError{Method: r.Method, Scheme: r.Scheme, Host: r.Host, Phase: phase, Sent: sent, Err: err})
}

var errRefused = errors.New("connection refused")

// lines collects what is logged, "WARN message key=value …".
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := []string{"DEBUG", "INFO", "WARN", "ERROR"}[level] + " " + msg
	for _, a := range attrs {
		line += " " + a.Key + "=" + a.Text()
	}
	l.all = append(l.all, line)
}

func (l *lines) expect(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(want, l.all); diff != "" {
		t.Errorf("logged: %s", diff)
	}
	l.all = nil
}

// balanced is a proxy over upstreams, for all requests.
func balanced(t *testing.T, log gateway.Logger, stats *upstreamstats.Group, transport gateway.HandlerFunc, u ...lb.Upstream) *proxy.Handler {
	t.Helper()
	p, err := proxy.New(proxy.Options{Transport: transport, Logger: log, Stats: stats, Balancers: []proxy.Balancer{
		{Paths: []proxy.Path{{Match: match.Prefix("")}}, Upstreams: lb.RoundRobin(u...)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hosts(passive bool, names ...string) (u []lb.Upstream) {
	for _, n := range names {
		u = append(u, lb.Upstream{URL: "http://" + n, Passive: passive})
	}
	return u
}

// The message for the log names the upstream and what was being done.
func TestFailureMessages(t *testing.T) {
	for _, tt := range []struct {
		phase   gateway.Phase
		timeout bool
		status  int
		want    string
	}{
		{gateway.PhasePrepare, false, 502, "no answer from http://a:8080: preparing the request"},
		{gateway.PhaseResolve, false, 502, "no answer from http://a:8080: looking up its name"},
		{gateway.PhaseConnect, false, 502, "no answer from http://a:8080: connecting"},
		{gateway.PhaseHandshake, false, 502, "no answer from http://a:8080: in the TLS handshake"},
		{gateway.PhaseSend, false, 502, "no answer from http://a:8080: sending the request"},
		{gateway.PhaseWait, false, 502, "no answer from http://a:8080: waiting for the response"},
		{gateway.PhaseResolve, true, 504, "http://a:8080 did not answer in time: looking up its name"},
		{gateway.PhaseConnect, true, 504, "http://a:8080 did not answer in time: connecting"},
		{gateway.PhaseHandshake, true, 504, "http://a:8080 did not answer in time: in the TLS handshake"},
		{gateway.PhaseSend, true, 504, "http://a:8080 did not answer in time: sending the request"},
		{gateway.PhaseWait, true, 504, "http://a:8080 did not answer in time: waiting for the response"},
	} {
		cause := errRefused
		if tt.timeout {
			cause = os.ErrDeadlineExceeded
		}
		x := get("/")
		err := newProxy(t, gateway.HandlerFunc(func(leg *gateway.Exchange) error { return failed(leg, tt.phase, false, cause) }),
			everything("http://a:8080")...).Serve(x)
		x.Finish()
		e, _ := gateway.AsError(err)
		if e == nil || e.Status != tt.status || e.Message != tt.want || !errors.Is(err, cause) {
			t.Errorf("%v: %v", tt.phase, err)
		}
	}
}

// outcomes serves requests by what play says of each: a status, or "refused", "slow", "cut" and the like.
func play(t *testing.T, p *proxy.Handler, requests int) {
	t.Helper()
	for range requests {
		x := get("/")
		if err := p.Serve(x); err != nil {
			x.SendErr = err
		} else if x.Response.Body != nil {
			_, x.SendErr = io.ReadAll(x.Response.Body)
		}
		x.Finish()
	}
}

// scripted has upstream a answer as *how says, and the others well.
func scripted(how *string) gateway.HandlerFunc {
	return func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		if leg.Request.Host != "a" {
			return nil
		}
		switch *how {
		case "refused":
			return failed(leg, gateway.PhaseConnect, false, errRefused)
		case "slow":
			return failed(leg, gateway.PhaseWait, true, os.ErrDeadlineExceeded)
		case "slow client":
			return failed(leg, gateway.PhaseSend, true, os.ErrDeadlineExceeded)
		case "no connection free":
			return failed(leg, gateway.PhasePrepare, false, os.ErrDeadlineExceeded)
		case "tripperware":
			return &gateway.Error{Status: 503}
		case "plugin":
			return errors.New("oops")
		case "protocol":
			leg.Response.Status = 101
		case "cut":
			r, w := io.Pipe()
			_ = w.CloseWithError(failed(leg, gateway.PhaseRead, true, io.ErrUnexpectedEOF))
			leg.Response.Body, leg.Response.ContentLength = r, -1
		case "client stops reading":
			r, w := io.Pipe()
			_ = w.CloseWithError(errors.New("write to the client: broken pipe"))
			leg.Response.Body, leg.Response.ContentLength = r, -1
		default:
			leg.Response.Status, _ = strconv.Atoi(*how)
		}
		return nil
	}
}

func TestPassiveChecks(t *testing.T) {
	for _, tt := range []struct{ how, reason string }{
		{"refused", "connecting: connection refused"},
		{"slow", "waiting for the response: i/o timeout"},
		{"plugin", "oops"},
		{"protocol", "E2125.CoreProxyProtocolSwitch http://a has switched to a protocol that was not asked for"},
		{"cut", "reading the body of the response: unexpected EOF"},
		{"500", "it answered with status 500"},
		{"502", "it answered with status 502"},
		{"503", "it answered with status 503"},
		{"504", "it answered with status 504"},
		{"200", ""},
		{"404", ""},
		{"501", ""},
		{"505", ""},
		{"tripperware", ""},
		{"slow client", ""},
		{"no connection free", ""},
		{"client stops reading", ""},
	} {
		t.Run(tt.how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				how, log := tt.how, &lines{}
				p := balanced(t, log, nil, scripted(&how), hosts(true, "a", "b")...)
				play(t, p, 20)
				var taken []string
				for _, line := range log.all {
					if strings.HasPrefix(line, "WARN upstream") {
						taken = append(taken, line)
					}
				}
				log.all = nil
				if tt.reason == "" {
					if taken != nil {
						t.Errorf("taken out: %v", taken)
					}
					return
				}
				if len(taken) != 1 || !strings.HasPrefix(taken[0], "WARN upstream is taken out of use upstream=http://a reason="+tt.reason+" for=1") {
					t.Errorf("logged: %v", taken)
				}
				how = "200"
				play(t, p, 10)
				log.expect(t)
				time.Sleep(12 * time.Second)
				play(t, p, 10)
				log.expect(t, "INFO upstream is back upstream=http://a")
			})
		})
	}
}

// A success between failures makes them few; what ends badly is no success.
func TestFailuresInARow(t *testing.T) {
	how, log := "500", &lines{}
	p := balanced(t, log, nil, scripted(&how), hosts(true, "a", "b")...)
	play(t, p, 8)
	how = "204"
	play(t, p, 2)
	how = "500"
	play(t, p, 8)
	log.expect(t)
	play(t, p, 2)
	if len(log.all) != 1 {
		t.Errorf("logged: %v", log.all)
	}
}

func TestStats(t *testing.T) {
	var set upstreamstats.Set
	how := ""
	p := balanced(t, nil, set.Group("default/api", nil), scripted(&how), hosts(true, "a")...)
	for _, how = range []string{"refused", "slow", "plugin", "cut", "404", "200", "500", "slow client", "tripperware"} {
		play(t, p, 1)
	}
	var got []string
	for s := range set.All() {
		line := fmt.Sprint(s.Handler, " ", s.Upstream, " ", s.Requests, " ", s.InFlight, " ", s.Responses[1:])
		for f, n := range s.Failures {
			if n > 0 {
				line += fmt.Sprint(" ", upstreamstats.Failure(f), "=", n)
			}
		}
		got = append(got, line)
	}
	want := []string{"default/api http://a 9 0 [0 2 0 1 1] connect=1 wait=1 timeout=1 broken=1 cancelled=2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	how = "200"
	x := get("/")
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	in := uint64(0)
	for s := range set.All() {
		in += s.InFlight
	}
	if x.Finish(); in != 1 {
		t.Errorf("%d requests in flight before the end", in)
	}
}

// BenchmarkOutcome is what passive checks and counts add to a request that is answered.
func BenchmarkOutcome(b *testing.B) {
	for _, c := range []struct {
		name                  string
		passive, stats, times bool
	}{{"none", false, false, false}, {"passive", true, false, false}, {"stats", false, true, false}, {"times", false, true, true}} {
		b.Run(c.name, func(b *testing.B) {
			o := proxy.Options{Transport: canned(), Balancers: []proxy.Balancer{
				{Paths: []proxy.Path{{Match: match.Prefix("")}}, Upstreams: lb.RoundRobin(hosts(c.passive, "a", "b", "c")...)},
			}}
			if c.stats {
				o.Stats = (&upstreamstats.Set{Times: c.times}).Group("x", nil)
			}
			p, err := proxy.New(o)
			if err != nil {
				b.Fatal(err)
			}
			var x gateway.Exchange
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				r := &x.Request
				r.Method, r.Scheme, r.Host, r.Proto, r.Path, r.RawPath = "GET", "http", "www.example.com", "HTTP/1.1", "/a", "/a"
				if err := p.Serve(&x); err != nil {
					b.Fatal(err)
				}
				x.Finish()
			}
		})
	}
}
