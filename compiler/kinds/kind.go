// Package kinds is the catalogue of kinds: one file a kind, with its spec
// struct, its defaults, its checks and its lowering. The doc comments of the
// structs are the documentation that users read.
package kinds

import (
	"embed"
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// Sources are the Go files of this package, for their doc comments.
//
//go:embed *.go
var Sources embed.FS

// A Role is something that a resource can be used as. The values are those of role tags.
type Role string

// The roles.
const (
	Runner        Role = "Runner"
	Handler       Role = "Handler"
	Middleware    Role = "Middleware"
	Tripperware   Role = "Tripperware"
	RoundTripper  Role = "RoundTripper"
	Logger        Role = "Logger"
	ErrorHandler  Role = "ErrorHandler"
	HealthChecker Role = "HealthChecker"
	Initializer   Role = "Initializer"
	Finalizer     Role = "Finalizer"
	Storage       Role = "Storage"
	ScriptRunner  Role = "ScriptRunner"
	Tracer        Role = "Tracer"

	AuthenticationHandler Role = "AuthenticationHandler"
)

// A Kind is a kind of resource.
type Kind struct {
	APIVersion, Name string
	// Roles are what resources of the kind can be used as.
	Roles []Role
	// New returns a spec that holds the defaults.
	New func() Spec
	// Inline means that a resource is no component of its own: its expression
	// stands wherever it is referred to.
	Inline bool
	// PerRole means that each role needs a component of its own.
	PerRole bool
	// Methods are methods of the component by which it plays a role, where it isn't itself what the role asks for.
	Methods map[Role]string
	// Stateless means that equal resources may be one component: what the constructor
	// returns keeps nothing of a request, and no count of them.
	Stateless bool
	// Lifecycle means that the component is an app.Initializer and an app.Finalizer, in each gateway that uses it, though no
	// config says so.
	Lifecycle bool
}

// Type returns "apiVersion/kind".
func (k *Kind) Type() string { return k.APIVersion + "/" + k.Name }

// Can reports whether resources of the kind can be used as r.
func (k *Kind) Can(r Role) bool {
	return slices.Contains(k.Roles, r)
}

// A Spec is the spec of a resource: a pointer to a struct whose fields mirror the
// config. See decode.Field for the tags.
type Spec interface {
	// Lower returns the expression that constructs the resource at start.
	Lower(l *Lower) ir.Expr
}

// A Checker is a Spec that checks more than its tags say. It reports all that
// it finds. Findings at values that are only known at start are dropped.
type Checker interface {
	Check(c *Check)
}

// A Routed is the Spec of a handler that knows where it wants to be mounted.
type Routed interface {
	// Route returns patterns and methods, each of which may be empty.
	Route() (patterns []string, methods []HTTPMethod)
}

// An ErrorHandled is a Spec with an error handler of its own beside metadata.errorHandler.
type ErrorHandled interface {
	ErrorHandlerRef() *resource.Ref
}

// A Finalized is the Spec of a logger that may have something to do when the gateway stops, if the
// Entrypoint registers it.
type Finalized interface{ Finalizes() bool }

// A Lifecycled is the Spec of a kind with a lifecycle, of which not every resource needs it.
type Lifecycled interface{ HasLifecycle(c *Check) bool }

// A Refuser is the Spec of a middleware that may refuse CORS preflight requests, so that
// it must not stand before the one that answers them.
type Refuser interface{ Refuses() bool }

// A Composite is the Spec of a middleware that is made of others: what they need of the chain, it needs.
type Composite interface{ Parts() []resource.Ref }

// A SessionUser is the Spec of a middleware or handler that may need the session of a SessionMiddleware before it.
type SessionUser interface{ UsesSession() bool }

// A SecretReader is the Spec of a middleware that reads secrets of clients out of requests, so that they should come
// over TLS.
type SecretReader interface {
	// ReadsSecrets tells what they are, in the plural: "passwords". Empty is none.
	ReadsSecrets() string
}

// A PeerTruster is the Spec of a middleware that takes what requests say about their clients for the truth, so that
// they must come from a proxy.
type PeerTruster interface {
	// TrustsPeers tells what whoever else sends requests could make up, in the plural: "certificates".
	TrustsPeers() string
}

// An UpstreamUser is the Spec of a handler that asks upstreams, which can be counted.
type UpstreamUser interface{ UsesUpstreams() bool }

// An UpstreamMeter is the Spec of something that shows the counts of upstreams, if it does. Without any, nothing
// is counted.
type UpstreamMeter interface{ MeasuresUpstreams() bool }

// An UpstreamTimer is an UpstreamMeter that shows, too, how long upstreams take to answer.
type UpstreamTimer interface{ TimesUpstreams() bool }

// Find returns the kind of that name, or nil.
func Find(apiVersion, name string) *Kind {
	for i := range All {
		if All[i].APIVersion == apiVersion && All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}

// An HTTPMethod is a request method.
type HTTPMethod string

// Values lists the methods in the order of their numbers.
func (HTTPMethod) Values() []string {
	return []string{"HTTPMethodUnknown", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"}
}

// methodNames returns the methods, sorted, each once, without the unknown one.
func methodNames(methods []HTTPMethod) []string {
	var names []string
	for _, m := range methods {
		if m != "HTTPMethodUnknown" && m != "" {
			names = append(names, string(m))
		}
	}
	return sortedSet(names)
}
