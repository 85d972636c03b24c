package xmljson

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

var (
	errDirective = errors.New("a document type declaration isn't accepted")
	errOutside   = errors.New("there is text outside of an element")
)

// readXML reads the elements of a document, of which there may be none. Comments and processing instructions are skipped.
func (c *Converter) readXML(doc []byte) ([]*element, error) {
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	d := xml.NewDecoder(bytes.NewReader(doc))
	var roots []*element
	var open []*element
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e, err := startElement(t)
			switch {
			case err != nil:
				return nil, err
			case len(open) == maxDepth:
				return nil, errDepth
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			default:
				roots = append(roots, e)
			}
			open = append(open, e)
		case xml.EndElement:
			name := qualified(t.Name)
			if len(open) == 0 || open[len(open)-1].name != name {
				return nil, fmt.Errorf("</%.50s> doesn't end the element before it", name)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if err := c.addText(open, t); err != nil {
				return nil, err
			}
		case xml.Directive:
			return nil, errDirective
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("<%.50s> has no end", open[len(open)-1].name)
	}
	return roots, nil
}

func startElement(t xml.StartElement) (*element, error) {
	e := &element{name: qualified(t.Name)}
	if len(t.Attr) == 0 {
		return e, nil
	}
	e.attrs = make([]attr, len(t.Attr))
	for i, a := range t.Attr {
		e.attrs[i] = attr{qualified(a.Name), a.Value}
	}
	names := make([]string, len(e.attrs))
	for i, a := range e.attrs {
		names[i] = a.name
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return nil, fmt.Errorf("<%.50s> has the attribute %.50s twice", e.name, names[i])
		}
	}
	return e, nil
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// addText adds a piece of text to the innermost element. Pieces that are white space only are layout.
func (c *Converter) addText(open []*element, piece []byte) error {
	trimmed := bytes.TrimSpace(piece)
	switch {
	case len(trimmed) == 0:
		return nil
	case len(open) == 0:
		return errOutside
	case c.rules.TrimSpace:
		piece = trimmed
	}
	e := open[len(open)-1]
	e.text = append(e.text, piece...)
	return nil
}
