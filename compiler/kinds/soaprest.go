package kinds

import (
	"cmp"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var soapRESTMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "SOAPRESTMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New:        func() Spec { return &SOAPRESTMiddlewareSpec{} },
}

// SOAPRESTMiddlewareSpec is the spec of a SOAPRESTMiddleware, which lets clients that speak SOAP use services that speak JSON. Requests must be
// SOAP 1.1 (text/xml with a SOAPAction header) or SOAP 1.2 (application/soap+xml); others are refused with 403. Their XML
// becomes JSON, and the JSON of the response becomes XML. The service finds the action in X-SOAP-Action, and the media type of the
// request in X-Content-Type. A response that isn't JSON is answered by 500; those without a body pass.
//
// Elements and members stay in their order (AILERON Gateway sends them in a random one), values are texts on the way to
// JSON, and numbers keep their digits on the way back. Document type declarations, and with them entities other than the predefined ones, are refused, as is
// what is nested more than 500 levels deep.
type SOAPRESTMiddlewareSpec struct {
	// Simple writes an element as an object whose members are its text, its attributes and the elements in it. It's the default.
	Simple *SimpleRules `json:"simple" oneof:"rules"`
	// Rayfish writes an element as an object of its name, its text and a list of its children.
	Rayfish *RayfishRules `json:"rayfish" oneof:"rules"`
	// Badgerfish is like simple, but namespace declarations are an object of their own.
	Badgerfish *BadgerfishRules `json:"badgerfish" oneof:"rules"`
	// MaxSize is the largest body that is converted, either way, in bytes. 0 stands for 4194304. (AILERON Gateway has no limit.)
	MaxSize int64 `json:"maxSize" min:"0"`
}

// SimpleRules are the keys of JSON for the parts of an element. An empty one stands for the default.
type SimpleRules struct {
	// TextKey is the key of the text, by default "$".
	TextKey string `json:"textKey" fixed:"true"`
	// AttrPrefix is put before the names of attributes, by default "@".
	AttrPrefix string `json:"attrPrefix" fixed:"true"`
	// NamespaceSep stands between the prefix and the rest of a name, by default ":".
	NamespaceSep string `json:"namespaceSep" fixed:"true"`
	// TrimSpace strips white space from both ends of texts.
	TrimSpace bool `json:"trimSpace"`
	// PreferShort writes an element that has nothing but text as a string.
	PreferShort bool `json:"preferShort"`
}

// RayfishRules are the keys of JSON for the parts of an element. An empty one stands for the default.
type RayfishRules struct {
	// NameKey is the key of the name, by default "#name".
	NameKey string `json:"nameKey" fixed:"true"`
	// TextKey is the key of the text, by default "#text".
	TextKey string `json:"textKey" fixed:"true"`
	// ChildrenKey is the key of the attributes and elements in it, by default "#children".
	ChildrenKey string `json:"childrenKey" fixed:"true"`
	// AttrPrefix is put before the names of attributes, by default "@".
	AttrPrefix string `json:"attrPrefix" fixed:"true"`
	// NamespaceSep stands between the prefix and the rest of a name, by default ":".
	NamespaceSep string `json:"namespaceSep" fixed:"true"`
	// TrimSpace strips white space from both ends of texts.
	TrimSpace bool `json:"trimSpace"`
}

// BadgerfishRules are the keys of JSON for the parts of an element. An empty one stands for the default.
type BadgerfishRules struct {
	// TextKey is the key of the text, and of the default namespace, by default "$".
	TextKey string `json:"textKey" fixed:"true"`
	// AttrPrefix is put before the names of attributes, by default "@".
	AttrPrefix string `json:"attrPrefix" fixed:"true"`
	// NamespaceSep stands between the prefix and the rest of a name, by default ":".
	NamespaceSep string `json:"namespaceSep" fixed:"true"`
	// TrimSpace strips white space from both ends of texts.
	TrimSpace bool `json:"trimSpace"`
}

// Check reports keys that can't be told apart.
func (s *SOAPRESTMiddlewareSpec) Check(c *Check) {
	if r := s.Rayfish; r != nil {
		keys := []*string{&r.NameKey, &r.TextKey, &r.ChildrenKey}
		used := make(map[string]*string)
		for i, fallback := range []string{"#name", "#text", "#children"} {
			at, key := keys[i], cmp.Or(*keys[i], fallback)
			if other := used[key]; other != nil {
				if *at == "" {
					at = other // at least that one is set
				}
				c.Errorf(at, diag.DuplicateValue, "%q would be the key of two parts of an element", key)
			}
			used[key] = at
		}
	}
}

// Lower returns the middleware.
func (s *SOAPRESTMiddlewareSpec) Lower(l *Lower) ir.Expr {
	return l.Call("soaprest.New", l.Struct("soaprest.Options",
		ir.Set("Rules", s.rules(l)),
		ir.Set("MaxSize", l.Int64(&s.MaxSize)),
	))
}

func (s *SOAPRESTMiddlewareSpec) rules(l *Lower) ir.Expr {
	const rules = "soaprest/xmljson.Rules"
	switch {
	case s.Rayfish != nil:
		r := s.Rayfish
		return l.Struct(rules,
			ir.Set("Convention", ir.Runtime("soaprest/xmljson.Rayfish")),
			ir.Set("TextKey", ir.String(r.TextKey)),
			ir.Set("NameKey", ir.String(r.NameKey)),
			ir.Set("ChildrenKey", ir.String(r.ChildrenKey)),
			ir.Set("AttrPrefix", ir.String(r.AttrPrefix)),
			ir.Set("NamespaceSep", ir.String(r.NamespaceSep)),
			ir.Set("TrimSpace", l.Bool(&r.TrimSpace)))
	case s.Badgerfish != nil:
		r := s.Badgerfish
		return l.Struct(rules,
			ir.Set("Convention", ir.Runtime("soaprest/xmljson.Badgerfish")),
			ir.Set("TextKey", ir.String(r.TextKey)),
			ir.Set("AttrPrefix", ir.String(r.AttrPrefix)),
			ir.Set("NamespaceSep", ir.String(r.NamespaceSep)),
			ir.Set("TrimSpace", l.Bool(&r.TrimSpace)))
	case s.Simple != nil:
		r := s.Simple
		return l.Struct(rules,
			ir.Set("TextKey", ir.String(r.TextKey)),
			ir.Set("AttrPrefix", ir.String(r.AttrPrefix)),
			ir.Set("NamespaceSep", ir.String(r.NamespaceSep)),
			ir.Set("TrimSpace", l.Bool(&r.TrimSpace)),
			ir.Set("PreferShort", l.Bool(&r.PreferShort)))
	}
	return nil
}
