package kinds

import "github.com/aileron-gateway/aileronc/compiler/ir"

// An Engine is what speaks HTTP/1.1 in a gateway. Empty is Wire.
type Engine string

// The engines.
const (
	Wire    Engine = "wire"    // that of the runtime
	NetHTTP Engine = "nethttp" // net/http of the standard library
)

// Engines are all engines, the default first.
var Engines = []Engine{Wire, NetHTTP}

// standardTransport is the client without a configuration.
func standardTransport(l *Lower) ir.Expr {
	if l.Engine == NetHTTP {
		return l.Call("transport.Default")
	}
	return l.Call("wire.DefaultTransport")
}
