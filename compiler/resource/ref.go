package resource

// A Ref names another resource. The field that holds it says, by its role tag,
// what that resource must be able to do.
type Ref struct {
	// APIVersion is the group and version of the kind: core/v1 or app/v1.
	APIVersion string `json:"apiVersion" alt:"APIVersion" required:"true" pattern:"^[0-9A-Za-z]+/[0-9A-Za-z]+$"`
	// Kind is the kind of the resource.
	Kind string `json:"kind" required:"true" pattern:"^[0-9A-Za-z]+$"`
	// Namespace is the namespace of the resource.
	Namespace string `json:"namespace" format:"name"`
	// Name is the name of the resource.
	Name string `json:"name" format:"name"`
}

// ID returns the identity that r names.
func (r *Ref) ID() ID { return New(r.APIVersion, r.Kind, r.Namespace, r.Name) }

// IsZero reports whether r names nothing.
func (r *Ref) IsZero() bool { return *r == Ref{} }

// Metadata is the head of every resource.
type Metadata struct {
	// Namespace and name identify a resource among those of its kind.
	Namespace string `json:"namespace" format:"name"`
	// Name is the name of the resource within its namespace.
	Name string `json:"name" format:"name"`
	// Logger is where the resource logs, as apiVersion/kind/namespace/name of a logger that the Entrypoint lists. Empty stands for the default logger.
	Logger string `json:"logger"`
	// ErrorHandler answers what the resource refuses, as apiVersion/kind/namespace/name of an error handler that the Entrypoint lists. Empty stands for the default error handler.
	ErrorHandler string `json:"errorHandler"`
}
