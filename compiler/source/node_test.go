package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/google/go-cmp/cmp"
)

// outline writes a tree with its positions, one node a line.
func outline(n *Node) string {
	var b strings.Builder
	var walk func(n *Node, key, indent string)
	walk = func(n *Node, key, indent string) {
		fmt.Fprintf(&b, "%s%s", indent, key)
		switch n.Kind {
		case Null:
			b.WriteString("null")
		case Scalar:
			fmt.Fprintf(&b, "%s %q", [...]string{"string", "int", "float", "bool", "timestamp", "binary"}[n.Type], n.Text)
			if n.Quoted {
				b.WriteString(" quoted")
			}
		case List:
			b.WriteString("list")
		case Map:
			b.WriteString("map")
		}
		fmt.Fprintf(&b, " %d:%d-%d\n", n.Pos.Line, n.Pos.Col, n.Pos.End)
		for _, f := range n.Fields {
			walk(f.Value, fmt.Sprintf("%s(%d:%d-%d): ", f.Key, f.KeyPos.Line, f.KeyPos.Col, f.KeyPos.End), indent+"  ")
		}
		for _, i := range n.Items {
			walk(i, "- ", indent+"  ")
		}
	}
	walk(n, "", "")
	return b.String()
}

// tree parses one document.
func tree(t *testing.T, name, content string) (*Node, string) {
	t.Helper()
	list := new(diag.List)
	text := newText(name, []byte(content))
	parse := parseYAML
	if strings.HasSuffix(name, ".json") {
		parse = parseJSON
	}
	roots := parse(text, list)
	if len(roots) == 0 {
		return nil, rendered(list, Files{name: []byte(text.data)})
	}
	return roots[0], rendered(list, Files{name: []byte(text.data)})
}

func TestTrees(t *testing.T) {
	for _, tt := range []struct{ name, file, content, want string }{
		{"types", "a.yaml", `plain: some text # comment
int: [0644, 0x10, 1_000, -5]
float: [1e3, 5.0, .inf]
bool: [true, False, yes]
null: [~, null, ]
date: 2001-01-01
tag: [!!str 5, !!binary aGk=, !mine x]
single: 'it''s'
double: "a\"b\u00e4"
`, `map 1:1-0
  plain(1:1-6): string "some text" 1:8-17
  int(2:1-4): list 2:6-0
    - int "0644" 2:7-11
    - int "0x10" 2:13-17
    - int "1_000" 2:19-24
    - int "-5" 2:26-28
  float(3:1-6): list 3:8-0
    - float "1e3" 3:9-12
    - float "5.0" 3:14-17
    - float ".inf" 3:19-23
  bool(4:1-5): list 4:7-0
    - bool "true" 4:8-12
    - bool "False" 4:14-19
    - string "yes" 4:21-24
  null(5:1-5): list 5:7-0
    - null 5:8-9
    - null 5:11-15
  date(6:1-5): timestamp "2001-01-01" 6:7-17
  tag(7:1-4): list 7:6-0
    - string "5" 7:7-14
    - binary "aGk=" 7:16-29
    - string "x" 7:31-38
  single(8:1-7): string "it's" quoted 8:9-16
  double(9:1-7): string "a\"bä" quoted 9:9-21
`},
		{"lines", "a.yaml", `block: |
  one
  two
folded: >-
  one
  two
plain: one
  two
quoted: "one
  two"
empty:
`, `map 1:1-0
  block(1:1-6): string "one\ntwo\n" quoted 1:8-0
  folded(4:1-7): string "one two" quoted 4:9-0
  plain(7:1-6): string "one two" 7:8-0
  quoted(9:1-7): string "one two" quoted 9:9-0
  empty(11:1-6): null 11:7-0
`},
		{"characters, not bytes", "a.yaml", "{ä: [ö, \"ü\"], 日本: x}\n", `map 1:1-0
  ä(1:2-3): list 1:5-0
    - string "ö" 1:6-7
    - string "ü" quoted 1:9-12
  日本(1:15-17): string "x" 1:19-20
`},
		{"anchors and aliases", "a.yaml", `a: &x {b: 1}
c: *x
d: &y text
*y : *y
`, `map 1:1-0
  a(1:1-2): map 1:4-0
    b(1:8-9): int "1" 1:11-12
  c(2:1-2): map 1:4-0
    b(1:8-9): int "1" 1:11-12
  d(3:1-2): string "text" 3:4-11
  text(4:1-3): string "text" 3:4-11
`},
		{"merge keys: explicit ones win, then the first", "a.yaml", `base: &b {p: 1, q: 2}
more: &m {q: 3, r: 4}
use:
  <<: [*b, *m]
  p: 0
one: {<<: *m, "<<": text}
two: {<<: {<<: *b, s: 5}}
`, `map 1:1-0
  base(1:1-5): map 1:7-0
    p(1:11-12): int "1" 1:14-15
    q(1:17-18): int "2" 1:20-21
  more(2:1-5): map 2:7-0
    q(2:11-12): int "3" 2:14-15
    r(2:17-18): int "4" 2:20-21
  use(3:1-4): map 4:3-0
    p(5:3-4): int "0" 5:6-7
    q(1:17-18): int "2" 1:20-21
    r(2:17-18): int "4" 2:20-21
  one(6:1-4): map 6:6-0
    <<(6:15-19): string "text" 6:21-25
    q(2:11-12): int "3" 2:14-15
    r(2:17-18): int "4" 2:20-21
  two(7:1-4): map 7:6-0
    s(7:20-21): int "5" 7:23-24
    p(1:11-12): int "1" 1:14-15
    q(1:17-18): int "2" 1:20-21
`},
		{"other keys", "a.yaml", "403: a\ntrue: b\n~: c\n'': d\n", `map 1:1-0
  403(1:1-4): string "a" 1:6-7
  true(2:1-5): string "b" 2:7-8
  ~(3:1-2): string "c" 3:4-5
  (4:1-3): string "d" 4:5-6
`},
		{"second document", "a.yaml", "---\r\n# c\r\na: 1\r\n", `map 3:1-0
  a(3:1-2): int "1" 3:4-5
`},
		{"JSON in YAML", "a.yaml", "{\n\t\"a\":\t1,\n\t\"b\": [\t\"x\\/y\"]\n}", `map 1:1-0
  a(2:2-5): int "1" 2:7-8
  b(3:2-5): list 3:7-0
    - string "x/y" quoted 3:9-15
`},
		{"JSON", "a.json", "{\"a\": [1, -2.5e3, true, null, \"\\ud83d\\ude00 \\u00e4\"],\n \"ä\": {}, \"e\": []}", `map 1:1-0
  a(1:2-5): list 1:7-53
    - int "1" 1:8-9
    - float "-2.5e3" 1:11-17
    - bool "true" 1:19-23
    - null 1:25-29
    - string "😀 ä" quoted 1:31-52
  ä(2:2-5): map 2:7-9
  e(2:11-14): list 2:16-18
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, list := tree(t, tt.file, tt.content)
			if list != "" {
				t.Fatal(list)
			}
			if d := cmp.Diff(tt.want, outline(n)); d != "" {
				t.Error(d)
			}
		})
	}
}

// The lines are those of the findings, without the source.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ name, file, content, want string }{
		{"duplicate key", "a.yaml", "a: 1\nb: {c: 1, c: 2}\na: 3\n", `a.yaml:2:11: error[duplicate-key]: the key "c" is there twice
    2 | b: {c: 1, c: 2}
      |           ^
a.yaml:2:5: note: the first one is here
a.yaml:3:1: error[duplicate-key]: the key "a" is there twice
    3 | a: 3
      | ^
a.yaml:1:1: note: the first one is here
`},
		{"each document on its own", "a.yaml", "a: [1\n---\nb: 'x\n---\nc: 1\n---\nd: x: y\n", `a.yaml:1:4: error[syntax]: the list that begins here isn't closed
    1 | a: [1
      |    ^
a.yaml:3:4: error[syntax]: the quote isn't closed
    3 | b: 'x
      |    ^
a.yaml:7:5: error[syntax]: mapping values are not allowed in this context
    7 | d: x: y
      |     ^ is the line indented too far? text with ": " in it needs quotes
`},
		{"bracket closed too late", "a.yaml", "a: {b: 1\nc: 2\n", `a.yaml:2:2: error[syntax]: did not find expected ',' or '}'
    2 | c: 2
      |  ^
a.yaml:1:4: note: while parsing a flow mapping that begins here
`},
		{"tab", "a.yaml", "a:\n\tb: 1\n", "a.yaml:2:1: error[syntax]: a tab can't indent\n    2 | \tb: 1\n      | ^ use spaces\n"},
		{"reserved character", "a.yaml", "é: @x\n", "a.yaml:1:4: error[syntax]: text can't begin with @\n    1 | é: @x\n      |    ^ put it in quotes\n"},
		{"indent", "a.yaml", "a:\n  b: 1\n c: 2\n", `a.yaml:3:2: error[syntax]: did not find expected key
    3 |  c: 2
      |  ^ is the indent of this line the same as that of its neighbours?
a.yaml:1:1: note: while parsing a block mapping that begins here
`},
		{"unknown anchor", "a.yaml", "a: &x 1\n---\nb: *x\n", "a.yaml:3:4: error[bad-alias]: there is no anchor &x before it in this document\n    3 | b: *x\n      |    ^\n"},
		{"alias in itself", "a.yaml", "a: &x [1, *x]\n", "a.yaml:1:11: error[bad-alias]: *x stands in what it stands for\n    1 | a: &x [1, *x]\n      |           ^^\n"},
		{"merge of a list of numbers", "a.yaml", "a: {<<: [1]}\n", "a.yaml:1:10: error[bad-alias]: << must be a mapping or a list of mappings, not a number\n    1 | a: {<<: [1]}\n      |          ^\n"},
		{"list as key", "a.yaml", "[a]: 1\n", "a.yaml:1:1: error[syntax]: a key must be text, not a list\n    1 | [a]: 1\n      | ^\n"},
		{"JSON: comma", "a.json", "{\"a\": 1 \"b\": 2}", "a.json:1:9: error[syntax]: expected a comma or }, not \"\n    1 | {\"a\": 1 \"b\": 2}\n      |         ^\n"},
		{"JSON: trailing comma", "a.json", "[1, ]\n", "a.json:1:5: error[syntax]: expected a value, not ]\n    1 | [1, ]\n      |     ^\n"},
		{"JSON: end", "a.json", "{\"a\": [", "a.json:1:8: error[syntax]: expected a value, but the file ends\n    1 | {\"a\": [\n      |        ^\n"},
		{"JSON: key", "a.json", "{a: 1}", "a.json:1:2: error[syntax]: expected a key in quotes, not a\n    1 | {a: 1}\n      |  ^\n"},
		{"JSON: colon", "a.json", "{\"a\" 1}", "a.json:1:6: error[syntax]: expected a colon, not 1\n    1 | {\"a\" 1}\n      |      ^\n"},
		{"JSON: word", "a.json", "[yes]", "a.json:1:2: error[syntax]: expected a value, not y\n    1 | [yes]\n      |  ^\n"},
		{"JSON: number", "a.json", "[01]", "a.json:1:2: error[syntax]: expected a value, not 0\n    1 | [01]\n      |  ^\n"},
		{"JSON: quote", "a.json", "[\"a]\n", "a.json:1:2: error[syntax]: the quote isn't closed\n    1 | [\"a]\n      |  ^\n"},
		{"JSON: escape", "a.json", `["\x"]`, "a.json:1:2: error[syntax]: the text has a bad escape sequence or a control character\n    1 | [\"\\x\"]\n      |  ^^^^\n"},
		{"JSON: duplicate and two documents", "a.json", "{\"a\": 1, \"a\": 2}\n---\n[", `a.json:1:10: error[duplicate-key]: the key "a" is there twice
    1 | {"a": 1, "a": 2}
      |          ^^^
a.json:1:2: note: the first one is here
a.json:3:2: error[syntax]: expected a value, but the file ends
    3 | [
      |  ^
`},
		{"JSON: nesting", "a.json", "[1,\n" + strings.Repeat("[", maxDepth+1) + "\n---\n{\"x\" 1}", "a.json:4:6: error[syntax]: expected a colon, not 1\n    4 | {\"x\" 1}\n      |      ^\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, list := tree(t, tt.file, tt.content)
			if tt.name == "JSON: nesting" { // the line is too long to show
				first, rest, _ := strings.Cut(list, "a.json:4")
				if !strings.Contains(first, "a.json:2:10001: error[syntax]: expected no deeper nesting") {
					t.Error(first)
				}
				list = "a.json:4" + rest
			}
			if d := cmp.Diff(tt.want, list); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBillionLaughs(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	_, list := tree(t, "a.yaml", b.String())
	if strings.Count(list, "error[bad-alias]: the aliases up to here stand for more than 200000 values") != 1 {
		t.Error(list)
	}
}

func TestLongLineIsLinear(t *testing.T) {
	content := "{" + strings.Repeat(`"ä": [1, 2], `, 1) + "\"b\": [" + strings.Repeat(`"é", `, 100_000) + "1]}"
	n, list := tree(t, "a.json", content)
	if list != "" || len(n.Get("b").Value.Items) != 100_001 {
		t.Fatal(list)
	}
	last := n.Get("b").Value.Items[100_000]
	if want := len([]rune(content)) - 2; last.Pos.Col != want {
		t.Errorf("the last column is %d, want %d", last.Pos.Col, want)
	}
}

func BenchmarkLoad(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, "---\napiVersion: app/v1\nkind: EchoHandler\nmetadata: {name: n%d}\nspec:\n  patterns: [\"/a/%d\"]\n  methods:\n    - GET\n", i, i)
	}
	b.SetBytes(int64(s.Len()))
	b.ReportAllocs()
	for b.Loop() {
		docs, list := load("a.yaml", s.String())
		if len(docs) != 200 || list != "" {
			b.Fatal(list)
		}
	}
}
