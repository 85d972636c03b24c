// Package debug serves what a running gateway tells about itself: the profiles of
// net/http/pprof and the variables of expvar. They are for those who run the gateway,
// not for its clients: put them behind an allow list or authentication. They are to be
// asked by GET.
//
// Importing it registers the same handlers in http.DefaultServeMux, which no gateway serves.
package debug

import (
	"expvar"
	"net/http"
	"net/http/pprof"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Index returns the handler of /debug/pprof/ and below: a page of links, and the
// profiles that it names, such as /debug/pprof/heap.
func Index() gateway.Handler { return handler(pprof.Index) }

// Cmdline returns the handler of /debug/pprof/cmdline: the command line of the gateway.
func Cmdline() gateway.Handler { return handler(pprof.Cmdline) }

// CPUProfile returns the handler of /debug/pprof/profile: a CPU profile of the next ?seconds=30,
// which must be less than the server's write timeout.
func CPUProfile() gateway.Handler { return handler(pprof.Profile) }

// Symbol returns the handler of /debug/pprof/symbol: the functions at the program
// counters in the query.
func Symbol() gateway.Handler { return handler(pprof.Symbol) }

// Trace returns the handler of /debug/pprof/trace: an execution trace of the next ?seconds=1.
func Trace() gateway.Handler { return handler(pprof.Trace) }

// A Var is a variable of a component of the gateway, to be published by package expvar.
type Var struct {
	Name string
	// Value returns the value as JSON.
	Value interface{ String() string }
}

// Vars returns the handler of /debug/vars: the variables of expvar, and vars, as a JSON object. A name is published once
// in a process, and stands for what it did first.
func Vars(vars ...Var) gateway.Handler {
	for _, v := range vars {
		if expvar.Get(v.Name) == nil {
			expvar.Publish(v.Name, v.Value)
		}
	}
	return adapter.Handler(expvar.Handler())
}

func handler(f http.HandlerFunc) gateway.Handler { return adapter.Handler(f) }
