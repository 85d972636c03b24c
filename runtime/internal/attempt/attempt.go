// Package attempt is for tests that depend on the clock.
package attempt

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// Within runs a test that needs a client, or a server, to be quicker than d. A busy machine may be in the way: so before
// it has failed, it's run again with more time.
func Within(t *testing.T, d time.Duration, run func(t testing.TB, d time.Duration)) {
	t.Helper()
	for range 3 {
		a := &attempt{TB: t}
		if a.run(func() { run(a, d) }); !a.Failed() {
			return
		}
		t.Logf("with %v: %q", d, a.said)
		d *= 4
	}
	t.Error("it fails even if there is much time")
}

// An attempt is a test whose failure isn't that of the test around it.
type attempt struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	said   []string
	after  []func()
}

func (a *attempt) run(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done) // after a Fatal, too
		defer a.cleanUp()
		do()
	}()
	<-done
}

// Cleanup is for the end of the attempt: what goes wrong there counts, too.
func (a *attempt) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.after = append(a.after, f)
}

func (a *attempt) cleanUp() {
	for _, f := range slices.Backward(a.after) {
		f()
	}
}

func (a *attempt) fail(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed, a.said = true, append(a.said, text)
}

func (a *attempt) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *attempt) Fail()                             { a.fail("failed") }
func (a *attempt) FailNow()                          { a.Fail(); runtime.Goexit() }
func (a *attempt) Error(args ...any)                 { a.fail(fmt.Sprint(args...)) }
func (a *attempt) Errorf(format string, args ...any) { a.fail(fmt.Sprintf(format, args...)) }
func (a *attempt) Fatal(args ...any)                 { a.Error(args...); runtime.Goexit() }
func (a *attempt) Fatalf(format string, args ...any) { a.Errorf(format, args...); runtime.Goexit() }
