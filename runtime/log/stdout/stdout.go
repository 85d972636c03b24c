// Package stdout writes log lines to the standard output, many at a time.
package stdout

import (
	"os"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/log/lines"
)

var (
	queue lines.Queue
	start = sync.OnceFunc(func() { queue.Start(Flush) })
	mu    sync.Mutex // is held while lines are written
)

// Write writes a line, very soon: see [lines.Queue].
func Write(line []byte) {
	start()
	if full, _ := queue.Add(line); full {
		Flush()
	}
}

// Flush returns when all lines that have been written are out. The gateway calls it at its end.
func Flush() {
	mu.Lock()
	defer mu.Unlock()
	if all := queue.Take(); len(all) > 0 {
		if rest := all[atOnce(os.Stdout, all):]; len(rest) > 0 {
			_, _ = os.Stdout.Write(rest) // there is no place to complain about a log that can't be written
		}
		queue.Put(all)
	}
}
