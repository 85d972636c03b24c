package torture

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// A tally counts what the clients have met.
type tally struct{ whole, refused, cut, abandoned, upgraded, others atomic.Int64 }

// A fuzzer is a client that does what clients shouldn't.
type fuzzer struct {
	t     *testing.T
	g     *process
	name  string
	n     int
	small bool // the gateway has little room to send
	tally *tally
}

// A peer is a connection to the gateway.
type peer struct {
	net.Conn
	tcp    *net.TCPConn
	r      *bufio.Reader
	server string
	before []string // what has been asked on it
}

// smallWindow gives the gateway hardly any room to send, so that it has to wait.
func smallWindow(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
}

// dial connects to a server.
func (g *process) dial(server string, d *net.Dialer) (*peer, error) {
	conn, err := d.Dial("tcp", g.ports[server])
	if err != nil {
		return nil, err
	}
	p := &peer{Conn: conn, tcp: conn.(*net.TCPConn), server: server}
	_ = p.SetDeadline(time.Now().Add(30 * time.Second))
	if server == secure {
		c := tls.Client(conn, g.trusting)
		if err := c.Handshake(); err != nil {
			_ = conn.Close()
			return nil, err
		}
		p.Conn = c
	}
	p.r = bufio.NewReaderSize(p.Conn, 4096)
	return p, nil
}

// CloseWrite tells the gateway that nothing more comes.
func (p *peer) CloseWrite() error { return p.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// run makes one connection and some exchanges on it.
func (f *fuzzer) run() {
	var d net.Dialer
	f.small = rand.N(8) == 0
	if f.small {
		d.Control = smallWindow
	}
	p, err := f.g.dial(pick(public, public, public, bare, bare, bare, secure), &d)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer p.tcp.Close()
	switch rand.N(14) {
	case 0, 1:
		f.pipeline(p)
	case 2:
		f.upgrade(p)
	case 3, 4:
		f.abandon(p)
	case 5:
		f.halfClose(p)
	default:
		for range 1 + rand.N(6) {
			if !f.exchange(p, f.order(p.server, false)) {
				return
			}
		}
	}
}

// split writes s in pieces, down to single bytes.
func split(w io.Writer, s string) error {
	often, single := rand.N(4) == 0, rand.N(12) == 0 && len(s) < 2000
	for s != "" {
		n := len(s)
		switch {
		case single:
			n = 1
		case often || rand.N(3) == 0:
			n = 1 + rand.N(len(s))
		}
		if _, err := io.WriteString(w, s[:n]); err != nil {
			return err
		}
		s = s[n:]
		if s != "" && !single && rand.N(4) == 0 {
			time.Sleep(rand.N(2 * time.Millisecond))
		}
	}
	return nil
}

// exchange reports whether the connection can be used again.
func (f *fuzzer) exchange(p *peer, o *order) bool {
	sent, asked := make(chan error, 1), make(chan bool, 1)
	p.before = append(p.before, o.String())
	go func() { // while the response is read, which may come early
		err := split(p, o.head())
		switch {
		case err != nil:
		case o.waits && !<-asked:
			err = io.ErrClosedPipe
		case o.expect && !o.waits:
			time.Sleep(rand.N(5 * time.Millisecond))
		}
		if err == nil {
			err = split(p, o.content())
		}
		sent <- err
	}()
	// If the response is the first to end, the connection may be closed.
	again := f.response(p, o, asked) && !o.isEarly()
	if !again {
		_ = p.Close()
	}
	return <-sent == nil && again
}

// response reads the response to o and checks that it is nothing else. It tells whether the body has been asked for.
func (f *fuzzer) response(p *peer, o *order, asked chan<- bool) bool {
	tell := func(is bool) {
		select {
		case asked <- is:
		default:
		}
	}
	defer tell(false)
	var resp *http.Response
	for {
		var err error
		if resp, err = http.ReadResponse(p.r, &http.Request{Method: o.method}); err != nil {
			if !o.mayBreak() {
				f.t.Errorf("%s: no response: %v; before on the same connection: %q", o, err, p.before)
			}
			return false
		}
		if resp.StatusCode >= 200 || resp.StatusCode == 101 {
			break
		}
		if resp.StatusCode == 100 {
			tell(true)
		}
		if id := resp.Header.Get("X-Id"); resp.StatusCode == 103 && id != o.id {
			f.t.Errorf("%s got the informational response of %q", o.target, id)
		}
	}
	tell(false)
	body, err := io.ReadAll(slowly(resp.Body, o.size))
	f.check(p, o, resp, string(body), err)
	// Of a body that nobody wants, the gateway skips only so much.
	skipped := resp.Header.Get("X-Id") == "" && o.chunked && o.body > 200<<10
	return err == nil && !resp.Close && !skipped
}

type slow struct{ io.Reader }

func slowly(r io.Reader, size int) io.Reader {
	if rand.N(4) > 0 || size > 300000 {
		return r
	}
	return slow{r}
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(rand.N(500 * time.Microsecond))
	return s.Reader.Read(p[:1+rand.N(len(p))])
}

// check compares a response with what o asked for.
func (f *fuzzer) check(p *peer, o *order, resp *http.Response, body string, err error) {
	own := resp.Header.Get("X-Id") == "" // the gateway's
	f.checkHead(o, resp, own, body)
	if own {
		f.tally.refused.Add(1)
		return
	}
	if got := foreign(o.id, body); got != "" {
		f.t.Errorf("%s got a foreign body: %s", o.target, got)
	}
	if got := resp.Trailer.Get("X-Trailer-Id"); got != "" && got != o.id {
		f.t.Errorf("%s got the trailer of %s", o.target, got)
	}
	bodiless := o.isBodiless(resp.StatusCode)
	cut := !bodiless && strings.HasPrefix(o.mode, "cut")
	switch {
	case cut && err == nil:
		f.t.Errorf("%s: a cut body looks whole", o.target)
	case err != nil && !cut && !o.isEarly() && !o.fragile:
		f.t.Errorf("%s: body, of which %d bytes came: %v; on the same connection: %q", o, len(body), err, p.before)
	case err == nil && !bodiless && len(body) != o.size:
		f.t.Errorf("%s: body of %d bytes, not %d", o, len(body), o.size)
	}
	if err != nil {
		f.tally.cut.Add(1)
		return
	}
	f.tally.whole.Add(1)
}

func (f *fuzzer) checkHead(o *order, resp *http.Response, own bool, body string) {
	id, policy, secret := resp.Header.Get("X-Id"), "1", ""
	switch o.prefix {
	case "/bare/", "/tls/", "/unsteady/":
		if policy = ""; !own {
			secret = "s"
		}
	}
	switch {
	case !own && id != o.id, slices.ContainsFunc(resp.Header["Set-Cookie"], func(v string) bool { return v[2:] != o.id }):
		f.t.Errorf("%s got the response of %s: %q", o, id, resp.Header)
	case resp.Header.Get("X-Policy") != policy || resp.Header.Get("X-Secret") != secret || !own && len(resp.Header["Set-Cookie"])%2 != 0:
		f.t.Errorf("%s: header %q", o.target, resp.Header)
	case o.mayBe(resp.StatusCode):
	case f.g.engine == kinds.NetHTTP && own && o.body >= 0 && resp.StatusCode == 502 && f.tally.others.Add(1) <= 3+f.tally.whole.Load()/100:
		// In net/http, a request that is given up, or a stray response, may take the next request on its connection along. Those
		// without a body are repeated.
	default:
		f.t.Errorf("%s got %d: %.200q", o, resp.StatusCode, body)
	}
}

// upgrade speaks another protocol after HTTP.
func (f *fuzzer) upgrade(p *peer) {
	o := f.order(p.server, true)
	o.mode = "upgrade"
	if o.prefix != "/tls/" {
		o.prefix = map[string]string{public: "/plain/", bare: "/bare/", secure: "/bare/"}[p.server]
	}
	o.target = fmt.Sprintf("%s%s?id=%s&mode=upgrade", o.prefix, o.id, o.id)
	said := text(o.id, 1+rand.N(100000))
	sent, switched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		_ = split(p, o.head()+said)
		<-switched // half a connection is none before
		_ = p.CloseWrite()
	}()
	defer func() { <-sent }()
	resp, err := http.ReadResponse(p.r, nil)
	close(switched)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("X-Id") != o.id {
		f.t.Errorf("%s: upgrade: %v, %v", o.target, resp, err)
		return
	}
	got, err := io.ReadAll(p.r)
	if err != nil || string(got) != o.id+";"+said {
		f.t.Errorf("%s: the tunnel gave %d of %d bytes, %v", o.target, len(got), len(said)+len(o.id)+1, err)
	}
	f.tally.upgraded.Add(1)
}
