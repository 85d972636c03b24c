package oauth

import (
	"context"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// ContextOf is the context of x, which isn't made before somebody waits for it: most tokens are validated without.
func ContextOf(x *gateway.Exchange) context.Context { return lazy{x} }

type lazy struct{ x *gateway.Exchange }

func (l lazy) Deadline() (time.Time, bool) { return l.x.Context().Deadline() }
func (l lazy) Done() <-chan struct{}       { return l.x.Context().Done() }
func (l lazy) Err() error                  { return l.x.Context().Err() }
func (l lazy) Value(key any) any           { return l.x.Context().Value(key) }
