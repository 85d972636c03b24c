package protocols

import (
	"context"
	"io"
	"testing"
)

// testEvents holds that events (text/event-stream) arrive one by one, and that the end of either side is that of the other.
func (g *gateway) testEvents(t *testing.T) {
	t.Run("until the upstream ends", func(t *testing.T) {
		g.forPairs(t, func(t *testing.T, p *pair) {
			r, v := p.request(t, "GET", "/events", nil)
			r.URL.RawQuery += "&end=1"
			resp := p.do(t, r, v)
			readEvents(t, resp.Body, v)
			if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
				t.Errorf("the end is %q, %v", b, err)
			}
		})
	})
	t.Run("until the client ends", func(t *testing.T) {
		g.forPairs(t, func(t *testing.T, p *pair) {
			r, v := p.request(t, "GET", "/events", nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp := p.do(t, r.WithContext(ctx), v)
			if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("Content-Type %q", got)
			}
			readEvents(t, resp.Body, v)
			cancel()
			if err := receive(t, v.ended); err != nil {
				t.Error(err)
			}
		})
	})
}

// readEvents reads one event after the other. The upstream sends none before the one before has come.
func readEvents(t *testing.T, body io.Reader, v *visit) {
	t.Helper()
	for _, want := range eventList {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(body, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		v.next <- struct{}{}
	}
}
