package kinds

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/plugin"
)

var goPlugin = Kind{
	APIVersion: "core/v1",
	Name:       "GoPlugin",
	Roles: []Role{
		Runner, Handler, Middleware, Tripperware, RoundTripper, Logger, ErrorHandler, HealthChecker, Initializer, Finalizer, AuthenticationHandler,
	},
	New:     func() Spec { return &GoPluginSpec{SymbolName: defaultSymbol} },
	PerRole: true,
}

const defaultSymbol = "Plugin"

// GoPluginSpec is the spec of a GoPlugin, which is a Go package of your own that becomes part of the gateway. Unlike in
// AILERON Gateway it is no shared object that is loaded when the gateway starts: its source is compiled and
// linked in, and what doesn't fit is found then.
//
// The symbol is a variable, a function, a type, of which a new one is made, or a function without parameters that returns
// the object, perhaps with an error. Its type, or one of its methods, tells what it can be used as:
//
//	Handler        http.Handler, func(http.ResponseWriter, *http.Request), gateway.Handler
//	Middleware     func(http.Handler) http.Handler, or a method Middleware like it
//	Tripperware    func(http.RoundTripper) http.RoundTripper, or a method Tripperware like it
//	RoundTripper   http.RoundTripper, gateway.Handler
//	ErrorHandler   gateway.ErrorHandler, or ServeHTTPError(http.ResponseWriter, *http.Request, error)
//	HealthChecker  HealthCheck(context.Context) (context.Context, bool)
//	Runner         Run(context.Context) error
//	Initializer    Initialize() error
//	Finalizer      Finalize() error
//	Logger         gateway.Logger
//
//	AuthenticationHandler  authn.Authenticator, of the package runtime/authn beside gateway
//
// For middleware and tripperware, gateway.Handler will do in the place of http.Handler and http.RoundTripper.
// Package gateway is github.com/aileron-gateway/aileronc/runtime/gateway; what is written for it is faster than what is
// written for net/http, for which each request and response is made over. An object with a method Init(gateway.Logger, gateway.ErrorHandler) error gets
// the logger and the error handler that the metadata of the resource names.
type GoPluginSpec struct {
	// PluginPath is the package: its folder, relative to where the compiler runs, or its import path. A folder without a go.mod may import the
	// standard library and the gateway's packages; with one around it, the module is built in as its go.mod says. An import path is that of a package in the module
	// around the working folder, of one that this module requires or, as example.com/package@v1.2.3, of any.
	PluginPath string `json:"pluginPath" required:"true" fixed:"true"`
	// SymbolName is the name of the symbol in the package. Empty is the default.
	SymbolName string `json:"symbolName" fixed:"true"`

	symbol *plugin.Symbol
	object ir.Expr // the object, when it's made by a component of its own
	used   bool
}

// Check looks into the package.
func (s *GoPluginSpec) Check(c *Check) {
	s.SymbolName = cmp.Or(s.SymbolName, defaultSymbol)
	if s.PluginPath == "" || c.Deferred(&s.PluginPath) || c.Deferred(&s.SymbolName) {
		return
	}
	dir := c.Dir
	if dir == "" {
		dir = "."
	}
	var err error
	if s.symbol, err = plugin.Inspect(aileronc.Source, dir, s.PluginPath, s.SymbolName); err == nil {
		return
	}
	at := &s.PluginPath
	if _, ok := errors.AsType[*plugin.SymbolError](err); ok && c.IsSet(&s.SymbolName) {
		at = &s.SymbolName
	}
	c.Errorf(at, diag.BadPlugin, "%s", err)
}

// A pluginUse is how a plugin of a shape is used in a role.
type pluginUse struct {
	shape plugin.Shape
	// adapt are functions to call with the plugin, the last one first.
	adapt []string
	// method is what they are called with, if it isn't the plugin itself.
	method string
}

// pluginUses are the shapes for each role, the preferred ones first.
var pluginUses = map[Role][]pluginUse{
	Handler: {
		{plugin.Handler, nil, ""},
		{plugin.HandlerFunc, []string{"gateway.HandlerFunc"}, ""},
		{plugin.HTTPHandler, []string{"adapter.Handler"}, ""},
		{plugin.HTTPHandlerFunc, []string{"adapter.Handler", "http.HandlerFunc"}, ""},
	},
	Middleware: {
		{plugin.MiddlewareFunc, []string{"gateway.Middleware"}, ""},
		{plugin.Middleware, []string{"gateway.Middleware"}, "Middleware"},
		{plugin.HTTPMiddlewareFunc, []string{"adapter.Middleware"}, ""},
		{plugin.HTTPMiddleware, []string{"adapter.Middleware"}, "Middleware"},
	},
	Tripperware: {
		{plugin.Tripperware, []string{"gateway.Middleware"}, "Tripperware"},
		{plugin.HTTPTripperwareFunc, []string{"adapter.Tripperware"}, ""},
		{plugin.HTTPTripperware, []string{"adapter.Tripperware"}, "Tripperware"},
		{plugin.MiddlewareFunc, []string{"gateway.Middleware"}, ""},
	},
	RoundTripper: {
		{plugin.Handler, nil, ""},
		{plugin.HandlerFunc, []string{"gateway.HandlerFunc"}, ""},
		{plugin.RoundTripper, []string{"adapter.RoundTripper"}, ""},
	},
	ErrorHandler: {
		{plugin.ErrorHandler, nil, ""},
		{plugin.HTTPErrorHandler, []string{"adapter.ErrorHandler"}, ""},
	},
	HealthChecker: {{plugin.HealthChecker, nil, ""}},
	Runner:        {{plugin.Runner, nil, ""}},
	Initializer:   {{plugin.Initializer, nil, ""}},
	Finalizer:     {{plugin.Finalizer, nil, ""}},
	Logger:        {{plugin.Logger, nil, ""}},

	AuthenticationHandler: {{plugin.AuthenticationHandler, nil, ""}},
}

// Lower returns the plugin as what it is used for here.
func (s *GoPluginSpec) Lower(l *Lower) ir.Expr {
	if s.symbol == nil {
		return ir.Lit{}
	}
	uses := pluginUses[l.Role]
	for _, u := range uses {
		if _, ok := s.symbol.Has(u.shape); ok {
			l.Link.AddPlugin(s.symbol.Package)
			// The first use may have the resource's name, unless the package has it.
			if s.used || l.ID.Name == s.symbol.Package.Name {
				l.Suffix = "-" + string(l.Role)
			}
			s.used = true
			return u.expr(s.lowerObject(l, u.method != ""))
		}
	}
	var shapes []string
	for _, u := range uses {
		shapes = append(shapes, string(u.shape))
	}
	l.Errorf(&s.PluginPath, diag.WrongRole, "%s of package %s can't be used as a %s: its type %s isn't, and has no method, %s",
		s.SymbolName, s.PluginPath, l.Role, s.symbol.Type, strings.Join(shapes, ", or "))
	return ir.Lit{}
}

func (u *pluginUse) expr(object ir.Expr) ir.Expr {
	if u.method != "" {
		object = ir.Select{X: object, Name: u.method}
	}
	for _, v := range slices.Backward(u.adapt) {
		fun := ir.Runtime(v)
		if strings.HasPrefix(v, "http.") {
			fun = ir.Std("net/" + v)
		}
		object = ir.Call{Fun: fun, Args: []ir.Expr{object}}
	}
	return object
}

// lowerObject is the object. One that has to be made, or to be initialized, is a component
// that all uses share. Of a variable a method can be selected without taking its address.
func (s *GoPluginSpec) lowerObject(l *Lower, selected bool) ir.Expr {
	if s.object != nil {
		return s.object
	}
	_, hasInit := s.symbol.Has(plugin.Init)
	name := ir.Name{Path: s.symbol.Package.ImportPath, Ident: s.symbol.Name}
	var e ir.Expr = name
	switch s.symbol.Form {
	case plugin.Address:
		if !selected || hasInit {
			name.Ident = "&" + name.Ident
			e = name
		}
	case plugin.Constructor:
		e = l.Link.Part(l, "object", s.symbol.Fails, ir.Call{Fun: name})
		s.object = e
	case plugin.Type:
		e = ir.Call{Fun: ir.Name{Ident: "new"}, Args: []ir.Expr{name}}
		if !hasInit {
			e = l.Link.Part(l, "object", false, e)
			s.object = e
		}
	}
	if hasInit {
		s.object = l.Link.Part(l, "object", true, l.Call("plugin.Init", e, l.Logger(), l.Link.Errors(l)))
		return s.object
	}
	return e
}
