package adapter

import (
	"net/http"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Tripper is a client whose requests are served by h, without a network.
func Tripper(t *testing.T, h gateway.Handler) http.RoundTripper { return tripper{t, h} }

type tripper struct {
	t *testing.T
	h gateway.Handler
}

func (rt tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	x := new(gateway.Exchange)
	x.SetContext(r.Context())
	x.Request = gateway.Request{
		Method: r.Method, Proto: "HTTP/1.1", Host: r.URL.Host, Path: r.URL.Path, RawPath: r.URL.EscapedPath(),
		Header: Fields(r.Header, nil), Target: r.URL.RequestURI(), RemoteAddr: "192.0.2.1:1",
	}
	if err := rt.h.Serve(x); err != nil {
		return nil, err
	}
	rt.t.Cleanup(x.Finish)
	x.Response.Header.Set("Connection", "Upgrade") // an engine's to add
	return httpResponse(&x.Response, r), nil
}
