package kinds

import (
	"errors"
	htmltemplate "html/template"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// Most templates are a text with a few values in it. They need no template engine in
// the gateway: they're turned into content.Pattern, or into plain text if nothing in
// them changes. The engines stay for the others.

// A goTemplate is a template of one of Go's packages.
type goTemplate struct {
	tree *parse.Tree // of GoHTML with its escapers, which follow each value; nil for an empty template
	html bool
	many bool // it defines other templates
}

var startedAt = regexp.MustCompile(`started at template:(\d+)`)

var templateErrorPrefix = regexp.MustCompile(`^(html/)?template: ?(template)?:?(\d+)?(:\d+)?:? *`)

// parseTemplate parses a template of type GoText or GoHTML.
func parseTemplate(text string, typ TemplateType) (*goTemplate, error) {
	if typ == "GoText" {
		t, err := template.New("template").Parse(text)
		if err != nil {
			return nil, templateError(err)
		}
		return &goTemplate{tree: t.Tree, many: len(t.Templates()) > 1}, nil
	}
	t, err := htmltemplate.New("template").Parse(text)
	if err != nil {
		return nil, templateError(err)
	}
	// The first execution puts in the escapers. That it fails for want of values doesn't matter.
	err = t.Execute(io.Discard, map[string]any{})
	if e, ok := errors.AsType[*htmltemplate.Error](err); ok {
		return nil, templateError(e)
	}
	return &goTemplate{tree: t.Tree, html: true, many: len(t.Templates()) > 1}, nil
}

// templateError words an error of the template packages as a clause: "template:
// template:2: unclosed action" as "line 2: unclosed action".
func templateError(err error) error {
	text := err.Error()
	text = startedAt.ReplaceAllString(text, "that began in line $1")
	text, _, _ = strings.Cut(text, ": {state") // a dump of the escaper's state
	m := templateErrorPrefix.FindStringSubmatch(text)
	if m == nil {
		return errors.New(text)
	}
	if rest := text[len(m[0]):]; m[3] != "" {
		return errors.New("line " + m[3] + ": " + rest)
	} else if rest != "" {
		return errors.New(rest)
	}
	return errors.New(text)
}

// unknown returns the names that the template uses at its top level, but that aren't
// among those that have values.
func (t *goTemplate) unknown(names []string) []string {
	var found []string
	for _, n := range t.nodes() {
		if name, ok := t.field(n); ok && !slices.Contains(names, name) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

type folding int

const (
	notFolded     folding = iota
	foldedText            // nothing in it changes
	foldedPattern         // text and values
)

// fold turns the template into a pattern of content.Pattern. texts are the names of
// values that are text, others those of other values.
func (t *goTemplate) fold(texts, others []string) (string, folding) {
	if t.many || t.tree == nil {
		return "", notFolded
	}
	var pattern, text strings.Builder
	kind := foldedText
	for _, n := range t.nodes() {
		if n, ok := n.(*parse.TextNode); ok {
			text.Write(n.Text)
			continue
		}
		name, ok := t.field(n)
		switch {
		case !ok || slices.Contains(others, name):
			return "", notFolded
		case !slices.Contains(texts, name):
			if !t.html {
				text.WriteString("<no value>")
			}
		case strings.Contains(text.String(), "{{") || strings.HasSuffix(text.String(), "{"):
			return "", notFolded // it would look like a name
		default:
			pattern.WriteString(text.String() + "{{" + name + "}}")
			text.Reset()
			kind = foldedPattern
		}
	}
	if kind == foldedPattern && strings.Contains(text.String(), "{{") {
		return "", notFolded
	}
	return pattern.String() + text.String(), kind
}

func (t *goTemplate) nodes() []parse.Node {
	if t.tree == nil || t.tree.Root == nil {
		return nil
	}
	return t.tree.Root.Nodes
}

// field returns the name that an action prints, if it does nothing else: {{.status}}.
func (t *goTemplate) field(n parse.Node) (string, bool) {
	action, ok := n.(*parse.ActionNode)
	if !ok || len(action.Pipe.Decl) > 0 || len(action.Pipe.Cmds) == 0 || len(action.Pipe.Cmds[0].Args) != 1 {
		return "", false
	}
	rest := action.Pipe.Cmds[1:]
	if t.html && (len(rest) != 1 || !isPlainEscaper(rest[0])) || !t.html && len(rest) > 0 {
		return "", false
	}
	field, ok := action.Pipe.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok || len(field.Ident) != 1 {
		return "", false
	}
	return field.Ident[0], true
}

// isPlainEscaper reports whether a command escapes as content.NewHTMLPattern does: for
// the text of elements and for quoted attributes, but not for scripts and links.
func isPlainEscaper(c *parse.CommandNode) bool {
	if len(c.Args) != 1 {
		return false
	}
	name, ok := c.Args[0].(*parse.IdentifierNode)
	return ok && (name.Ident == "_html_template_htmlescaper" || name.Ident == "_html_template_attrescaper" || name.Ident == "_html_template_rcdataescaper")
}
