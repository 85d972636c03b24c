package torture

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"time"
)

// run2 makes some exchanges over HTTP/2, some of which it gives up.
func (f *fuzzer) run2(client *http.Client) {
	for range 4 {
		o := f.order(public, false)
		if o.proto == "HTTP/1.0" || o.mode == "unasked" {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		given := rand.N(4) == 0
		if given {
			time.AfterFunc(rand.N(5*time.Millisecond), cancel)
		}
		f.do(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			if id := h.Get("X-Id"); status == 103 && id != o.id {
				f.t.Errorf("%s got the informational response of %q", o.target, id)
			}
			return nil
		}}), client, o, given)
		cancel()
	}
}

func (f *fuzzer) do(ctx context.Context, client *http.Client, o *order, given bool) {
	var body io.Reader
	if o.body > 0 {
		body = strings.NewReader(text(o.id, o.body))
		if o.chunked {
			body = slow{body}
		}
	}
	req, err := http.NewRequestWithContext(ctx, o.method, "http://"+f.g.ports[public]+o.target, body)
	if err != nil {
		f.t.Error(err)
		return
	}
	req.Header.Set("X-Id", o.id)
	req.Header.Set("X-Secret", o.id)
	resp, err := client.Do(req)
	if err != nil {
		if !given && !o.mayBreak() {
			f.t.Errorf("%s %s over HTTP/2: %v", o.method, o.target, err)
		}
		f.tally.abandoned.Add(1)
		return
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(slowly(resp.Body, o.size))
	if resp.StatusCode == 304 {
		err = nil // net/http takes its Content-Length for that of a body
	}
	if given && err != nil { // context.Canceled, or what the gateway has made of it
		f.tally.abandoned.Add(1)
		return
	}
	f.check(&peer{}, o, resp, string(got), err)
}
