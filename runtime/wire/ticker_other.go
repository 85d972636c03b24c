//go:build !linux

package wire

import "time"

// A ticker ticks.
type ticker struct{ t *time.Ticker }

func newTicker(d time.Duration) *ticker { return &ticker{time.NewTicker(d)} }

// wait waits for the next tick.
func (t *ticker) wait() { <-t.t.C }

func (t *ticker) stop() { t.t.Stop() }
