// Package ir is the program to be emitted, as plain data: there is no config
// above it and no Go syntax below it. lower makes it, the passes improve it, and
// emit prints it and decides nothing.
package ir

import "github.com/aileron-gateway/aileronc/compiler/resource"

// A Program is a gateway.
type Program struct {
	// Sources are the names of the config files, as provenance comments have them.
	Sources []string
	// Components are in the order of their construction: what is referred to stands first.
	Components []*Component
	Routers    []*Router
	// Globals are what the binary carries besides code.
	Globals []*Global

	// Root is the gateway: what the program starts when all components are made.
	Root Expr

	Meta    Meta
	Plugins []Plugin
}

// A Component is a value that is constructed once, at start.
type Component struct {
	ID   resource.ID
	From string // where it is declared: "config.yaml:31"
	// Note, if any, follows the title in the comment above the component.
	Note string
	// Base is the name that the component's variable would like to have, and Part what
	// follows it if the component is but a part of the resource.
	Base, Part string
	New        Expr
	// Fails means that New returns an error, too.
	Fails bool
	// Stateless means that an equal component may stand for this one.
	Stateless bool
	// Shared are the other resources that this component serves as well.
	Shared []*Component
}

// A Router sends the requests of one server to its handlers.
type Router struct {
	Server   resource.ID
	Base     string // the wish for the name, as Component.Base
	Handlers []RouteHandler
	Routes   []Route
}

// A RouteHandler is a chain of middleware around a handler.
type RouteHandler struct {
	ID    resource.ID // of the handler at the end of the chain
	Base  string      // wish for the name of its field
	Chain Expr
}

// A Route is one pattern of http.ServeMux: host and path.
type Route struct {
	Pattern string
	Methods []string // nil is all
	Handler int      // index of Router.Handlers, or NotFound
	From    string   // provenance
}

// NotFound is the Handler of a route that nobody answers.
const NotFound = -1

// Meta is what the binary says of itself.
type Meta struct {
	// Config is the config in a normal form, without secrets.
	Config    string
	Resources []string
	Env       []EnvVar
	// Assignments are texts whose assignments others may see.
	Assignments []string
}

// An EnvVar is an environment variable that the gateway reads when it starts.
type EnvVar struct {
	Name     string
	Pos      string
	Required bool
	// Regexp means that a regular expression edits its value.
	Regexp bool
}

// A Plugin is a Go package of the user that is linked in.
type Plugin struct {
	ImportPath string
	Name       string // of the package
	// Module and Version are those of the module that the package belongs to. They are
	// empty if it becomes part of the emitted one.
	Module, Version string
	// Dir is the folder whose Files are copied to Target, a folder of the emitted module.
	// All are empty if the module is fetched.
	Dir, Target string
	Files       []string
	GoMod       string // the go.mod of a copied module
	// Requires are the modules that the package needs, "path version", and Sums the lines of
	// go.sum for them.
	Requires, Sums []string
	// Runtime are the packages of the runtime that it imports, directly or not.
	Runtime []string
}
