// Package counter counts.
package counter

import (
	"fmt"
	"net/http"
	"sync"
)

// New returns a handler that counts how often each name was asked for. It knows nothing of
// the gateway.
func New() http.Handler {
	var mu sync.Mutex
	counts := make(map[string]int)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		mu.Lock()
		defer mu.Unlock()
		counts[name]++
		fmt.Fprintf(w, "%s: %d\n", name, counts[name])
	})
}
