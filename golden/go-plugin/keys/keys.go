// Package keys lets requests pass that carry a key.
package keys

import (
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Plugin requires a key of requests, and sends one to upstreams.
var Plugin checker

type checker struct{ errors gateway.ErrorHandler }

// Init is called when the gateway starts.
func (c *checker) Init(_ gateway.Logger, e gateway.ErrorHandler) error {
	c.errors = e
	return nil
}

// Middleware refuses requests without a key.
func (c *checker) Middleware(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if x.Request.Header.Get("X-Key") == "" {
			return &gateway.Error{Status: http.StatusUnauthorized, Message: "a request without a key"}
		}
		return next.Serve(x)
	})
}

// Tripperware sends the key of the gateway.
func (c *checker) Tripperware(next http.RoundTripper) http.RoundTripper { return sender{next} }

type sender struct{ next http.RoundTripper }

// RoundTrip sends r with a key.
func (s sender) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Key", "gateway")
	return s.next.RoundTrip(r)
}
