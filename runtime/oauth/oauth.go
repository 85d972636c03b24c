// Package oauth is what the roles that a gateway can play in OAuth 2.0 (RFC 6749) and OpenID Connect have in common: contexts, each of which is
// a provider and a client at it, requests to the provider, and the validation of tokens.
//
// The packages below it are the roles: resourceserver, clientcredentials, ropc and authcode. Neither errors nor logs quote
// tokens, secrets or passwords.
package oauth

import (
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/query"
)

// Options are the settings of Contexts.
type Options struct {
	// Contexts are what requests choose from, by name.
	Contexts []ContextOptions
	// QueryKey is the name of a parameter in the query of a request that names the context. If it's set, HeaderKey isn't looked at.
	QueryKey string
	// HeaderKey is the name of a header that does. What names none is in the context "default".
	HeaderKey string
	// Transport sends requests to providers, where no other one is given.
	Transport gateway.Handler
	// Logger is told when providers can't be reached, and when they can again.
	Logger gateway.Logger
}

// Contexts are providers and clients by the names of their contexts. Between Initialize and Finalize, the metadata of providers are
// looked for.
type Contexts struct {
	options Options
	list    []*Context
	byName  map[string]*Context
}

// New makes contexts. It fails if a key can't be read, a URL is none, or two have the same name.
func New(o Options) (*Contexts, error) {
	cs := &Contexts{options: o, byName: make(map[string]*Context, len(o.Contexts))}
	for _, co := range o.Contexts {
		c, err := newContext(co, &o)
		if err != nil {
			return nil, err
		}
		if cs.byName[c.options.Name] != nil {
			return nil, fmt.Errorf("oauth: there are two contexts of the name %q", c.options.Name)
		}
		cs.byName[c.options.Name] = c
		cs.list = append(cs.list, c)
	}
	return cs, nil
}

// Initialize begins to look for the metadata of providers. It doesn't wait for them.
func (cs *Contexts) Initialize() error {
	for _, name := range []string{"AILERON_SKIP_AT_VALIDATION", "AILERON_SKIP_IDT_VALIDATION"} {
		if l := cs.options.Logger; l != nil && os.Getenv(name) != "" && l.Enabled(gateway.LevelWarn) {
			l.Log(nil, gateway.LevelWarn, "tokens are validated, whatever this variable says", gateway.String("variable", name))
		}
	}
	for _, c := range cs.list {
		c.discovery.start()
	}
	return nil
}

// Finalize ends looking for metadata.
func (cs *Contexts) Finalize() error {
	for _, c := range cs.list {
		c.discovery.end()
	}
	return nil
}

// Select returns the context that the request of x names, nil if there's none of that name.
func (cs *Contexts) Select(x *gateway.Exchange) *Context {
	var name string
	switch o := &cs.options; {
	case o.QueryKey != "":
		name, _ = query.Get(x.Request.RawQuery, o.QueryKey)
	case o.HeaderKey != "":
		name = strings.TrimSpace(x.Request.Header.Get(o.HeaderKey))
	}
	return cs.Named(name)
}

// All yields all contexts, in the order of the Options.
func (cs *Contexts) All() iter.Seq[*Context] { return slices.Values(cs.list) }

// Named returns the context of that name, nil if there's none. Empty is "default".
func (cs *Contexts) Named(name string) *Context {
	if name == "" {
		name = DefaultName
	}
	return cs.byName[name]
}

// DefaultName is the name of a context that has none.
const DefaultName = "default"
