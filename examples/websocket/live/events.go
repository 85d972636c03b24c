package live

import (
	"fmt"
	"net/http"
	"time"
)

// Events sends an event each half second, until the client has gone, or there have been three with "?few".
func Events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	for i := 1; i <= 3 || !r.URL.Query().Has("few"); i++ {
		fmt.Fprintf(w, "id: %d\ndata: event %d\n\n", i, i)
		if rc.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}
