package diag

// A Code names a kind of finding. It's a stable word that configs of CI systems
// may name; [Codes] tells what it means.
type Code string

// What can be wrong with files and documents.
const (
	UnreadableFile  Code = "unreadable-file"  // a config file can't be read
	IgnoredFile     Code = "ignored-file"     // a file named explicitly is not read
	IgnoredDocument Code = "ignored-document" // a document is no resource
	Syntax          Code = "syntax"           // a file is not YAML or JSON
	DuplicateKey    Code = "duplicate-key"    // a mapping has a key twice
	BadAlias        Code = "bad-alias"        // an alias or merge key can't be resolved
)

// What can be wrong with resources, names and references.
const (
	UnknownKind       Code = "unknown-kind"       // there's no such apiVersion and kind
	BadName           Code = "bad-name"           // a name or namespace has a forbidden character
	DuplicateResource Code = "duplicate-resource" // a resource is declared twice
	MissingReference  Code = "missing-reference"  // a reference names a resource that isn't there
	WrongRole         Code = "wrong-role"         // a referenced resource can't do what it's needed for
	CircularReference Code = "circular-reference" // a resource needs itself
	UnusedResource    Code = "unused-resource"    // nothing reaches a resource
	NoEntrypoint      Code = "no-entrypoint"      // there's no Entrypoint
	NoRunner          Code = "no-runner"          // the Entrypoint runs nothing
)

// What can be wrong with fields and their values.
const (
	UnknownField      Code = "unknown-field"      // the kind has no such field
	MissingField      Code = "missing-field"      // a required field isn't there
	ConflictingFields Code = "conflicting-fields" // two fields exclude each other
	DuplicateValue    Code = "duplicate-value"    // a list has a value twice that must be unique
	SecondSpelling    Code = "second-spelling"    // a field is spelled the other way
	UnsupportedField  Code = "unsupported-field"  // the compiler can't do what the field asks for
	NoEffect          Code = "no-effect"          // a field does nothing here
	WrongType         Code = "wrong-type"         // a value has the wrong type
	UnknownValue      Code = "unknown-value"      // a value isn't one of those allowed
	OutOfRange        Code = "out-of-range"       // a number or length is too small or too large
	BadValue          Code = "bad-value"          // a value has the wrong form
	BadRegexp         Code = "bad-regexp"         // a regular expression doesn't compile
	BadTemplate       Code = "bad-template"       // a template doesn't parse
	BadURL            Code = "bad-url"            // a URL doesn't parse or can't be used
	BadAddress        Code = "bad-address"        // a network address or CIDR doesn't parse
	BadHeaderName     Code = "bad-header-name"    // a header name has a forbidden character
	BadPattern        Code = "bad-pattern"        // a route pattern doesn't parse
	BadFile           Code = "bad-file"           // a file that the config names isn't there or isn't what it should be
	BadPolicy         Code = "bad-policy"         // a policy doesn't parse, or isn't sound
	BadPlugin         Code = "bad-plugin"         // a Go package can't be linked in
)

// What can be wrong with environment variables in a config.
const (
	EnvSyntax    Code = "env-syntax"    // a ${...} expression is malformed
	EnvStructure Code = "env-structure" // a variable would change the structure
	EnvUnset     Code = "env-unset"     // a variable to be frozen is not set
)

// What can be wrong with how resources are put together.
const (
	RouteConflict    Code = "route-conflict"    // two handlers claim the same requests
	UnreachableRoute Code = "unreachable-route" // requests never get to a handler
	MiddlewareOrder  Code = "middleware-order"  // a middleware stands in the wrong place of a chain
	Insecure         Code = "insecure"          // a setting gives up a protection
)
