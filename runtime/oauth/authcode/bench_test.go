package authcode

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// BenchmarkKnown is a request of a client that has logged in; BenchmarkSession is the part of it that reads the session.
func BenchmarkKnown(b *testing.B) {
	benchmark(b, func(h *Handler, x *gateway.Exchange) error {
		if outcome, err := h.Authenticate(x); outcome != authn.Accepted {
			return err
		}
		return nil
	})
}

func BenchmarkSession(b *testing.B) {
	benchmark(b, func(_ *Handler, x *gateway.Exchange) error {
		_, err := session.Of(x)
		return err
	})
}

func benchmark(b *testing.B, serve func(*Handler, *gateway.Exchange) error) {
	t := new(testing.T)
	s := newSite(t, newProvider(t), nil)
	tab := s.browser()
	tab.back(s.op.login(tab.get("/login").location))
	header := gateway.Header{}
	for name, value := range tab.jar {
		header.Add("Cookie", name+"="+value)
	}
	h := s.sessions(gateway.HandlerFunc(func(x *gateway.Exchange) error { return serve(s.authn, x) }))
	x := new(gateway.Exchange)
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Method, x.Request.Path, x.Request.RawPath = "GET", "/page", "/page"
		x.Request.Header = append(x.Request.Header, header...)
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}
