package authcode

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// BenchmarkKnown is what a request of a client that has logged in costs, beside the session.
func BenchmarkKnown(b *testing.B) {
	t := new(testing.T)
	s := newSite(t, newProvider(t), nil)
	tab := s.browser()
	tab.back(s.op.login(tab.get("/login").location))
	x := exchange("GET", "/page", nil, "")
	for name, value := range tab.jar {
		x.Request.Header.Add("Cookie", name+"="+value)
	}
	err := s.sessions(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if _, err := session.Of(x); err != nil {
			return err
		}
		b.ReportAllocs()
		for b.Loop() {
			if outcome, err := s.authn.Authenticate(x); outcome != authn.Accepted {
				b.Fatal(outcome, err)
			}
		}
		return nil
	})).Serve(x)
	if err != nil {
		b.Fatal(err)
	}
}
