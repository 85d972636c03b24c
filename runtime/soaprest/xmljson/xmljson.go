// Package xmljson turns XML into JSON and back, by one of three conventions. Both ways, what stands in an order
// stays in it, and numbers keep their digits.
//
// It's made for documents of strangers: there are no entities but the predefined ones, no document type
// declarations, and a limit to how deep elements and values may be nested. Time and memory are linear in the input.
package xmljson

import (
	"errors"
	"fmt"
	"strings"
)

// A Convention says how the parts of an element are written in JSON.
type Convention int

const (
	// Simple writes an element as an object: its attributes and its text have keys of their own, elements within it
	// are members, and several of one name an array. Namespace declarations are attributes.
	Simple Convention = iota
	// Badgerfish is Simple, but namespace declarations are an object, with the default one below the text key.
	Badgerfish
	// Rayfish writes an element as an object of its name, its text, and a list of its children, of which attributes are some.
	Rayfish
)

// Rules say how documents are converted. The zero value is Simple with the usual keys.
type Rules struct {
	Convention Convention
	// TextKey is the key of the text of an element; "$" by default, "#text" for Rayfish.
	TextKey string
	// NameKey and ChildrenKey are the keys of Rayfish for the name and the children of an element; "#name" and
	// "#children" by default.
	NameKey, ChildrenKey string
	// AttrPrefix is in front of the names of attributes; "@" by default.
	AttrPrefix string
	// NamespaceSep stands in JSON between the prefix and the rest of a name; ":" by default.
	NamespaceSep string
	// TrimSpace strips white space from both ends of texts.
	TrimSpace bool
	// PreferShort writes an element with nothing but text as a string. It's for Simple only.
	PreferShort bool
}

// withDefaults fills in what isn't set.
func (r Rules) withDefaults() Rules {
	set := func(p *string, value string) {
		if *p == "" {
			*p = value
		}
	}
	if r.Convention == Rayfish {
		set(&r.TextKey, "#text")
	}
	set(&r.TextKey, "$")
	set(&r.NameKey, "#name")
	set(&r.ChildrenKey, "#children")
	set(&r.AttrPrefix, "@")
	set(&r.NamespaceSep, ":")
	return r
}

// A Converter converts documents by rules. It may be used by several goroutines.
type Converter struct{ rules Rules }

// New returns a converter.
func New(r Rules) *Converter { return &Converter{r.withDefaults()} }

// maxDepth is how deep elements, objects and arrays may be nested. What people exchange has some ten levels.
const maxDepth = 500

// maxAttrs is how many attributes an element may get of JSON: each is compared with those before it.
const maxAttrs = 1000

var errDepth = errors.New("it's nested too deeply")

// An element of XML. Name is as in XML, with a colon.
type element struct {
	name     string
	attrs    []attr
	text     []byte
	children []*element
}

type attr struct{ name, value string }

// jsonName is how a name of XML is written in JSON.
func (c *Converter) jsonName(name string) string {
	if c.rules.NamespaceSep == ":" {
		return name
	}
	return strings.Replace(name, ":", c.rules.NamespaceSep, 1)
}

// xmlName is how a name of JSON is written in XML. It must be a name there, too.
func (c *Converter) xmlName(name string) (string, error) {
	if c.rules.NamespaceSep != ":" {
		name = strings.Replace(name, c.rules.NamespaceSep, ":", 1)
	}
	if !isName(name) {
		return "", fmt.Errorf("%.50q can't be a name in XML", name)
	}
	return name, nil
}

// isName reports whether s is a qualified name (Namespaces in XML 1.0, section 4).
func isName(s string) bool {
	prefix, local, ok := strings.Cut(s, ":")
	return isNCName(prefix) && (!ok || isNCName(local))
}

func isNCName(s string) bool {
	for i, r := range s {
		if !isNameStart(r) && (i == 0 || !isNameInner(r)) {
			return false
		}
	}
	return s != ""
}

// isNameStart and isNameInner are the characters of names (XML 1.0, section 2.3), without the colon.
func isNameStart(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '_':
		return true
	case r < 0xC0:
		return false
	}
	return r <= 0xD6 || 0xD8 <= r && r <= 0xF6 || 0xF8 <= r && r <= 0x2FF || 0x370 <= r && r <= 0x37D ||
		0x37F <= r && r <= 0x1FFF || 0x200C <= r && r <= 0x200D || 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF ||
		0x3001 <= r && r <= 0xD7FF || 0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFC || 0x10000 <= r && r <= 0xEFFFF
}

func isNameInner(r rune) bool {
	return r == '-' || r == '.' || '0' <= r && r <= '9' || r == 0xB7 || 0x300 <= r && r <= 0x36F || 0x203F <= r && r <= 0x2040
}
