package xmljson

import (
	"strings"
	"unicode/utf8"
)

// ToJSON converts a document, and ends it with a line feed. Without an element it's an empty object; what has several outermost
// elements, and so isn't quite a document, is an array.
func (c *Converter) ToJSON(doc []byte) ([]byte, error) {
	roots, err := c.readXML(doc)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(doc)+len(doc)/2)
	switch len(roots) {
	case 0:
		b = append(b, "{}"...)
	case 1:
		b = c.appendRoot(b, roots[0])
	default:
		for i, e := range roots {
			b = append(b, "[,"[min(i, 1)])
			b = c.appendRoot(b, e)
		}
		b = append(b, ']')
	}
	return append(b, '\n'), nil
}

func (c *Converter) appendRoot(b []byte, e *element) []byte {
	if c.rules.Convention == Rayfish {
		return c.appendRayfish(b, e)
	}
	b = c.appendKey(append(b, '{'), "", c.jsonName(e.name))
	return append(c.appendElement(b, e), '}')
}

// appendRayfish appends an element as an object of name, text and children.
func (c *Converter) appendRayfish(b []byte, e *element) []byte {
	b = c.beginRayfish(b, "", e.name, e.text)
	n := 0
	for _, a := range e.attrs {
		b = appendComma(b, &n)
		b = c.beginRayfish(b, c.rules.AttrPrefix, a.name, []byte(a.value))
		b = append(b, "]}"...)
	}
	for _, child := range e.children {
		b = appendComma(b, &n)
		b = c.appendRayfish(b, child)
	}
	return append(b, "]}"...)
}

func (c *Converter) beginRayfish(b []byte, prefix, name string, text []byte) []byte {
	b = c.appendKey(append(b, '{'), "", c.rules.NameKey)
	b = appendString(b, prefix+c.jsonName(name))
	b = c.appendKey(append(b, ','), "", c.rules.TextKey)
	b = appendString(b, text)
	b = c.appendKey(append(b, ','), "", c.rules.ChildrenKey)
	return append(b, '[')
}

// appendElement appends what is in an element: its text, its attributes, and what is within it.
func (c *Converter) appendElement(b []byte, e *element) []byte {
	empty := len(e.attrs) == 0 && len(e.children) == 0
	if empty && c.rules.PreferShort {
		return appendString(b, e.text)
	}
	b = append(b, '{')
	n := 0
	if len(e.text) > 0 || empty && c.rules.Convention == Simple {
		b = appendComma(b, &n)
		b = c.appendKey(b, "", c.rules.TextKey)
		b = appendString(b, e.text)
	}
	b = c.appendAttrs(b, e.attrs, &n)
	for _, group := range groups(e.children) {
		b = appendComma(b, &n)
		b = c.appendKey(b, "", c.jsonName(group[0].name))
		if len(group) == 1 {
			b = c.appendElement(b, group[0])
			continue
		}
		for i, child := range group {
			b = append(b, "[,"[min(i, 1)])
			b = c.appendElement(b, child)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (c *Converter) appendAttrs(b []byte, attrs []attr, n *int) []byte {
	declared := false // namespaces
	for _, a := range attrs {
		if c.rules.Convention == Badgerfish && isDeclaration(a.name) {
			declared = true
			continue
		}
		b = appendComma(b, n)
		b = c.appendKey(b, c.rules.AttrPrefix, c.jsonName(a.name))
		b = appendString(b, a.value)
	}
	if !declared {
		return b
	}
	b = appendComma(b, n)
	b = append(c.appendKey(b, c.rules.AttrPrefix, "xmlns"), '{')
	k := 0
	for _, a := range attrs {
		if !isDeclaration(a.name) {
			continue
		}
		b = appendComma(b, &k)
		if _, prefix, ok := strings.Cut(a.name, ":"); ok {
			b = c.appendKey(b, "", prefix)
		} else {
			b = c.appendKey(b, "", c.rules.TextKey)
		}
		b = appendString(b, a.value)
	}
	return append(b, '}')
}

// isDeclaration reports whether an attribute declares a namespace.
func isDeclaration(name string) bool {
	return name == "xmlns" || strings.HasPrefix(name, "xmlns:")
}

// groups gathers elements of the same name, in the order of the first ones.
func groups(children []*element) [][]*element {
	if len(children) == 0 {
		return nil
	}
	index := make(map[string]int, len(children))
	var all [][]*element
	for _, e := range children {
		i, ok := index[e.name]
		if !ok {
			i = len(all)
			index[e.name] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], e)
	}
	return all
}

func appendComma(b []byte, n *int) []byte {
	if *n++; *n > 1 {
		b = append(b, ',')
	}
	return b
}

func (c *Converter) appendKey(b []byte, prefix, name string) []byte {
	return append(appendString(b, prefix+name), ':')
}

// appendString appends a string of JSON. What comes from XML is UTF-8 already.
func appendString[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		ch := s[i]
		if ch >= ' ' && ch != '"' && ch != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		switch from = i + 1; ch {
		case '"', '\\':
			b = append(b, '\\', ch)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hex[ch>>4], hex[ch&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// appendEscaped appends text of XML: what can't stand in it is escaped, and what can't be written at all becomes U+FFFD.
func appendEscaped(b []byte, s string, attribute bool) []byte {
	for i, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case r == '"' && attribute:
			b = append(b, "&quot;"...)
		case r == '\n' && attribute:
			b = append(b, "&#xA;"...)
		case r == '\t' && attribute:
			b = append(b, "&#x9;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF, r == utf8.RuneError && s[i] != 0xEF:
			b = append(b, "\uFFFD"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
