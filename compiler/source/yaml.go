package source

import (
	"io"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"go.yaml.in/yaml/v4"
)

// parseYAML reads the documents of t. Each is read on its own, so that a mistake in
// one doesn't hide the others: a line that begins with "---" and a blank separates
// documents wherever it stands (YAML 1.2, section 9.1.2).
func parseYAML(t *text, list *diag.List) []*Node {
	var roots []*Node
	lines := strings.SplitAfter(t.data, "\n")
	for start := 0; start < len(lines); {
		end := start + 1
		for end < len(lines) && !isSeparator(lines[end]) {
			end++
		}
		var chunk strings.Builder
		for _, line := range lines[start:end] {
			chunk.WriteString(standard(line))
		}
		b := &builder{text: t, list: list, above: start, end: t.offset(end+1, 1)}
		roots = append(roots, b.documents(chunk.String())...)
		start = end
	}
	return roots
}

func isSeparator(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || strings.ContainsRune(" \t\n", rune(rest[0])) || isRuler(line))
}

// isRuler tells a longer row of hyphens, which people like to draw between documents,
// and which is no YAML otherwise.
func isRuler(line string) bool {
	return strings.HasPrefix(line, "----") && strings.Trim(line, "- \t\n") == ""
}

// standard turns the lines that the parser refuses, but that are common, into what
// they mean, without a change of columns.
func standard(line string) string {
	switch {
	case isRuler(line):
		return "---" + strings.ReplaceAll(line[3:], "-", " ")
	case strings.HasPrefix(line, "%YAML 1."):
		return "#" + line[1:]
	}
	return line
}

// A builder turns the documents in one chunk of a file into trees.
type builder struct {
	text  *text
	list  *diag.List
	above int // lines before the chunk
	end   int // the offset at which the chunk ends

	done    map[*yaml.Node]built // what aliases may stand for
	aliased int                  // how many nodes they have stood for
}

// built is a node with the number of nodes in it. It's zero while it is being built.
type built struct {
	node *Node
	size int
}

// maxAliased limits what the aliases of a document stand for. A document of some lines
// can mean billions of nodes; nobody needs that many routes.
const maxAliased = 200_000

// documents reads the documents of a chunk. Blank lines at its end aren't part of the last
// value: a block scalar that ends a document has no line feed at its end, in AILERON
// Gateway, too.
func (b *builder) documents(chunk string) (roots []*Node) {
	docs, err := loadChunk(strings.TrimRight(chunk, " \n"))
	if err != nil {
		docs, err = loadChunk(chunk) // mistakes at the end are described by what stands there
	}
	for _, doc := range docs {
		b.done, b.aliased = make(map[*yaml.Node]built), 0
		roots = append(roots, b.node(doc).node)
	}
	b.syntax(err)
	return roots
}

// loadChunk returns the documents of a chunk as far as they can be read.
func loadChunk(chunk string) (docs []*yaml.Node, err error) {
	loader, err := yaml.NewLoader(strings.NewReader(chunk))
	for err == nil {
		var doc yaml.Node
		if err = loader.Load(&doc); err == nil && len(doc.Content) == 1 {
			docs = append(docs, doc.Content[0])
		}
	}
	if err == io.EOF {
		err = nil
	}
	return docs, err
}

func (b *builder) node(n *yaml.Node) built {
	if n.Kind == yaml.AliasNode {
		return b.alias(n)
	}
	if n.Anchor != "" {
		b.done[n] = built{}
	}
	r := built{&Node{Pos: b.pos(n)}, 1}
	switch n.Kind {
	case yaml.MappingNode:
		r.node.Kind = Map
		r.size += b.mapping(r.node, n.Content)
	case yaml.SequenceNode:
		r.node.Kind = List
		for _, c := range n.Content {
			item := b.node(c)
			r.node.Items = append(r.node.Items, item.node)
			r.size += item.size
		}
	default:
		r.node.Kind, r.node.Type = typeOf(n)
		r.node.Text = n.Value
		r.node.Quoted = n.Style&quoted != 0 && r.node.Type == String
	}
	if n.Anchor != "" {
		b.done[n] = r
	}
	return r
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func (b *builder) alias(n *yaml.Node) built {
	null := built{&Node{Pos: b.pos(n)}, 1}
	target := b.done[n.Alias]
	if target.node == nil {
		b.list.Errorf(null.node.Pos, diag.BadAlias, "*%s stands in what it stands for", n.Value)
		return null
	}
	if b.aliased > maxAliased {
		return null // it has been said
	}
	if b.aliased += target.size; b.aliased > maxAliased {
		b.list.Errorf(null.node.Pos, diag.BadAlias, "the aliases up to here stand for more than %d values", maxAliased)
		return null
	}
	return target
}

// mapping fills in the fields of a Map, and returns the number of nodes in them.
func (b *builder) mapping(m *Node, content []*yaml.Node) (size int) {
	first := make(map[string]diag.Pos)
	var merged []*Node
	for i := 0; i+1 < len(content); i += 2 {
		value := b.node(content[i+1])
		size += value.size
		if content[i].ShortTag() == "!!merge" {
			merged = append(merged, b.merge(value.node)...)
			continue
		}
		key := b.node(content[i])
		if key.node.Kind > Scalar {
			b.list.Errorf(key.node.Pos, diag.Syntax, "a key must be text, not %s", key.node.what())
			continue
		}
		f := Field{Key: key.node.Text, KeyPos: b.pos(content[i]), Value: value.node}
		if p, ok := first[f.Key]; ok {
			duplicateKey(b.list, &f, p)
			continue
		}
		first[f.Key] = f.KeyPos
		m.Fields = append(m.Fields, f)
	}
	for _, from := range merged {
		for _, f := range from.Fields {
			if _, ok := first[f.Key]; !ok {
				first[f.Key] = f.KeyPos
				m.Fields = append(m.Fields, f)
			}
		}
	}
	return size
}

func duplicateKey(list *diag.List, f *Field, first diag.Pos) {
	list.Errorf(f.KeyPos, diag.DuplicateKey, "the key %q is there twice", f.Key).Notef(first, "the first one is here")
}

// merge returns the mappings whose fields a merge key adds, the first one wins.
func (b *builder) merge(value *Node) []*Node {
	from := []*Node{value}
	if value.Kind == List {
		from = value.Items
	}
	for _, n := range from {
		if n.Kind != Map {
			b.list.Errorf(n.Pos, diag.BadAlias, "<< must be a mapping or a list of mappings, not %s", n.what())
			return nil
		}
	}
	return from
}

// pos is the position of n. Its end is known for scalars on one line, and aliases.
func (b *builder) pos(n *yaml.Node) diag.Pos {
	start := b.text.offset(n.Line+b.above, n.Column)
	rest, _, _ := strings.Cut(b.text.data[start:], "\n")
	return b.text.pos(start, start+width(n, rest))
}

// width returns how many bytes n takes at the beginning of rest, which is the rest of
// a line; 0 if that is unknown.
func width(n *yaml.Node, rest string) int {
	if n.Kind == yaml.AliasNode {
		return 1 + len(n.Value)
	}
	if n.Kind != yaml.ScalarNode {
		return 0
	}
	value := rest
	for value != "" && (value[0] == '&' || value[0] == '!') { // an anchor, a tag
		_, value, _ = strings.Cut(value, " ")
		value = strings.TrimLeft(value, " \t")
	}
	size := 0
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		size = quotedSize(value, '\'', '\'')
	case n.Style&yaml.DoubleQuotedStyle != 0:
		size = quotedSize(value, '"', '\\')
	case n.Style&quoted == 0 && strings.HasPrefix(value, n.Value):
		size = len(n.Value)
	}
	if size == 0 {
		return 0
	}
	return len(rest) - len(value) + size
}

// quotedSize is the length of the quoted text at the beginning of s, with its quotes,
// or 0 if it doesn't end there.
func quotedSize(s string, quote, escape byte) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == escape && i+1 < len(s) && (escape != quote || s[i+1] == quote):
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return 0
}
