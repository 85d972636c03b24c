// Package debug serves what a running gateway tells about itself: the profiles of
// net/http/pprof and the variables of expvar. They are for those who run the gateway,
// not for its clients: put them behind an allow list or authentication.
//
// Importing it registers the same handlers in http.DefaultServeMux, which no gateway serves.
package debug

import (
	"expvar"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// profilePath is where Profile expects to be served; the index links below it.
const profilePath = "/debug/pprof/"

// Profile returns the handler of /debug/pprof/ and all below it: an index, the
// profiles that it names, cmdline, profile, symbol and trace.
func Profile() gateway.Handler {
	index := adapter.Handler(http.HandlerFunc(pprof.Index)) // serves the named profiles, too
	special := map[string]gateway.Handler{
		"cmdline": adapter.Handler(http.HandlerFunc(pprof.Cmdline)),
		"profile": adapter.Handler(http.HandlerFunc(pprof.Profile)),
		"symbol":  adapter.Handler(http.HandlerFunc(pprof.Symbol)),
		"trace":   adapter.Handler(http.HandlerFunc(pprof.Trace)),
	}
	return readOnly(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if h := special[strings.TrimPrefix(x.Request.Path, profilePath)]; h != nil {
			return h.Serve(x)
		}
		return index.Serve(x)
	}))
}

// Vars returns the handler of /debug/vars: the variables as a JSON object.
func Vars() gateway.Handler { return readOnly(adapter.Handler(expvar.Handler())) }

func readOnly(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if m := x.Request.Method; m != http.MethodGet && m != http.MethodHead {
			return &gateway.Error{
				Status: http.StatusMethodNotAllowed, Code: "E2131", Kind: "CoreServerNotFound",
				Message: "method " + m + " is not allowed for " + x.Request.Path,
				Header:  gateway.Header{{Name: "Allow", Value: "GET, HEAD"}},
			}
		}
		return next.Serve(x)
	})
}
