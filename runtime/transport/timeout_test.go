package transport

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// silent is an upstream that takes connections and never says a word.
func silent(t *testing.T) string {
	return rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
}

const soon = 20 * time.Millisecond

func TestTimeoutsOfHTTP2(t *testing.T) {
	for name, tt := range map[string]struct {
		options  HTTP2Options
		deadline bool
		want     string
	}{
		"deadline":            {HTTP2Options{AllowHTTP: true}, true, "deadline exceeded"},
		"no answer to a ping": {HTTP2Options{AllowHTTP: true, ReadIdleTimeout: soon, PingTimeout: soon}, false, lost},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "GET", "http://"+silent(t))
			defer end()
			if tt.deadline {
				ctx, cancel := context.WithTimeout(leg.Context(), soon)
				defer cancel()
				leg.SetContext(ctx)
			}
			tr := newHTTP2(t, tt.options)
			err := tr.Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || gateway.IsTimeout(err) != tt.deadline {
				t.Errorf("the error is %v; it should say %q", err, tt.want)
			}
			tr.Close()
		})
	}
}

// lost is what net/http says when a ping wasn't answered; it isn't marked as a timeout.
const lost = "client connection lost"
