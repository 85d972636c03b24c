// Package regexps makes those expressions on environment variables work that have
// regular expressions in them, such as ${NAME%\.[a-z]+}.
package regexps

import (
	"github.com/aileron-gateway/aileronc/internal/envexpr/posix"
	"github.com/aileron-gateway/aileronc/runtime/env"
)

// Use makes them work in the values that are read from vars from now on. In files with
// variables they never do.
func Use(vars *env.Env) { vars.SetCompiler(posix.Compile) }
