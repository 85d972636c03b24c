//go:build !linux

package stdout

import "os"

// atOnce is for systems on which nobody waits for what can't be written at once.
func atOnce(*os.File, []byte) int { return 0 }
