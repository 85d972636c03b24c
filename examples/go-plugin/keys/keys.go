// Package keys lets requests pass that carry a key, and apologizes to the others.
package keys

import (
	"fmt"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Plugin is middleware.
var Plugin = &checker{owners: map[string]string{"sesame": "Ali"}}

type checker struct{ owners map[string]string }

// Middleware passes on the requests with a key, with the name of its owner.
func (c *checker) Middleware(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		owner, ok := c.owners[x.Request.Header.Get("X-Key")]
		if !ok {
			return &gateway.Error{Status: http.StatusUnauthorized, Message: "no key, or a wrong one"}
		}
		x.Request.Header.Set("X-Owner", owner)
		return next.Serve(x)
	})
}

// Apologies is an error handler.
type Apologies struct{}

// ServeHTTPError says sorry.
func (Apologies) ServeHTTPError(w http.ResponseWriter, r *http.Request, err error) {
	w.WriteHeader(gateway.StatusOf(err))
	fmt.Fprintf(w, "Sorry, %s is not for everybody.\n", r.URL.Path)
}
