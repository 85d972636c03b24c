package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// An attack is what clients do that take all the time in the world, and when the server called guarded cuts
// them off, by its configuration.
type attack struct {
	name  string
	limit time.Duration
	// run does it on one connection and returns how long it went well.
	run func(*assault, *peer, time.Time) (time.Duration, error)
}

const (
	headerLimit = 2 * time.Second
	idleLimit   = 2 * time.Second
	readLimit   = 3 * time.Second
	writeLimit  = 3 * time.Second

	attackersEach = 60
	slowReaders   = 15                     // each has megabytes under way before it's noticed
	slowness      = 150 * time.Millisecond // between two bytes
)

var attacks = []attack{
	{"nothing", headerLimit, func(_ *assault, p *peer, since time.Time) (time.Duration, error) { return untilEnd(p, since, "") }},
	{"slow head", headerLimit, func(_ *assault, p *peer, since time.Time) (time.Duration, error) {
		return untilEnd(p, since, "GET /bare/a HTTP/1.1\r\nHost: a\r\n"+strings.Repeat("X-Slow: a\r\n", 1000))
	}},
	{"slow second head", headerLimit, func(_ *assault, p *peer, since time.Time) (time.Duration, error) {
		if err := askOnce(p); err != nil {
			return 0, err
		}
		return untilEnd(p, since, "GET /bare/a HTTP/1.1\r\nHost: a\r\n"+strings.Repeat("X-Slow: a\r\n", 1000))
	}},
	{"slow body", readLimit, func(_ *assault, p *peer, since time.Time) (time.Duration, error) {
		_, err := io.WriteString(p, "POST /bare/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
		if err != nil {
			return 0, err
		}
		return untilEnd(p, since, strings.Repeat("a", 1000))
	}},
	{"slow chunks", readLimit, func(_ *assault, p *peer, since time.Time) (time.Duration, error) {
		_, err := io.WriteString(p, "POST /bare/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		if err != nil {
			return 0, err
		}
		return untilEnd(p, since, strings.Repeat("1\r\na\r\n", 1000))
	}},
	{"idleness", idleLimit, func(_ *assault, p *peer, since time.Time) (time.Duration, error) {
		if err := askOnce(p); err != nil {
			return 0, err
		}
		return untilEnd(p, since, "")
	}},
	{"slow read", writeLimit, (*assault).readSlowly},
}

// untilEnd sends one byte after the other until the connection ends, and returns how long that took.
func untilEnd(p *peer, since time.Time, slowly string) (time.Duration, error) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		t := time.NewTicker(slowness)
		defer t.Stop()
		for i := range len(slowly) {
			if _, err := io.WriteString(p, slowly[i:i+1]); err != nil {
				return
			}
			select {
			case <-t.C:
			case <-done:
				return
			}
		}
	}()
	_ = p.SetDeadline(since.Add(10 * time.Second))
	_, err := io.Copy(io.Discard, p)
	took := time.Since(since)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return took, fmt.Errorf("isn't cut: %w", err)
	}
	return took, nil
}

// An assault is all attacks at the same time.
type assault struct {
	engine kinds.Engine
	cut    sync.Map // id -> chan struct{}, closed when the upstream can't go on sending
}

// readSlowly asks for much and takes hardly anything of it. What the gateway has given to the kernel already may still be on
// the way when it has closed the connection, so the upstream tells when that was.
func (a *assault) readSlowly(p *peer, since time.Time) (time.Duration, error) {
	id := p.LocalAddr().String()
	cut := make(chan struct{})
	a.cut.Store(id, cut)
	_, err := fmt.Fprintf(p, "GET /bare/a?n=100000000&id=%s HTTP/1.1\r\nHost: a\r\n\r\n", id)
	if err != nil {
		return 0, err
	}
	t := time.NewTicker(slowness)
	defer t.Stop()
	end := time.After(10 * time.Second)
	for {
		select {
		case <-cut:
			took := time.Since(since)
			_, err := io.Copy(io.Discard, p)
			if a.engine == kinds.Wire && !errors.Is(err, syscall.ECONNRESET) {
				return took, fmt.Errorf("the kernel keeps sending: %v", err)
			}
			return took, nil
		case <-end:
			return 0, fmt.Errorf("isn't cut")
		case <-t.C:
			_, _ = io.CopyN(io.Discard, p, 10)
		}
	}
}

// ServeHTTP is the upstream. It reads the request, and sends as much as it's asked for.
func (a *assault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Length", strconv.Itoa(n))
	piece := make([]byte, 64<<10)
	for n > 0 {
		k, err := w.Write(piece[:min(n, len(piece))])
		if n -= k; err != nil {
			if cut, ok := a.cut.Load(r.URL.Query().Get("id")); ok {
				close(cut.(chan struct{}))
			}
			return
		}
	}
}

// testAttackers has attackers cut off when they are to be, and everybody else served meanwhile.
func (g *process) testAttackers(t *testing.T) {
	g.rest(t)
	a := &assault{engine: g.engine}
	l, err := net.Listen("tcp", g.ports[plainUpstream])
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: a}
	go func() { _ = s.Serve(l) }()
	defer s.Close()

	ctx, cancel := context.WithCancel(context.Background())
	others := g.ordinary(ctx, t)
	var all sync.WaitGroup
	all.Go(func() { g.runSlowHTTPTest(t) })
	for _, attack := range attacks {
		all.Go(func() { g.attack(t, a, &attack) })
	}
	all.Wait()
	cancel()
	took := <-others
	if len(took) < 200 {
		t.Fatalf("ordinary clients got %d answers", len(took))
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%d ordinary exchanges meanwhile: half within %v, 99%% within %v, all within %v", len(took), took[len(took)/2], p99, took[len(took)-1])
	if p99 > 500*time.Millisecond && !*race {
		t.Errorf("ordinary clients wait for %v", p99)
	}
	g.rest(t)
}

// attack attacks and checks when the attackers are cut.
func (g *process) attack(t *testing.T, a *assault, attack *attack) {
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	n := attackersEach
	if attack.name == "slow read" {
		n = slowReaders
	}
	for range n {
		all.Go(func() {
			since := time.Now()
			p, err := g.dial(guarded, &net.Dialer{Control: smallWindow})
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Close()
			d, err := attack.run(a, p, since)
			if err != nil {
				t.Errorf("%s: after %v: %v", attack.name, d, err)
				return
			}
			mu.Lock()
			took = append(took, d)
			mu.Unlock()
		})
	}
	all.Wait()
	if len(took) == 0 {
		return
	}
	first, last := slices.Min(took), slices.Max(took)
	t.Logf("%s: %d are cut between %v and %v", attack.name, len(took), first.Round(time.Millisecond), last.Round(time.Millisecond))
	if first < attack.limit-100*time.Millisecond || last > attack.limit+2500*time.Millisecond {
		t.Errorf("%s: %v to %v, not %v", attack.name, first, last, attack.limit)
	}
}

// ordinary has clients make exchanges until ctx ends, and tells how long they took.
func (g *process) ordinary(ctx context.Context, t *testing.T) <-chan []time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				start := time.Now()
				p, err := g.dial(guarded, &net.Dialer{})
				if err != nil {
					t.Error(err)
					return
				}
				for range 20 {
					if err := askOnce(p); err != nil {
						t.Errorf("an ordinary client: %v", err)
						break
					}
					mu.Lock()
					took = append(took, time.Since(start))
					mu.Unlock()
					time.Sleep(10 * time.Millisecond)
					start = time.Now()
				}
				_ = p.Close()
			}
		})
	}
	result := make(chan []time.Duration, 1)
	go func() {
		all.Wait()
		result <- took
	}()
	return result
}
