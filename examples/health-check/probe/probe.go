// Package probe tells whether the moon is there.
package probe

import "context"

// Moon is a health probe.
type Moon struct{}

// HealthCheck would ask the moon. It isn't.
func (Moon) HealthCheck(ctx context.Context) (context.Context, bool) { return ctx, false }
