package torture

import (
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// pipeline sends several requests before it reads.
func (f *fuzzer) pipeline(p *peer) {
	var orders []*order
	all := ""
	for range 2 + rand.N(6) {
		o := f.order(p.server, rand.N(2) == 0)
		o.waits = false
		orders = append(orders, o)
		all += o.head() + o.content()
		if o.endsConnection() {
			break
		}
	}
	// A connection that ends while there is something left to read takes what is still on the way to the client along.
	for _, o := range orders {
		o.fragile = o.fragile || orders[len(orders)-1].endsConnection()
	}
	sent := make(chan error, 1)
	go func() { sent <- split(p, all) }()
	defer func() {
		_ = p.Close()
		<-sent
	}()
	for _, o := range orders {
		p.before = append(p.before, o.String())
		if !f.response(p, o, nil) {
			return
		}
	}
}

// halfClose asks and says that it won't ask again, after which it may be given up.
func (f *fuzzer) halfClose(p *peer) {
	o := f.order(p.server, false)
	o.waits = false
	sent := make(chan error, 1)
	go func() {
		err := split(p, o.head()+o.content())
		if err == nil {
			err = p.CloseWrite()
		}
		sent <- err
	}()
	defer func() {
		_ = p.Close()
		<-sent
	}()
	for {
		resp, err := http.ReadResponse(p.r, &http.Request{Method: o.method})
		if err != nil {
			f.tally.abandoned.Add(1)
			return
		}
		if id := resp.Header.Get("X-Id"); id != "" && id != o.id {
			f.t.Errorf("%s got the response of %s: %q", o.target, id, resp.Header)
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if resp.Header.Get("X-Id") == "" {
			return
		}
		if got := foreign(o.id, string(body)); got != "" {
			f.t.Errorf("%s got a foreign body: %s", o.target, got)
		}
		if err == nil && !o.isBodiless(resp.StatusCode) && len(body) != o.size {
			f.t.Errorf("%s: body of %d bytes, not %d", o.target, len(body), o.size)
		}
		return
	}
}

// abandon leaves at any point, by an end of the connection or a reset.
func (f *fuzzer) abandon(p *peer) {
	o := f.order(p.server, false)
	all := o.head() + o.content()
	switch rand.N(4) {
	case 0, 1:
		all = all[:rand.N(len(all))]
	case 2: // with more requests behind it
		next := f.order(p.server, true)
		all += next.head() + next.head()
	}
	if split(p, all) == nil && rand.N(2) == 0 {
		_ = p.SetReadDeadline(time.Now().Add(rand.N(200 * time.Millisecond)))
		_, _ = io.CopyN(io.Discard, p.r, int64(rand.N(o.size+300)))
	}
	if rand.N(2) == 0 {
		_ = p.tcp.SetLinger(0)
	}
	f.tally.abandoned.Add(1)
}
