//go:build !linux

package alarm

import "time"

// An Alarm rings once after each Set.
type Alarm struct{ t *time.Timer }

// New makes an Alarm that isn't set.
func New() *Alarm {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &Alarm{t}
}

// Set has the alarm ring after d, and not when it was to ring before. Any goroutine may call it.
func (a *Alarm) Set(d time.Duration) { a.t.Reset(d) }

// Wait waits until the alarm rings.
func (a *Alarm) Wait() { <-a.t.C }

// Close frees what the alarm takes. Nobody may be waiting, nor set it any more.
func (a *Alarm) Close() { a.t.Stop() }
