package healthcheck_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/freeport"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/healthcheck"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/transport"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// An upstream can be well, answer with an error, hang, and be dead.
type upstream struct {
	addr    string
	server  *http.Server
	mode    atomic.Pointer[string]
	served  atomic.Int64
	release chan struct{} // closed when those that hang are let go
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch *u.mode.Load() {
	case "error":
		w.WriteHeader(http.StatusInternalServerError)
	case "hang":
		select {
		case <-u.release:
		case <-r.Context().Done():
		}
	default:
		u.served.Add(1)
		fmt.Fprint(w, "well")
	}
}

func (u *upstream) be(mode string) { u.mode.Store(&mode) }

func (u *upstream) start(t *testing.T) {
	t.Helper()
	if u.addr == "" {
		u.addr = freeport.Addr(t) // nobody else gets it while it is down
	}
	var l net.Listener
	eventually(t, "listening again", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", u.addr)
		return err == nil
	})
	u.server = &http.Server{Handler: u}
	go func() { _ = u.server.Serve(l) }()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
	}
}

// An engine makes servers and transports.
type engine struct {
	server    func(wire.ServerOptions, gateway.Handler) runner
	transport func(t *testing.T, o wire.TransportOptions) gateway.Handler
}

type runner interface {
	Listen() error
	Addr() net.Addr
	Run(ctx context.Context) error
}

var engines = map[string]engine{
	"wire": {
		func(o wire.ServerOptions, h gateway.Handler) runner { return wire.NewServer(o, h) },
		func(t *testing.T, o wire.TransportOptions) gateway.Handler {
			tr, err := wire.NewTransport(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tr.Close() })
			return tr
		},
	},
	"nethttp": {
		func(o wire.ServerOptions, h gateway.Handler) runner {
			return server.New(server.Options{Listen: o.Listen, ShutdownTimeout: o.ShutdownTimeout}, h)
		},
		func(t *testing.T, o wire.TransportOptions) gateway.Handler {
			tr, err := transport.HTTP1(transport.HTTPOptions{DisableKeepAlives: o.DisableKeepAlives, ResponseHeaderTimeout: o.ResponseHeaderTimeout})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tr.Close() })
			return tr
		},
	},
}

// A load is clients that ask a gateway again and again.
type load struct {
	url   string
	begun atomic.Int64 // requests
	// period is odd while no request may fail. Those that are under way when it ends may.
	period atomic.Int64
}

func (l *load) mayFail(fail bool) {
	if fail == (l.period.Load()%2 == 1) {
		l.period.Add(1)
	}
}

func (l *load) run(ctx context.Context, t *testing.T, client int) {
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for n := 0; ctx.Err() == nil; n++ {
		period := l.period.Load()
		l.begun.Add(1)
		status, body, err := l.ask(c, (client+n)%3)
		if lost := err != nil || status != 200 || body != "well"; lost && period%2 == 1 && l.period.Load() == period {
			t.Errorf("a request was lost: status %d, %q, %v", status, body, err)
		}
	}
}

func (l *load) ask(c *http.Client, kind int) (status int, body string, err error) {
	var res *http.Response
	switch kind {
	case 0:
		res, err = c.Get(l.url)
	case 1:
		res, err = c.Post(l.url, "text/plain", strings.NewReader("small"))
	default: // of unknown length
		res, err = c.Post(l.url, "text/plain", io.MultiReader(strings.NewReader(strings.Repeat("large", 10_000))))
	}
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b) + res.Header.Get("X-Why"), err
}

// more waits for some requests that begin from now on to be over.
func (l *load) more(t *testing.T) {
	t.Helper()
	from := l.begun.Load()
	eventually(t, "some more requests", func() bool { return l.begun.Load() > from+200 })
}

// A gateway with three upstreams of which one fails in all ways: once it's out of use, no request is lost; and it comes back.
func TestOneOfThreeFails(t *testing.T) {
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := make([]*upstream, 3)
			balanced := make([]lb.Upstream, 3)
			for i := range up {
				up[i] = &upstream{release: make(chan struct{})}
				up[i].be("well")
				up[i].start(t)
				balanced[i] = lb.Upstream{URL: "http://" + up[i].addr, Passive: true, Active: true}
				balanced[i].Check.Interval = 10 * time.Millisecond
				balanced[i].Ejection = lb.Ejection{Base: time.Second, Max: time.Second}
			}
			upstreams := lb.RoundRobin(balanced...)
			target := upstreams.Targets()[1]
			p, err := proxy.New(proxy.Options{
				// A busy machine needs its time; what hangs is noticed by then.
				Transport: e.transport(t, wire.TransportOptions{ResponseHeaderTimeout: 5 * time.Second}),
				Balancers: []proxy.Balancer{{Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: upstreams}},
			})
			if err != nil {
				t.Fatal(err)
			}
			checks, err := healthcheck.New(healthcheck.Options{
				Balancers: []*lb.Balancer{upstreams}, Transport: e.transport(t, wire.TransportOptions{DisableKeepAlives: true}), Timeout: 2 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			told := gateway.HandlerFunc(func(x *gateway.Exchange) error {
				err := p.Serve(x)
				if err != nil {
					x.Response.Header.Set("X-Why", strings.ReplaceAll(err.Error(), "\n", " "))
				}
				return err
			})
			g := e.server(wire.ServerOptions{Listen: listen.Options{Addr: "127.0.0.1:0"}, ShutdownTimeout: 10 * time.Second}, told)
			if err := g.Listen(); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			var running, asking sync.WaitGroup
			for _, r := range []interface{ Run(context.Context) error }{g, checks} {
				running.Go(func() {
					if err := r.Run(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			l := &load{url: "http://" + g.Addr().String() + "/"}
			enough, end := context.WithCancel(context.Background())
			for client := range 6 {
				asking.Go(func() { l.run(enough, t, client) })
			}
			t.Cleanup(func() {
				end()
				asking.Wait()
				stop()
				running.Wait()
				for _, u := range up {
					_ = u.server.Close()
				}
			})

			bad := up[1]
			l.mayFail(false)
			l.more(t)
			for _, mode := range []string{"error", "hang", "dead"} {
				l.mayFail(true)
				if mode == "dead" {
					_ = bad.server.Close()
					// Those that can't be sent go to the others. net/http may send some on connections that are no more.
					l.mayFail(name != "wire")
				} else {
					bad.be(mode)
				}
				// What only failed is tried again soon, at the cost of a request. What isn't well is not.
				eventually(t, mode+": the end of use", func() bool { return strings.HasPrefix(target.Why(), "health check") })
				l.mayFail(false)
				l.more(t)
				served := bad.served.Load()
				l.more(t)
				if bad.served.Load() != served {
					t.Errorf("%s: requests go there", mode)
				}
				if mode == "dead" {
					bad.start(t)
				}
				bad.be("well")
				if mode == "hang" {
					close(bad.release)
				}
				eventually(t, mode+": its return", func() bool { return target.Usable() && bad.served.Load() > served+20 })
				l.more(t)
			}
		})
	}
}
