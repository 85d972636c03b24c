package compiler

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// A mutator makes new configs of known ones by changes of their structure.
type mutator struct {
	rnd *rand.Rand
	// values are all values that the known configs have, by their key.
	values map[string][]*yaml.Node
	keys   []string // of values, sorted
}

// seeds are the configs of the golden cases and of the examples, but for those with a
// GoPlugin: each look at one is a call of the go command.
func seeds(t testing.TB) (dirs, texts []string) {
	t.Helper()
	for _, pattern := range []string{"../golden/*/config.yaml", "../examples/*/config.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no configs at %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("GoPlugin")) {
				dirs, texts = append(dirs, filepath.Dir(file)), append(texts, string(text))
			}
		}
	}
	return dirs, texts
}

func newMutator(texts []string) *mutator {
	m := &mutator{values: make(map[string][]*yaml.Node)}
	for _, text := range texts {
		docs, _ := documents(text)
		for _, d := range docs {
			for _, at := range places(d) {
				if at.key != "" {
					m.values[at.key] = append(m.values[at.key], *at.value)
				}
			}
		}
	}
	for key := range m.values {
		m.keys = append(m.keys, key)
	}
	slices.Sort(m.keys)
	return m
}

// documents parses a YAML text.
func documents(text string) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		n := new(yaml.Node)
		switch err := dec.Decode(n); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, n)
	}
}

// A place is where a value stands: in a mapping or in a list.
type place struct {
	parent *yaml.Node
	index  int
	key    string // "" in a list
	value  **yaml.Node
}

// places are all values below n.
func places(n *yaml.Node) []place {
	var out []place
	if n.Kind == yaml.AliasNode {
		return nil
	}
	for i := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		p := place{parent: n, index: i, value: &n.Content[i]}
		if n.Kind == yaml.MappingNode {
			p.key = n.Content[i-1].Value
		}
		out = append(out, p)
		out = append(out, places(n.Content[i])...)
	}
	return out
}

// mutate returns the text with up to three changes that seed decides, or "" if it can't.
func (m *mutator) mutate(text string, seed uint64) string {
	docs, err := documents(text)
	if err != nil || len(docs) == 0 {
		return ""
	}
	m.rnd = rand.New(rand.NewPCG(seed, 1))
	for range 1 + m.rnd.IntN(3)*m.rnd.IntN(2) {
		docs = m.change(docs)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	for _, d := range docs {
		if enc.Encode(d) != nil {
			return ""
		}
	}
	if enc.Close() != nil {
		return ""
	}
	return b.String()
}

func (m *mutator) change(docs []*yaml.Node) []*yaml.Node {
	var all []place
	for _, d := range docs {
		all = append(all, places(d)...)
	}
	if len(all) == 0 {
		return docs
	}
	p, other := all[m.rnd.IntN(len(all))], all[m.rnd.IntN(len(all))]
	switch m.rnd.IntN(16) {
	case 0:
		return m.changeDocuments(docs)
	case 1: // drop
		from := p.index
		if p.key != "" {
			from--
		}
		p.parent.Content = slices.Delete(p.parent.Content, from, p.index+1)
	case 2: // double
		if p.key != "" {
			p.parent.Content = append(p.parent.Content, scalar(p.key), clone(*p.value))
		} else {
			p.parent.Content = slices.Insert(p.parent.Content, p.index, clone(*p.value))
		}
	case 3: // another name
		if p.key != "" {
			key := *p.parent.Content[p.index-1]
			key.Value = m.pick(m.pick(m.keys...), strings.ToUpper(p.key[:1])+p.key[1:], p.key+"s", m.pick(odd...))
			p.parent.Content[p.index-1] = &key
		}
	case 4, 5: // the value of somebody else
		*p.value, *other.value = *other.value, *p.value
	case 6: // nesting
		for range 1 + m.rnd.IntN(4) {
			*p.value = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{*p.value}}
		}
	case 7:
		for range 1 + m.rnd.IntN(200) {
			*p.value = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(m.pick(m.keys...)), *p.value}}
		}
	case 8:
		*p.value = &yaml.Node{Kind: m.pickKind()}
	case 9, 10: // a value that stands at the same key elsewhere
		if same := m.values[p.key]; len(same) > 0 {
			*p.value = clone(same[m.rnd.IntN(len(same))])
		}
	case 11: // a field that belongs elsewhere
		if (*p.value).Kind == yaml.MappingNode {
			key := m.pick(m.keys...)
			(*p.value).Content = append((*p.value).Content, scalar(key), clone(m.values[key][m.rnd.IntN(len(m.values[key]))]))
		}
	case 12:
		*p.value = quoted(m.pick(odd...))
	case 13:
		*p.value = scalar(m.pick(numbers...))
	default:
		text := m.pick(expressions...)
		if (*p.value).Kind == yaml.ScalarNode {
			text = m.pick(text, (*p.value).Value+text, "${A:-"+(*p.value).Value+"}")
		}
		*p.value = scalar(text)
	}
	return docs
}

func (m *mutator) changeDocuments(docs []*yaml.Node) []*yaml.Node {
	i, j := m.rnd.IntN(len(docs)), m.rnd.IntN(len(docs))
	switch m.rnd.IntN(3) {
	case 0:
		docs[i], docs[j] = docs[j], docs[i]
	case 1:
		docs = append(docs, clone(docs[i]))
	default:
		docs = slices.Delete(docs, i, i+1)
	}
	return docs
}

func (m *mutator) pick(among ...string) string { return among[m.rnd.IntN(len(among))] }

func (m *mutator) pickKind() yaml.Kind {
	return []yaml.Kind{yaml.MappingNode, yaml.SequenceNode}[m.rnd.IntN(2)]
}

// clone copies a tree: a node that stands in two places could come to stand in itself.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		c.Content[i] = clone(n.Content[i])
	}
	return &c
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func quoted(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}

var odd = []string{
	"", " ", "é", "日本", "\u202e", "`", "`\"\\", "a\nb", "a\r\nb", "*/", "//", "\x00", "\ufeff", "%s%!d", "{{.}}", "{{", "\u2028", "_", "-", ".", "..", "/",
	"0", "func", "type", "init", "main", "err", "vars", "éa", "x", strings.Repeat("x", 300), strings.Repeat("é-", 100), "a/b", "a:b", "[::1]:80", "999.1.1.1:99999",
	"template", "default", "(", "[", "a**", "https://", "http://[::1", "null", "true", "*", "{x}", "{x...}", "{$}", "GET /", "\U0001f600", "ß", "ſ", "ǅ", "K",
}

var numbers = []string{
	"0", "-1", "1", "2147483647", "2147483648", "-2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
	"18446744073709551615", "18446744073709551616", "1e3", "1e30", "0.5", ".inf", ".nan", "0x7f", "0o17", "1_000", "007", "true", "null", "~", "2001-12-14", "!!binary aGk=",
}

var expressions = []string{
	"${A}", "${A:-}", "${A:-b}", "x${A}y", "${A}${B:-2}", "${A:?no}", "${A:=5}", "${A", "${", "${}", "${A/b/c}", "${A//[/c}", "${A#*}", "${!A}", "${A:1:2}", "${A^^}", "$${A}",
	"${A:-${B:-`}}", "${A:-\"}", "${É}", "${A@Q}", "${#A}",
}
