// Package ticks is an upstream that sends events.
package ticks

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Ticks counts down from "from", one event each 100 ms. A client that comes back with Last-Event-ID gets the rest.
func Ticks(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("from"))
	if err != nil || n < 1 || n > 1000 {
		http.Error(w, "from where?", http.StatusBadRequest)
		return
	}
	if last, err := strconv.Atoi(r.Header.Get("Last-Event-ID")); err == nil {
		n = min(n, last-1)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	fmt.Fprint(w, ": the countdown\n\n") // a comment, which clients ignore
	for ; n >= 0; n-- {
		fmt.Fprintf(w, "id: %d\ndata: %d\n\n", n, n)
		if rc.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}
