// Package gohtml makes bodies by Go's HTML templates: values are escaped as their
// place in the page demands. A value that is missing prints as nothing.
package gohtml

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"

	"github.com/aileron-gateway/aileronc/runtime/content"
)

// A Template is a parsed HTML template.
type Template struct{ template *template.Template }

// Parse parses a template.
func Parse(text string) (*Template, error) {
	t, err := template.New("template").Parse(text)
	if err != nil {
		return nil, err
	}
	// Where values stand in the page is analysed by the first execution. It may fail for
	// want of values, that's no fault of the template.
	err = t.Execute(io.Discard, map[string]any{})
	if e, ok := errors.AsType[*template.Error](err); ok {
		return nil, e
	}
	return &Template{t}, nil
}

// MustParse is Parse for templates that are known to be sound; it panics on others.
func MustParse(text string) *Template {
	t, err := Parse(text)
	if err != nil {
		panic("gohtml: " + err.Error())
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
