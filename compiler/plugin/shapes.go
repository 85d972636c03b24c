package plugin

import (
	"go/types"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// A Shape is something that a plugin can be, or a method that it can have, in the words
// of its signature.
type Shape string

// The shapes. Those that begin with func are functions, the others methods.
const (
	MiddlewareFunc      Shape = "func(gateway.Handler) gateway.Handler"
	HTTPMiddlewareFunc  Shape = "func(http.Handler) http.Handler"
	HTTPTripperwareFunc Shape = "func(http.RoundTripper) http.RoundTripper"
	HandlerFunc         Shape = "func(*gateway.Exchange) error"
	HTTPHandlerFunc     Shape = "func(http.ResponseWriter, *http.Request)"

	Handler          Shape = "Serve(*gateway.Exchange) error"
	Middleware       Shape = "Middleware(gateway.Handler) gateway.Handler"
	Tripperware      Shape = "Tripperware(gateway.Handler) gateway.Handler"
	HTTPHandler      Shape = "ServeHTTP(http.ResponseWriter, *http.Request)"
	HTTPMiddleware   Shape = "Middleware(http.Handler) http.Handler"
	HTTPTripperware  Shape = "Tripperware(http.RoundTripper) http.RoundTripper"
	RoundTripper     Shape = "RoundTrip(*http.Request) (*http.Response, error)"
	ErrorHandler     Shape = "HandleError(*gateway.Exchange, error)"
	HTTPErrorHandler Shape = "ServeHTTPError(http.ResponseWriter, *http.Request, error)"
	HealthChecker    Shape = "HealthCheck(context.Context) (context.Context, bool)"
	Initializer      Shape = "Initialize() error"
	Finalizer        Shape = "Finalize() error"
	Runner           Shape = "Run(context.Context) error"

	// AuthenticationHandler is the first method of an authn.Authenticator; it has one more.
	AuthenticationHandler Shape = "Authenticate(*gateway.Exchange) (authn.Outcome, error)"
	// Logger is the method of a logger that nothing else has; it has two more.
	Logger Shape = "Log(*gateway.Exchange, gateway.Level, string, ...gateway.Attr)"
	// Init is called when the gateway starts, with what the resource's metadata names. It
	// makes nothing usable by itself.
	Init Shape = "Init(gateway.Logger, gateway.ErrorHandler) error"
)

var shapes = []Shape{
	MiddlewareFunc, HTTPMiddlewareFunc, HTTPTripperwareFunc, HandlerFunc, HTTPHandlerFunc,
	Handler, Middleware, Tripperware, HTTPHandler, HTTPMiddleware, HTTPTripperware, RoundTripper, ErrorHandler,
	HTTPErrorHandler, HealthChecker, Initializer, Finalizer, Runner, AuthenticationHandler, Logger, Init,
}

// wanted says what would do, for messages.
const wanted = "func(http.Handler) http.Handler and http.Handler are the most common"

// shapesOf lists what a value of type t is and has. A value that only has Init is nothing.
func shapesOf(t types.Type) []Shape {
	var have []Shape
	if sig, ok := t.Underlying().(*types.Signature); ok && sig.TypeParams().Len() == 0 {
		have = append(have, Shape("func"+signature(sig)))
	}
	methods := types.NewMethodSet(t)
	for method := range methods.Methods() {
		m := method.Obj()
		have = append(have, Shape(m.Name()+signature(m.Type().(*types.Signature))))
	}
	var known []Shape
	useful := false
	for _, s := range shapes {
		if !contains(have, s) || s == Logger && !isLogger(have) || s == AuthenticationHandler && !isAuthenticator(have) {
			continue
		}
		known = append(known, s)
		useful = useful || s != Init
	}
	if !useful {
		return nil
	}
	return known
}

func isLogger(have []Shape) bool {
	return contains(have, "Enabled(gateway.Level) bool") && contains(have, "WriteLine([]byte)")
}

func isAuthenticator(have []Shape) bool {
	return contains(have, "Challenge(*gateway.Header, error)")
}

func contains(list []Shape, s Shape) bool {
	return slices.Contains(list, s)
}

// signature prints parameters and results without their names.
func signature(sig *types.Signature) string {
	params := tuple(sig.Params())
	if n := len(params); sig.Variadic() {
		params[n-1] = "..." + strings.TrimPrefix(params[n-1], "[]")
	}
	s := "(" + strings.Join(params, ", ") + ")"
	switch results := tuple(sig.Results()); len(results) {
	case 0:
		return s
	case 1:
		return s + " " + results[0]
	default:
		return s + " (" + strings.Join(results, ", ") + ")"
	}
}

func tuple(t *types.Tuple) []string {
	list := make([]string, t.Len())
	for i := range list {
		list[i] = canonical(t.At(i).Type())
	}
	return list
}

// canonical prints a type such that equal types have equal texts. Those of the packages
// that shapes are made of are called as there; others by their full path.
func canonical(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		return "*" + canonical(t.Elem())
	case *types.Slice:
		return "[]" + canonical(t.Elem())
	case *types.Basic:
		if t.Kind() == types.Uint8 {
			return "byte"
		}
		return t.Name()
	default:
		return types.TypeString(t, func(p *types.Package) string {
			switch p.Path() {
			case ir.Module + "/runtime/gateway":
				return "gateway"
			case ir.Module + "/runtime/authn":
				return "authn"
			case "net/http":
				return "http"
			case "context":
				return "context"
			}
			return `"` + p.Path() + `"`
		})
	}
}

func suggest(word string, among []string) string {
	if near := diag.Suggest(word, among); near != "" {
		return "; did you mean " + near + "?"
	}
	if len(among) == 0 {
		return ", and no other exported name"
	}
	return "; it has " + strings.Join(among, ", ")
}
