package password

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Gate limits how many hashes are computed at a time, so that a flood of logins leaves processors, and memory, for
// other requests. Who comes when too many are waiting already, or has waited too long, is turned away.
type Gate struct {
	slots   chan struct{}
	waiting atomic.Int32
}

// How many may wait, for each that is let in, and for how long.
const (
	queueFactor = 32
	longestWait = 5 * time.Second
)

// NewGate returns a Gate that lets in half as many as there are processors.
func NewGate() *Gate {
	return &Gate{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// Enter waits until a hash may be computed on behalf of x. Leave must be called then, unless there is an error: a
// *gateway.Error with 503.
func (g *Gate) Enter(x *gateway.Exchange) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
	}
	defer g.waiting.Add(-1)
	if int(g.waiting.Add(1)) > queueFactor*cap(g.slots) {
		return busy()
	}
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-timer.C:
	case <-x.Context().Done():
	}
	return busy()
}

// Leave makes room for the next one.
func (g *Gate) Leave() { <-g.slots }

func busy() error {
	e := &gateway.Error{Status: 503, Code: "E3050", Kind: "AppAuthnAuthentication", Message: "too many passwords to verify at a time"}
	e.Header.Add("Retry-After", "1")
	return e
}
