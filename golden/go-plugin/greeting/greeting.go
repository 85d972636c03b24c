// Package greeting says hello.
package greeting

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A Greeter says hello, as long as it is awake.
type Greeter struct{ since time.Time }

// New returns a greeter.
func New() (*Greeter, error) { return &Greeter{time.Now()}, nil }

// ServeHTTP says hello.
func (g *Greeter) ServeHTTP(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "Hello") }

// HealthCheck tells if it is awake.
func (g *Greeter) HealthCheck(ctx context.Context) (context.Context, bool) {
	return ctx, time.Since(g.since) >= 0
}

// Finalize says goodbye.
func (g *Greeter) Finalize() error { return nil }

// Politely is middleware.
func Politely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Greeting", "good day")
		next.ServeHTTP(w, r)
	})
}
