// Package gotext makes bodies by Go's text templates. A value that is missing
// prints as "<no value>". Nothing is escaped: for HTML there is package gohtml.
package gotext

import (
	"bytes"
	"fmt"
	"os"
	"text/template"

	"github.com/aileron-gateway/aileronc/runtime/content"
)

// A Template is a parsed text template.
type Template struct{ template *template.Template }

// Parse parses a template.
func Parse(text string) (*Template, error) {
	t, err := template.New("template").Parse(text)
	if err != nil {
		return nil, err
	}
	return &Template{t}, nil
}

// MustParse is Parse for templates that are known to be sound; it panics on others.
func MustParse(text string) *Template {
	t, err := Parse(text)
	if err != nil {
		panic("gotext: " + err.Error())
	}
	return t
}

// ParseFile reads a template from a file.
func ParseFile(path string) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	t, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("template file %s: %w", path, err)
	}
	return t, nil
}

// Render executes the template. Of one that fails, nothing is returned.
func (t *Template) Render(v content.Values) ([]byte, error) {
	var b bytes.Buffer
	if err := t.template.Execute(&b, v.Map()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
