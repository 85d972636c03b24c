// Package slow answers after a while.
package slow

import (
	"fmt"
	"net/http"
	"time"
)

// Handler answers after half a second, unless the client gives up before.
func Handler(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(500 * time.Millisecond):
		fmt.Fprintln(w, "here you are")
	case <-r.Context().Done():
	}
}
