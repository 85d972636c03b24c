package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// KindNames are the kinds, as apiVersion/kind.
func KindNames() []string {
	var names []string
	for i := range kinds.All {
		names = append(names, kinds.All[i].Type())
	}
	return names
}

// Topics are what Topic explains: the kinds, and the codes of findings.
func Topics() []string {
	topics := KindNames()
	for _, c := range diag.Codes {
		topics = append(topics, string(c.Code))
	}
	return topics
}

// Kinds prints the table of kinds.
func Kinds(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "KIND\tUSED AS\tWHAT IT IS")
	for i := range kinds.All {
		k := &kinds.All[i]
		var roles []string
		for _, r := range k.Roles {
			roles = append(roles, string(r))
		}
		if len(roles) > 3 {
			roles = append(roles[:3], "…")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", k.Type(), strings.Join(roles, ", "), Summary(k))
	}
	return tw.Flush()
}

// Summary is the first sentence of a kind's documentation.
func Summary(k *kinds.Kind) string {
	text, _, _ := strings.Cut(kindDoc(k), "\n\n")
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
	text, _, _ = strings.Cut(text, ". ")
	return strings.TrimSuffix(text, ".")
}

// kindDoc is the documentation of a kind: the comment of its spec, which begins with "XSpec is the spec of a X".
func kindDoc(k *kinds.Kind) string {
	text := loadDocs().typ(reflect.TypeOf(k.New()).Elem())
	for _, article := range []string{"a", "an", "the"} {
		prefix := reflect.TypeOf(k.New()).Elem().Name() + " is the spec of " + article + " " + k.Name
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			rest = strings.TrimLeft(rest, " ,:.;")
			for _, w := range []string{"which ", "that ", "what "} {
				rest = strings.TrimPrefix(rest, w)
			}
			return upperFirst(rest)
		}
	}
	return text
}

// Topic explains "core/v1/HTTPServer", "core/v1/HTTPServer.spec.addr", or the code of a finding.
func Topic(w io.Writer, topic string) error {
	for _, c := range diag.Codes {
		if string(c.Code) == topic {
			return code(w, c)
		}
	}
	name, path, _ := strings.Cut(strings.TrimRight(topic, "."), ".")
	k := find(name)
	if k == nil {
		return unknown(fmt.Sprintf("there's nothing called %q", name), name, Topics())
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "KIND:     %s\n", k.Name)
	fmt.Fprintf(&b, "VERSION:  %s\n\n", k.APIVersion)
	if err := kindTopic(&b, k, path); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}

// kindTopic explains a kind, or the field at a path in it.
func kindTopic(w io.Writer, k *kinds.Kind, path string) error {
	t := reflect.TypeOf(k.New()).Elem()
	v := reflect.ValueOf(k.New()).Elem()
	if path == "" || path == "spec" {
		paragraph(w, "DESCRIPTION:", kindDoc(k))
		return fields(w, t, v)
	}
	if path == "metadata" || strings.HasPrefix(path, "metadata.") {
		t = reflect.TypeFor[resource.Metadata]()
		return descend(w, "metadata", strings.Split(path, ".")[1:], t, reflect.New(t).Elem())
	}
	return descend(w, k.Name, strings.Split(strings.TrimPrefix(path, "spec."), "."), t, v)
}

// find looks a kind up by apiVersion/kind, or by its name alone, in upper or lower case.
func find(name string) *kinds.Kind {
	for i := range kinds.All {
		if k := &kinds.All[i]; strings.EqualFold(k.Type(), name) || strings.EqualFold(k.Name, name) {
			return k
		}
	}
	return nil
}

// unknown is an error that says what word may have been meant to be.
func unknown(message, word string, among []string) error {
	if s := diag.Suggest(word, among); s != "" {
		return fmt.Errorf("%s; did you mean %q?", message, s)
	}
	for i := range kinds.All { // the name of a kind without its version
		if s := diag.Suggest(word, []string{kinds.All[i].Name}); s != "" {
			return fmt.Errorf("%s; did you mean %q?", message, kinds.All[i].Type())
		}
	}
	return fmt.Errorf("%s; the kinds are listed by: aileronc explain", message)
}

func code(w io.Writer, c diag.CodeDoc) error {
	fmt.Fprintf(w, "CODE:     %s\n\n", c.Code)
	paragraph(w, "DESCRIPTION:", strings.TrimSpace(c.Title+". "+c.Text))
	if c.Example != "" {
		fmt.Fprintln(w, "EXAMPLE:")
		for line := range strings.Lines(strings.TrimSpace(c.Example) + "\n") {
			fmt.Fprint(w, "  ", line)
		}
	}
	return nil
}

// descend follows the names of a path into the structs of a spec. owner is what the first of them belongs to.
func descend(w io.Writer, owner string, names []string, t reflect.Type, v reflect.Value) error {
	if len(names) == 0 {
		return fields(w, t, v)
	}
	all := decode.Fields(t)
	at := slices.IndexFunc(all, func(f decode.Field) bool { return f.Name == names[0] || f.Alt == names[0] })
	if at < 0 {
		var known []string
		for _, f := range all {
			known = append(known, f.Name)
		}
		err := fmt.Errorf("%s has no field %q", owner, names[0])
		if s := diag.Suggest(names[0], known); s != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, s)
		}
		return err
	}
	f := all[at]
	inner, value := element(f.Type, v.Field(f.Index))
	if len(names) > 1 {
		if inner.Kind() != reflect.Struct {
			return fmt.Errorf("%s has no fields", f.Name)
		}
		return descend(w, f.Name, names[1:], inner, value)
	}
	fmt.Fprintf(w, "FIELD:    %s <%s>\n\n", f.Name, typeName(f.Type))
	paragraph(w, "DESCRIPTION:", loadDocs().field(t, f.GoName, f.Name))
	if c := constraints(f, v.Field(f.Index)); len(c) > 0 {
		paragraph(w, "CONSTRAINTS:", strings.Join(c, "; "))
	}
	if inner.Kind() == reflect.Struct && f.Type != reflect.TypeFor[decode.Map]() {
		return fields(w, inner, value)
	}
	return nil
}

// element is the type that a list or pointer holds, with a value that has its defaults.
func element(t reflect.Type, v reflect.Value) (reflect.Type, reflect.Value) {
	if t == reflect.TypeFor[decode.Map]() || t.Kind() != reflect.Slice && t.Kind() != reflect.Pointer {
		return t, v
	}
	e := reflect.New(t.Elem())
	if d, ok := reflect.TypeAssert[decode.Defaulter](e); ok {
		d.SetDefaults()
	}
	return element(t.Elem(), e.Elem())
}

func fields(w io.Writer, t reflect.Type, v reflect.Value) error {
	fmt.Fprintln(w, "FIELDS:")
	for _, f := range decode.Fields(t) {
		fmt.Fprintf(w, "  %s <%s>", f.Name, typeName(f.Type))
		if c := constraints(f, v.Field(f.Index)); len(c) > 0 {
			fmt.Fprintf(w, "  %s", strings.Join(c, "; "))
		}
		fmt.Fprintln(w)
		for line := range strings.Lines(wrap(loadDocs().field(t, f.GoName, f.Name), 84)) {
			fmt.Fprint(w, "      ", line)
		}
		fmt.Fprintln(w)
	}
	return nil
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[decode.Map]():
		return "map of strings"
	case t == reflect.TypeFor[resource.Ref]():
		return "reference"
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + typeName(t.Elem())
	case t.Kind() == reflect.Struct:
		if t.Name() == "" {
			return "object"
		}
		return strings.TrimSuffix(t.Name(), "Spec")
	case decode.EnumValues(t) != nil:
		return strings.Join(decode.EnumValues(t), " | ")
	}
	return t.Kind().String()
}

// constraints are what the tags of a field say, in words.
func constraints(f decode.Field, def reflect.Value) []string {
	var c []string
	tag := func(name, format string) {
		if v := f.Tag.Get(name); v != "" {
			if strings.Contains(format, "%") {
				format = fmt.Sprintf(format, v)
			}
			c = append(c, format)
		}
	}
	tag("required", "required")
	if !def.IsZero() && isPlain(def) {
		text, _ := json.Marshal(def.Interface())
		c = append(c, "default "+string(text))
	}
	tag("min", "at least %s")
	tag("max", "at most %s")
	tag("minlen", "not empty")
	tag("pattern", "must match %s")
	tag("unique", "no value twice")
	tag("format", "must be a %s")
	tag("oneof", "excludes the other %s")
	tag("role", "must be usable as a %s")
	tag("os", "only on %s")
	tag("fixed", "can't come from the environment at start")
	tag("reject", "not supported: %s")
	tag("inert", "no effect: %s")
	return c
}

// isPlain reports whether a default is short enough to be shown: a scalar, or a list of them.
func isPlain(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Map:
		return false
	case reflect.Slice:
		return v.Len() == 0 || isPlain(v.Index(0))
	}
	return true
}

func paragraph(w io.Writer, head, text string) {
	fmt.Fprintln(w, head)
	for line := range strings.Lines(wrap(text, 88)) {
		fmt.Fprint(w, "  ", line)
	}
	fmt.Fprintln(w)
}

// wrap breaks the paragraphs of text into lines of at most width characters. Indented ones
// stay as they are.
func wrap(text string, width int) string {
	var b strings.Builder
	for i, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		if table, ok := strings.CutPrefix(p, "\t"); ok { // or code, as in Go's doc comments
			b.WriteString("  " + strings.ReplaceAll(table, "\n\t", "\n  ") + "\n")
			continue
		}
		col := 0
		for word := range strings.FieldsSeq(p) {
			switch {
			case col == 0:
			case col+1+len(word) > width:
				b.WriteString("\n")
				col = 0
			default:
				b.WriteString(" ")
				col++
			}
			b.WriteString(word)
			col += len(word)
		}
		b.WriteString("\n")
	}
	return b.String()
}
