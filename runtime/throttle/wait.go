package throttle

import (
	"math/rand/v2"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// again tries again to let x through, after a verdict that was a no.
func (r *rule) again(x *gateway.Exchange, v verdict) verdict {
	for i := range r.retries {
		if !pause(x, backoff(i)) {
			v.gone = true
			return v
		}
		if v = r.gate.take(x, true); v.ok {
			return v
		}
	}
	return v
}

// backoff is the pause before the try i, which counts from 0.
func backoff(i int) time.Duration {
	const longest = 10 * time.Second
	limit := longest
	if i < 14 {
		limit = min(time.Millisecond<<i, longest)
	}
	return time.Millisecond + rand.N(limit)
}

// pause waits. It returns false, at once, when the client has gone or the time of x is over.
func pause(x *gateway.Exchange, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.Context().Done():
		return false
	}
}
