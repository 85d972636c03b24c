package torture

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A tally counts what the clients have met.
type tally struct{ whole, refused, cut, abandoned, upgraded, others atomic.Int64 }

// A fuzzer is a client that does what clients shouldn't.
type fuzzer struct {
	t     *testing.T
	addr  string
	name  string
	n     int
	tally *tally
}

// An order is a request and what is expected of its response.
type order struct {
	id, method, target, proto string
	mode                      string
	size                      int // of the response's body
	body                      int // bytes of the request's, -1 for none
	chunked, trailer, expect  bool
}

// answers are the statuses that the gateway itself may answer with, by mode; 200 comes
// from the backend.
var answers = map[string][]int{
	"reset": {502}, "cut head": {502}, "hang": {504}, "unasked": {502}, "cut": {200}, "cut chunks": {200},
	"too large": {413}, "204": {204}, "304": {304}, "404": {404}, "503": {503}, "upgrade": {101},
}

func (f *fuzzer) order(simple bool) *order {
	f.n++
	o := &order{id: fmt.Sprintf("%s-%d", f.name, f.n), method: "GET", proto: "HTTP/1.1", mode: "plain", body: -1}
	prefix := pick("/plain/", "/plain/", "/retry/", "/h2/", "/limited/", "/limited/")
	if rand.N(20) == 0 {
		prefix, o.mode = "/hang/", "hang"
	} else {
		o.mode = pick("plain", "plain", "plain", "slow", "interim", "early", "204", "304", "404", "reset", "cut head", "cut", "cut chunks", "unasked")
	}
	o.size = pick(0, 1, 100, 3000, 5000, 70000, 300000)
	if rand.N(4) > 0 {
		o.size = rand.N(3000)
	}
	switch {
	case prefix == "/retry/":
		o.mode = pick("flaky", "plain")
	case prefix == "/h2/":
		o.mode = pick("plain", "early", "reset", "cut", "interim")
	}
	if !simple {
		o.method = pick("GET", "POST", "PUT", "HEAD")
		if o.method == "POST" || o.method == "PUT" {
			o.body = pick(0, 1, rand.N(5000), rand.N(5000), 4096, 4097, rand.N(150000))
			o.chunked = rand.N(2) == 0
			o.trailer = o.chunked && rand.N(2) == 0
			o.expect = rand.N(5) == 0
		}
		if rand.N(12) == 0 && !o.chunked {
			o.proto, o.expect = "HTTP/1.0", false
		}
	}
	if prefix == "/limited/" && o.body >= 0 && rand.N(8) == 0 {
		o.mode, o.body = "too large", 200001+rand.N(200000)
	}
	if prefix == "/h2/" && o.mode != "plain" {
		o.trailer = false // to a stream that is over, they are an error of the connection for servers in Go
	}
	o.target = fmt.Sprintf("%s%s?id=%s&mode=%s&n=%d&te=%s", prefix, o.id, o.id, strings.ReplaceAll(o.mode, " ", "+"), o.size, pick("chunked", "length", "close"))
	return o
}

// mayBreak reports whether the connection may end before anything of the response has come: with the
// upstream's response, or while the body is being sent.
func (o *order) mayBreak() bool {
	return strings.HasPrefix(o.mode, "cut ") || o.mode == "cut" || o.mode == "early" && o.body >= 0
}

func pick[T any](list ...T) T { return list[rand.N(len(list))] }

// head and content are the request on the wire.
func (o *order) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\nHost: gw.test\r\nX-Id: %s\r\nX-Secret: %s\r\n", o.method, o.target, o.proto, o.id, o.id)
	switch {
	case o.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
		if o.trailer {
			b.WriteString("Trailer: X-Trailer-Id\r\n")
		}
	case o.body >= 0:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", o.body)
	}
	if o.expect {
		b.WriteString("Expect: 100-continue\r\n")
	}
	if o.mode == "upgrade" {
		b.WriteString("Connection: Upgrade\r\nUpgrade: torture\r\n")
	}
	return b.String() + "\r\n"
}

func (o *order) content() string {
	if o.body < 0 {
		return ""
	}
	all := text(o.id, o.body)
	if !o.chunked {
		return all
	}
	var b strings.Builder
	for all != "" {
		n := 1 + rand.N(len(all))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, all[:n])
		all = all[n:]
	}
	b.WriteString("0\r\n")
	if o.trailer {
		b.WriteString("X-Trailer-Id: " + o.id + "\r\n")
	}
	return b.String() + "\r\n"
}

// run makes one connection and some exchanges on it.
func (f *fuzzer) run() {
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Error(err)
		return
	}
	c := conn.(*net.TCPConn)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReaderSize(c, 4096)
	switch rand.N(10) {
	case 0:
		f.pipeline(c, r)
	case 1:
		f.upgrade(c, r)
	case 2:
		f.abandon(c, r)
	default:
		for range 1 + rand.N(6) {
			o := f.order(false)
			if !f.exchange(c, r, o) {
				return
			}
		}
	}
}

// split writes s in pieces.
func split(c net.Conn, s string) error {
	for s != "" {
		n := len(s)
		if rand.N(3) == 0 {
			n = 1 + rand.N(len(s))
		}
		if _, err := io.WriteString(c, s[:n]); err != nil {
			return err
		}
		s = s[n:]
		if s != "" && rand.N(4) == 0 {
			time.Sleep(rand.N(2 * time.Millisecond))
		}
	}
	return nil
}

// exchange reports whether the connection can be used again.
func (f *fuzzer) exchange(c *net.TCPConn, r *bufio.Reader, o *order) bool {
	sent := make(chan error, 1)
	go func() { // while the response is read, which may come early
		err := split(c, o.head())
		if err == nil && o.expect {
			time.Sleep(rand.N(5 * time.Millisecond))
		}
		if err == nil {
			err = split(c, o.content())
		}
		sent <- err
	}()
	// If the response is the first to end, the connection may be closed.
	again := f.response(r, o) && (o.mode != "early" || o.body < 0)
	if !again {
		_ = c.Close()
	}
	return <-sent == nil && again
}

// response reads the response to o and checks that it is nothing else.
func (f *fuzzer) response(r *bufio.Reader, o *order) bool {
	var resp *http.Response
	for {
		var err error
		if resp, err = http.ReadResponse(r, &http.Request{Method: o.method}); err != nil {
			if !o.mayBreak() {
				f.t.Errorf("%s %s: no response: %v", o.method, o.target, err)
			}
			return false
		}
		if resp.StatusCode >= 200 || resp.StatusCode == 101 {
			break
		}
		if id := resp.Header.Get("X-Id"); resp.StatusCode == 103 && id != o.id {
			f.t.Errorf("%s got the informational response of %q", o.target, id)
		}
	}
	body, err := io.ReadAll(slowly(resp.Body))
	f.check(o, resp, string(body), err)
	return err == nil && !resp.Close
}

// check compares a response with what o asked for.
func (f *fuzzer) check(o *order, resp *http.Response, body string, err error) {
	id := resp.Header.Get("X-Id")
	own := id == "" // the gateway's
	want := answers[o.mode]
	switch {
	case o.mode == "flaky" && o.chunked: // isn't tried again
		want = []int{200, 502, 503}
	case want == nil:
		want = []int{200}
	}
	switch {
	case !own && id != o.id, slices.ContainsFunc(resp.Header["Set-Cookie"], func(v string) bool { return v[2:] != o.id }):
		f.t.Errorf("%s %s got the response of %s: %q", o.method, o.target, id, resp.Header)
	case resp.Header.Get("X-Policy") != "1" || resp.Header.Get("X-Secret") != "" || !own && len(resp.Header["Set-Cookie"])%2 != 0:
		f.t.Errorf("%s: header %q", o.target, resp.Header)
	case o.mode == "early" && o.body >= 0 && (resp.StatusCode == 502 || err != nil): // the upstream may have closed while we were sending
	case slices.Contains(want, resp.StatusCode):
	case own && o.method == "POST" && resp.StatusCode == 502 && f.tally.others.Add(1) <= 3:
		// In net/http, a request that is given up may take the next one on its connection along. Others are repeated.
	default:
		f.t.Errorf("%s %s (%d bytes, chunked %t, %s) got %d, not %d: %.200q", o.method, o.target, o.body, o.chunked, o.proto, resp.StatusCode, want, body)
	}
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
	bodiless := o.method == "HEAD" || resp.StatusCode == 204 || resp.StatusCode == 304
	cut := !bodiless && strings.HasPrefix(o.mode, "cut")
	switch {
	case cut && err == nil:
		f.t.Errorf("%s: a cut body looks whole", o.target)
	case err != nil && !cut && o.mode != "early":
		f.t.Errorf("%s: body: %v", o.target, err)
	case err == nil && !bodiless && len(body) != o.size:
		f.t.Errorf("%s: body of %d bytes, not %d", o.target, len(body), o.size)
	}
	if err != nil {
		f.tally.cut.Add(1)
		return
	}
	f.tally.whole.Add(1)
}

type slow struct{ io.Reader }

func slowly(r io.Reader) io.Reader {
	if rand.N(4) > 0 {
		return r
	}
	return slow{r}
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(rand.N(500 * time.Microsecond))
	return s.Reader.Read(p[:1+rand.N(len(p))])
}

// pipeline sends several requests before it reads.
func (f *fuzzer) pipeline(c *net.TCPConn, r *bufio.Reader) {
	var orders []*order
	all := ""
	for range 2 + rand.N(4) {
		o := f.order(true)
		orders = append(orders, o)
		all += o.head()
	}
	if split(c, all) != nil {
		return
	}
	if rand.N(4) == 0 {
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, r) // a client that is half gone may be given up
		return
	}
	for _, o := range orders {
		if !f.response(r, o) {
			return
		}
	}
}

// upgrade speaks another protocol after HTTP.
func (f *fuzzer) upgrade(c *net.TCPConn, r *bufio.Reader) {
	o := f.order(true)
	o.mode = "upgrade"
	o.target = fmt.Sprintf("/plain/%s?id=%s&mode=upgrade", o.id, o.id)
	said := text(o.id, 1+rand.N(100000))
	sent, switched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		_ = split(c, o.head()+said)
		<-switched // half a connection is none before
		_ = c.CloseWrite()
	}()
	defer func() { <-sent }()
	resp, err := http.ReadResponse(r, nil)
	close(switched)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("X-Id") != o.id {
		f.t.Errorf("%s: upgrade: %v, %v", o.target, resp, err)
		return
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != o.id+";"+said {
		f.t.Errorf("%s: the tunnel gave %d of %d bytes, %v", o.target, len(got), len(said)+len(o.id)+1, err)
	}
	f.tally.upgraded.Add(1)
}

// abandon leaves at any point.
func (f *fuzzer) abandon(c *net.TCPConn, r *bufio.Reader) {
	o := f.order(false)
	all := o.head() + o.content()
	if rand.N(2) == 0 {
		all = all[:rand.N(len(all))]
	}
	if split(c, all) == nil && rand.N(2) == 0 {
		_ = c.SetReadDeadline(time.Now().Add(rand.N(200 * time.Millisecond)))
		_, _ = io.CopyN(io.Discard, r, int64(rand.N(o.size+300)))
	}
	if rand.N(2) == 0 {
		_ = c.SetLinger(0)
	}
	f.tally.abandoned.Add(1)
}
