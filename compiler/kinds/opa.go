package kinds

import (
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var opaAuthzMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "OPAAuthzMiddleware",
	Roles:      []Role{Middleware},
	Methods:    map[Role]string{Middleware: "Middleware"},
	Lifecycle:  true,
	New:        func() Spec { return &OPAAuthzMiddlewareSpec{ClaimsKey: defaultClaimsKey} },
}

// OPAAuthzMiddlewareSpec is the spec of an OPAAuthzMiddleware, which lets requests pass that policies allow, written in Rego, the language of the Open Policy Agent.
// Others are answered with 403.
//
// Policies see the request as input: auth (the claims about the client), host, remote (address and port), method, api (the path), query and header (lists of values by
// name, as in input.header["X-Request-Id"][0]), and env. Only what they can read is made. Both versions of Rego work: a file is read as version 0, with "import rego.v1" as what
// that stands for, and if that fails as version 1. Policies, bundles and data are checked when the gateway is built, as far as they are there.
//
// Data that can't be loaded is a reason not to start (AILERON Gateway starts without it, and decides without it). A refusal has the code E3100 and the kind AppAuthzAuthorization, so that an
// ErrorHandler can match it. Evaluation ends, and nothing is allowed, when the client has gone, or a TimeoutMiddleware before it says so. A query that fails is told in the log, and
// the next one is asked.
type OPAAuthzMiddlewareSpec struct {
	// Logger is told of refusals, at level Debug, of policies that fail, and what policies print. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler answers requests that are refused. Unset is that of metadata.errorHandler, or the default one.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// ClaimsKey is the name under which an authentication has put the claims about the client. Empty is the default.
	ClaimsKey string `json:"claimsKey" pattern:"^[0-9A-Za-z-_.]*$"`
	// EnvData is what policies see of the process, as input.env.
	EnvData *EnvDataSpec `json:"envData"`
	// Regos are asked in order, until one allows the request.
	Regos []RegoSpec `json:"regos"`
	// EnableTrace tells the logger, at level Debug, how a request came to be refused, step by step. It's for development: it costs much time, if the logger has that level. (In AILERON Gateway it shows nothing.)
	EnableTrace bool `json:"enableTrace"`
	// LogDecisions tells the logger of each decision, at level Info: what was decided, how long that took, and the request with its headers. Values of headers that look as if they
	// held secrets, by their names, aren't shown. AILERON Gateway has no such field.
	LogDecisions bool `json:"logDecisions"`
	// MaskedHeaders are names of further headers whose values aren't shown in the log. AILERON Gateway has no such field.
	MaskedHeaders []string `json:"maskedHeaders" format:"header-name"`
	// ReloadInterval is how often to look, in seconds, whether policies, bundles and data have changed, in files and at URLs. What has is put in force, as a whole, or if something is wrong with
	// it not at all. 0 is never. What is embedded doesn't change. AILERON Gateway has no such field.
	ReloadInterval int32 `json:"reloadInterval" min:"0"`
}

// EnvDataSpec is what policies see of the process, as input.env.
type EnvDataSpec struct {
	// Vars are names of environment variables. Those that are set when the gateway starts are in input.env.vars. (In AILERON Gateway that is always empty.)
	Vars []string `json:"vars"`
	// PID adds input.env.pid, the id of the process.
	PID bool `json:"pid" alt:"PID"`
	// PPID adds input.env.ppid, that of its parent.
	PPID bool `json:"ppid" alt:"PPID"`
	// GID adds input.env.gid, that of its group.
	GID bool `json:"gid" alt:"GID"`
	// UID adds input.env.uid, that of its user.
	UID bool `json:"uid" alt:"UID"`
}

// RegoSpec is a query, with the policies and the data that answer it.
type RegoSpec struct {
	// QueryParameter is the query. It allows a request if its only result is true. Empty is data.authz.allow (which AILERON Gateway demands to be written down).
	QueryParameter string `json:"queryParameter"`
	// PolicyFiles are files of policies. There must be one, unless there are bundlePaths (in AILERON Gateway even then).
	PolicyFiles []string `json:"policyFiles"`
	// BundlePaths are bundles of policies and data: gzipped tarballs, folders, or URLs of tarballs, of at most 64 MB.
	BundlePaths []string `json:"bundlePaths"`
	// BundleVerification says how bundles are verified. With it, each must have a signature; without it, one that has can't be used.
	BundleVerification *BundleVerificationSpec `json:"bundleVerification"`
	// SkipBundleVerification uses bundles without a look at their signatures.
	SkipBundleVerification bool `json:"skipBundleVerification"`
	// EnablePrintStatements sends what policies print to the logger, at level Info, with file and line.
	EnablePrintStatements bool `json:"enablePrintStatements"`
	// ShallowInlining is a setting of partial evaluation.
	ShallowInlining bool `json:"shallowInlining" inert:"it's about partial evaluation, in which a gateway takes no part"`
	// Strict refuses policies with unused variables or imports, with names that hide others, or with builtins that are going away.
	Strict bool `json:"strict" fixed:"true"`
	// StrictBuiltinErrors makes the error of a builtin end the evaluation. Without it, what can't be computed is undefined.
	StrictBuiltinErrors bool `json:"strictBuiltinErrors"`
	// RoundTripper sends the requests for bundles and data at URLs, an HTTPClient for instance. Unset stands for a client with sensible settings.
	RoundTripper resource.Ref `json:"roundTripper" role:"RoundTripper"`
	// Header are fields of these requests.
	Header decode.Map `json:"header" keys:"header-name" format:"header-value"`
	// FileStore is data in files.
	FileStore *FileStoreSpec `json:"fileStore" oneof:"Stores"`
	// HTTPStore is data at URLs.
	HTTPStore *HTTPStoreSpec `json:"httpStore" alt:"HTTPStore" oneof:"Stores"`
	// Embed makes the policy files, and the bundles and data in files, as they are when the gateway is built, a part of the binary. Without it, --embed decides. (AILERON Gateway doesn't know this field.)
	Embed bool `json:"embed" fixed:"true"`

	found regoFiles // what check has read
}

// BundleVerificationSpec says how the signatures of bundles are verified.
type BundleVerificationSpec struct {
	// VerificationKeys are what signatures are verified with.
	VerificationKeys []VerificationKeySpec `json:"verificationKeys" required:"true"`
	// KeyID is the id of the key to verify with.
	KeyID string `json:"keyID" required:"true"`
	// Scope is the scope that signatures must have. Empty is that of the key.
	Scope string `json:"scope"`
	// Excludes are patterns of the names of files that needn't be signed.
	Excludes []string `json:"excludes"`
}

// VerificationKeySpec is a key that signatures are verified with.
type VerificationKeySpec struct {
	// KeyID is the id of the key.
	KeyID string `json:"keyID" required:"true"`
	// Scope is the scope that a signature must have, if bundleVerification has none.
	Scope string `json:"scope"`
	// Algorithm is that of the signature: RS256, PS256, ES256 or HS256, or the same with 384 or 512. Empty is RS256.
	Algorithm string `json:"algorithm"`
	// KeyFile is a PEM file of the public key or, for HS256 and its like, a file that holds the secret. It's read when the gateway starts.
	KeyFile string `json:"keyFile" required:"true"`
}

// FileStoreSpec is data in files.
type FileStoreSpec struct {
	// Path are the files by the paths at which policies find the data: roles.json at /company/roles is data.company.roles. Names end in .json, .yaml, .yml or .csv, which gives lists of lists of texts.
	Path decode.Map `json:"path" required:"true"`
	// Directory is a folder in which the data is kept, rather than in memory. What was in it is replaced.
	Directory string `json:"directory" fixed:"true"`
}

// HTTPStoreSpec is data at URLs. The type of a response says how it's written: JSON, YAML or CSV.
type HTTPStoreSpec struct {
	// Endpoint are the URLs by the paths at which policies find the data.
	Endpoint decode.Map `json:"endpoint" required:"true"`
	// Directory is a folder in which the data is kept, rather than in memory. What was in it is replaced.
	Directory string `json:"directory" fixed:"true"`
	// Partitions are paths of data, like /users/*, whose members are kept, and read, by themselves. It needs a directory. (In AILERON Gateway it does nothing.)
	Partitions []string `json:"partitions" fixed:"true"`
}

// ErrorHandlerRef returns the error handler.
func (s *OPAAuthzMiddlewareSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// Refuses tells that preflight requests may be refused.
func (s *OPAAuthzMiddlewareSpec) Refuses() bool { return true }

// HasLifecycle tells if there is something to load when the gateway starts, or later, that isn't in files.
func (s *OPAAuthzMiddlewareSpec) HasLifecycle(c *Check) bool {
	if s.ReloadInterval > 0 || c.Deferred(&s.ReloadInterval) {
		return true
	}
	for i := range s.Regos {
		r := &s.Regos[i]
		if dir := r.directory(); r.downloads(c) || dir != nil && *dir != "" {
			return true
		}
	}
	return false
}

// Lower returns the authorizer, whose method Middleware is the middleware.
func (s *OPAAuthzMiddlewareSpec) Lower(l *Lower) ir.Expr {
	regos := ir.List{Elem: ir.Runtime("opa.Rego")}
	for i := range s.Regos {
		regos.Items = append(regos.Items, s.Regos[i].lower(l, numbered(i)))
	}
	return l.Try("opa.New", l.Struct("opa.Options",
		ir.Set("Regos", regos),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("Env", s.EnvData.lower(l)),
		ir.Set("Trace", l.Bool(&s.EnableTrace)),
		ir.Set("LogDecisions", l.Bool(&s.LogDecisions)),
		ir.Set("MaskedHeaders", l.Strings(s.MaskedHeaders)),
		ir.Set("ReloadInterval", l.Seconds(&s.ReloadInterval)),
		ir.Set("Logger", loggerOf(l, &s.Logger)),
	))
}

// numbered is what is put behind the names of what belongs to the rego of that index.
func numbered(i int) string {
	if i == 0 {
		return ""
	}
	return " " + strconv.Itoa(i+1)
}

func (s *EnvDataSpec) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	var vars ir.Expr
	if len(s.Vars) > 0 {
		var names []string
		for i := range s.Vars {
			text, _, ok := l.Values.TakeEnv(&s.Vars[i])
			if !ok {
				text = strings.ReplaceAll(s.Vars[i], "${", "$${")
			}
			names = append(names, text)
		}
		vars = ir.Env{Method: "Named", Pos: l.Values.Provenance(&s.Vars), Text: strings.Join(names, " ")}
	}
	return l.Struct("opa.Env", ir.Set("Vars", vars),
		ir.Set("PID", l.Bool(&s.PID)), ir.Set("PPID", l.Bool(&s.PPID)), ir.Set("UID", l.Bool(&s.UID)), ir.Set("GID", l.Bool(&s.GID)))
}

func (s *RegoSpec) lower(l *Lower, number string) ir.Expr {
	var transport, header ir.Expr
	if s.downloads(l.Check) {
		if transport = l.Use(&s.RoundTripper, RoundTripper); transport == nil {
			transport = defaultTransport(l)
		}
		header = l.Fields(s.Header)
	} else {
		l.Fields(s.Header) // what stands in the environment for them isn't read
	}
	f := &s.found
	return l.Struct("opa.Rego",
		ir.Set("Query", l.String(&s.QueryParameter)),
		ir.Set("Policies", s.sources(l, "policies"+number, s.PolicyFiles, f.policies)),
		ir.Set("Bundles", s.sources(l, "bundles"+number, s.BundlePaths, f.bundles)),
		ir.Set("Data", s.documents(l, "data"+number)),
		ir.Set("Verification", s.verification(l)),
		ir.Set("Storage", s.storage(l)),
		ir.Set("Transport", transport),
		ir.Set("Header", header),
		ir.Set("Strict", l.Bool(&s.Strict)),
		ir.Set("StrictBuiltinErrors", l.Bool(&s.StrictBuiltinErrors)),
		ir.Set("Print", l.Bool(&s.EnablePrintStatements)),
	)
}

// storage is the opa.Storage, nil for memory.
func (s *RegoSpec) storage(l *Lower) ir.Expr {
	directory := s.directory()
	var partitions []string
	if s.HTTPStore != nil {
		partitions = s.HTTPStore.Partitions
	}
	if directory == nil || *directory == "" {
		return nil
	}
	return l.Struct("opa/disk.Directory", ir.Set("Path", l.String(directory)), ir.Set("Partitions", l.Strings(partitions)))
}

// verification is the opa.Verification, nil for the zero value.
func (s *RegoSpec) verification(l *Lower) ir.Expr {
	v := s.BundleVerification
	skip := l.Bool(&s.SkipBundleVerification)
	if v == nil {
		if ir.IsZero(skip) {
			return nil
		}
		return l.Struct("opa.Verification", ir.Set("Skip", skip))
	}
	keys := ir.List{Elem: ir.Runtime("opa.VerificationKey")}
	for i := range v.VerificationKeys {
		k := &v.VerificationKeys[i]
		keys.Items = append(keys.Items, l.Struct("opa.VerificationKey",
			ir.Set("ID", l.String(&k.KeyID)),
			ir.Set("Scope", l.String(&k.Scope)),
			ir.Set("Algorithm", l.String(&k.Algorithm)),
			ir.Set("File", l.String(&k.KeyFile))))
	}
	return l.Struct("opa.Verification",
		ir.Set("Skip", skip),
		ir.Set("Keys", keys),
		ir.Set("KeyID", l.String(&v.KeyID)),
		ir.Set("Scope", l.String(&v.Scope)),
		ir.Set("Excludes", l.Strings(v.Excludes)))
}
