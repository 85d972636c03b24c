package xmljson

import (
	"errors"
	"fmt"
	"strings"
)

var (
	errTop      = errors.New("it must be an object, or an array of objects")
	errTopKey   = errors.New("an attribute or a text must be within an element")
	errNestless = errors.New("the text of an element must be a single value")
)

// ToXML converts a text of JSON to a document: an object whose members are the outermost elements, or an array of such. It's
// indented by two spaces, except for elements that have text beside others.
func (c *Converter) ToXML(text []byte) ([]byte, error) {
	v, err := readJSON(text)
	if err != nil {
		return nil, err
	}
	roots, err := c.roots(nil, v)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 2*len(text)+64)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`...)
	for _, e := range roots {
		b = appendIndent(b, 0)
		b = appendXML(b, e, 0)
	}
	return b, nil
}

// roots are the outermost elements.
func (c *Converter) roots(to []*element, v value) ([]*element, error) {
	switch v.kind {
	case array:
		var err error
		for _, item := range v.items {
			if to, err = c.roots(to, item); err != nil {
				return nil, err
			}
		}
		return to, nil
	case object:
	default:
		return nil, errTop
	}
	if c.rules.Convention == Rayfish {
		if len(v.members) == 0 {
			return to, nil
		}
		e, err := c.rayfish(v)
		return append(to, e), err
	}
	outer := new(element)
	if err := c.fill(outer, v); err != nil {
		return nil, err
	}
	if len(outer.text) > 0 || len(outer.attrs) > 0 {
		return nil, errTopKey
	}
	return append(to, outer.children...), nil
}

// fill puts a value into an element.
func (c *Converter) fill(e *element, v value) error {
	if v.kind != object {
		e.text = c.trimmed(v.text)
		return nil
	}
	for _, m := range v.members {
		var err error
		if m.name == c.rules.TextKey {
			err = c.setText(e, m.value)
		} else if name, ok := strings.CutPrefix(m.name, c.rules.AttrPrefix); ok {
			err = c.addAttr(e, name, m.value)
		} else {
			err = c.addChildren(e, m.name, m.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Converter) trimmed(text string) []byte {
	if c.rules.TrimSpace {
		text = strings.TrimSpace(text)
	}
	return []byte(text)
}

func (c *Converter) setText(e *element, v value) error {
	if v.kind > scalar {
		return errNestless
	}
	e.text = append(e.text, c.trimmed(v.text)...)
	return nil
}

// addAttr adds an attribute, or the namespace declarations of Badgerfish.
func (c *Converter) addAttr(e *element, name string, v value) error {
	if c.rules.Convention == Badgerfish && name == "xmlns" && v.kind == object {
		for _, m := range v.members {
			name := "xmlns"
			if m.name != c.rules.TextKey {
				name += ":" + m.name
			}
			if err := addAttr(e, name, m.value); err != nil {
				return err
			}
		}
		return nil
	}
	name, err := c.xmlName(name)
	if err != nil {
		return err
	}
	return addAttr(e, name, v)
}

func addAttr(e *element, name string, v value) error {
	if v.kind > scalar || v.bare {
		return fmt.Errorf("the attribute %.50q must be a string, or null", name)
	}
	if !isName(name) {
		return fmt.Errorf("%.50q can't be a name in XML", name)
	}
	for _, a := range e.attrs {
		if a.name == name {
			return fmt.Errorf("the attribute %.50q is there twice", name)
		}
	}
	if len(e.attrs) == maxAttrs {
		return fmt.Errorf("an element has more than %d attributes", maxAttrs)
	}
	e.attrs = append(e.attrs, attr{name, v.text})
	return nil
}

// addChildren adds an element, or one for each item of an array.
func (c *Converter) addChildren(e *element, name string, v value) error {
	if v.kind == array {
		for _, item := range v.items {
			if err := c.addChildren(e, name, item); err != nil {
				return err
			}
		}
		return nil
	}
	name, err := c.xmlName(name)
	if err != nil {
		return err
	}
	child := &element{name: name}
	e.children = append(e.children, child)
	return c.fill(child, v)
}

// rayfish makes an element of an object of name, text and children.
func (c *Converter) rayfish(v value) (*element, error) {
	if v.kind != object {
		return nil, errTop
	}
	e := new(element)
	name := ""
	for _, m := range v.members {
		switch m.name {
		case c.rules.NameKey:
			if m.value.kind != scalar || m.value.bare {
				return nil, fmt.Errorf("%q must be a string", c.rules.NameKey)
			}
			name = m.value.text
		case c.rules.TextKey:
			if err := c.setText(e, m.value); err != nil {
				return nil, err
			}
		case c.rules.ChildrenKey:
			if m.value.kind != array {
				return nil, fmt.Errorf("%q must be an array", c.rules.ChildrenKey)
			}
			for _, item := range m.value.items {
				if err := c.addRayfish(e, item); err != nil {
					return nil, err
				}
			}
		default:
			return nil, fmt.Errorf("an element can't have the member %.50q", m.name)
		}
	}
	var err error
	e.name, err = c.xmlName(name)
	return e, err
}

// addRayfish adds an attribute or an element.
func (c *Converter) addRayfish(e *element, v value) error {
	if v.kind == object {
		for _, m := range v.members {
			if m.name != c.rules.NameKey {
				continue
			}
			if name, ok := strings.CutPrefix(m.value.text, c.rules.AttrPrefix); ok {
				return c.addRayfishAttr(e, name, v)
			}
		}
	}
	child, err := c.rayfish(v)
	if err != nil {
		return err
	}
	e.children = append(e.children, child)
	return nil
}

func (c *Converter) addRayfishAttr(e *element, name string, v value) error {
	var text value
	for _, m := range v.members {
		switch {
		case m.name == c.rules.TextKey:
			text = m.value
		case m.name == c.rules.ChildrenKey && len(m.value.items) > 0:
			return fmt.Errorf("the attribute %.50q can't have children", name)
		}
	}
	name, err := c.xmlName(name)
	if err != nil {
		return err
	}
	return addAttr(e, name, text)
}

// appendXML appends an element at a level of indentation, -1 for none.
func appendXML(b []byte, e *element, level int) []byte {
	b = append(append(b, '<'), e.name...)
	for _, a := range e.attrs {
		b = append(append(append(b, ' '), a.name...), `="`...)
		b = append(appendEscaped(b, a.value, true), '"')
	}
	b = appendEscaped(append(b, '>'), string(e.text), false)
	inner := level + 1
	if level < 0 || len(e.text) > 0 {
		inner = -1 // white space would be a part of the text
	}
	for _, child := range e.children {
		b = appendIndent(b, inner)
		b = appendXML(b, child, inner)
	}
	if len(e.children) > 0 && inner >= 0 {
		b = appendIndent(b, level)
	}
	return append(append(append(b, "</"...), e.name...), '>')
}

func appendIndent(b []byte, level int) []byte {
	if level < 0 {
		return b
	}
	b = append(b, '\n')
	for range min(level, 32) { // what is nested deeply would be mostly blanks
		b = append(b, "  "...)
	}
	return b
}
