package envexpr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/internal/envexpr"
	"github.com/aileron-gateway/aileronc/internal/envexpr/posix"
	"github.com/google/go-cmp/cmp"
)

// testEnv is an environment with P set, E empty and U unset.
func testEnv() (*envexpr.Environment, map[string]string) {
	vars := map[string]string{
		"P": "value", "E": "", "N": "2", "NAME": "P", "FOO_P": "foo", "FOO_value": "bar", "MINUS": "-1",
		"W": "häu one two", "PATH2": "/a/b/c.tar.gz", "LINES": "a1\nb2", "EXPR": "${P}", "RE": "[aeiou]", "1": "one",
	}
	env := &envexpr.Environment{
		Lookup:  func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Assign:  func(name, value string) { vars[name] = value },
		Names:   func() []string { return []string{"FOO_value", "P", "FOO_P"} },
		Compile: posix.Compile,
	}
	return env, vars
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		// Text that stays.
		{"", ""}, {"plain", "plain"}, {"$P $1 $ $$ {P}", "$P $1 $ $$ {P}"},
		{"${}", "${}"}, {"${", "${"}, {"a${P", "a${P"}, {"${a.b}", "${a.b}"}, {"${P@Q}", "${P@Q}"}, {"${P@UX}", "${P@UX}"},
		{"${P Q}", "${P Q}"}, {"${-x}", "${-x}"}, {"${P:-x", "${P:-x"}, {"${P:-x\n}", "${P:-x\n}"}, {"${#P", "${#P"}, {"${!P", "${!P"}, {"${#P:-x}", "${#P:-x}"},
		{"${1}", "${1}"}, {"$1 ${12}", "$1 ${12}"}, {"${1:-x}", "${1:-x}"}, {"${#1}", "${#1}"}, {"${user.name} ${P}", "${user.name} value"},
		{"{{ .x }} ${P} {{ end }}", "{{ .x }} value {{ end }}"},
		// The escape.
		{"$${P}", "${P}"}, {"$${P}${P}", "${P}value"}, {"$$${P}", "$${P}"}, {"$${", "${"}, {"a$$b", "a$$b"},
		{"${U:-$${x}}", "${x}"}, {"$${A${P}}", "${Avalue}"},
		// Values, defaults, alternatives.
		{"${P}", "value"}, {"<${E}>", "<>"}, {"<${U}>", "<>"}, {"a${P}b${P}c", "avaluebvaluec"}, {"${P}", "value"},
		{"${P:-w}", "value"}, {"${E:-w}", "w"}, {"${U:-w}", "w"}, {"${P-w}", "value"}, {"<${E-w}>", "<>"}, {"${U-w}", "w"},
		{"${P:?w}", "value"}, {"<${E?w}>", "<>"}, {"${P?}", "value"},
		{"${P:+w}", "w"}, {"<${E:+w}>", "<>"}, {"<${U:+w}>", "<>"}, {"${P+w}", "w"}, {"${E+w}", "w"}, {"<${U+w}>", "<>"},
		{"<${U:-}>", "<>"}, {"${U:-a:b-c=d?e}", "a:b-c=d?e"}, {"${U:- a }", " a "}, {`${U:-"q"}`, `"q"`},
		// Assignment is seen later.
		{"${U:=w} ${U}", "w w"}, {"${E:=w}${E}", "ww"}, {"<${E=w}>${E}", "<>"}, {"${U=w}${U:-x}", "ww"}, {"${P:=w}${P}", "valuevalue"},
		// The matching brace.
		{"${U:-x} {b}", "x {b}"}, {`{"logger":"${U:-x}"}`, `{"logger":"x"}`}, {"${U:-{}}", "{}"}, {`${U:-{"a":{"b":1}}}!`, `{"a":{"b":1}}!`},
		{"${U:-x}}", "x}"}, {"${U:-a$b}", "a$b"}, {"${U:-$}", "$"}, {`${U:-C:\}`, `C:\`},
		// Nesting.
		{"${${NAME}}", "value"}, {"${FOO_${NAME}}", "foo"}, {"${FOO_${${NAME}}}", "bar"}, {"${U:-${V:-${P}}}", "value"}, {"${U:-a${P}b}", "avalueb"},
		{"${P:+${E:-${U:-deep}}}", "deep"}, {"${${U:-P}}", "value"}, {"${U:-${x.y}}", "${x.y}"}, {"<${${U}}>", "<>"}, {"${#FOO_${NAME}}", "3"},
		{"${EXPR}", "${P}"}, // values are not read again
		// Substrings.
		{"${P:0}", "value"}, {"${P:2}", "lue"}, {"<${P:9}>", "<>"}, {"${P:1:3}", "alu"}, {"${P:3:9}", "ue"}, {"<${P:1:0}>", "<>"}, {"${P:1:-1}", "alue"},
		{"${W:1:2}", "äu"}, {"${P:${N}}", "lue"}, {"${P:${MINUS}}", "value"}, {"${P:${MINUS}:2}", "value"}, {"${P:${N}:${N}}", "lu"}, {"<${U:1}>", "<>"},
		// Lengths and names.
		{"${#P}", "5"}, {"${#W}", "11"}, {"${#U}", "0"}, {"${!FOO_*}", "FOO_value FOO_P"}, {"${!FOO_@}", "FOO_value FOO_P"}, {"<${!X*}>", "<>"},
		// Regular expressions.
		{"${P#v}", "alue"}, {"${P#va|val}", "ue"}, {"${P##v.*l}", "ue"}, {"${P#a}", "value"}, {"${P%e}", "valu"}, {"${P%%u.*|e}", "val"}, {"${P%u}", "value"}, {"${P%}", "value"},
		{"${PATH2#/[a-z]/}", "b/c.tar.gz"}, {"${PATH2%\\.[a-z]+}", "/a/b/c.tar"}, {"${PATH2%(\\.[a-z]+)+}", "/a/b/c"}, {"${PATH2##.*/}", "c.tar.gz"},
		{"${P/[aeiou]/_}", "v_lue"}, {"${P//[aeiou]/_}", "v_l__"}, {"${P/x/_}", "value"}, {"${P/a/}", "vlue"}, {"${P//(a|u)/<$1>}", "v<a>l<u>e"}, {"${P//(a)/${1}${1}}", "vaalue"},
		{"${P/#v/V}", "Value"}, {"${P/#a/A}", "value"}, {"${P/%e/E}", "valuE"}, {"${P/%l/L}", "value"}, {"${P/a/b/c}", "vb/clue"}, {`${PATH2/\//}`, "a/b/c.tar.gz"},
		{"${P/a{1}/b}", "vblue"}, {`${PATH2/\}|a/x}`, "/x/b/c.tar.gz"}, {"${P//${RE}/_}", "v_l__"}, {"${P#${U}}", "value"}, {"${P/$/!}", "value!"}, {"${P%ue$}", "val"},
		{"${LINES%[0-9]}", "a1\nb"}, {"${LINES#^b}", "a1\nb2"}, {"${LINES/1$/x}", "a1\nb2"},
		// Case.
		{"${P^}", "Value"}, {"${P^^}", "VALUE"}, {"${P^[a-f]}", "value"}, {"${P^[v]}", "Value"}, {"${P^^[aeiou]}", "vAlUE"}, {"${W^^ä}", "hÄu one two"},
		{"${U^}", ""}, {"${P@U}", "VALUE"}, {"${P@u}", "Value"}, {"${W@U}", "HÄU ONE TWO"}, {"${E@u}", ""},
		{"${P^^${RE}}", "vAlUE"}, {"${NAME,}", "p"}, {"${NAME,,}", "p"}, {"${NAME,,X}", "P"}, {"${NAME,P}", "p"}, {"${NAME@L}${NAME@l}", "pp"},
	} {
		env, _ := testEnv()
		tmpl, err := envexpr.Parse(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if err := tmpl.Check(posix.Compile); err != nil {
			t.Errorf("%q: %v", tt.text, err)
		}
		got, err := tmpl.Expand(env)
		if err != nil || got != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"${P:}":               "in ${P:}: after the colon comes a number, or one of - = ? +",
		"${P: -1}":            "in ${P: -1}: after the colon comes a number, or one of - = ? +",
		"${P::3}":             "in ${P::3}: after the colon comes a number, or one of - = ? +",
		"${P:1:}":             "in ${P:1:}: after the colon comes a number, or one of - = ? +",
		"${P:1:x}":            "in ${P:1:x}: after the colon comes a number, or one of - = ? +",
		"${P/a}":              "in ${P/a}: the slash before the replacement is missing",
		"${P//b}":             "in ${P//b}: the slash before the replacement is missing",
		"${P//}":              "in ${P//}: the pattern is missing",
		"${P//b/c} ${P///c}":  "in ${P///c}: the pattern is missing",
		"${P#}":               "in ${P#}: the pattern is missing",
		"${P##}":              "in ${P##}: the pattern is missing",
		"${!P}":               "in ${!P}: it should be ${#NAME}, ${!PREFIX*} or ${!PREFIX@}",
		"${#P*}":              "in ${#P*}: it should be ${#NAME}, ${!PREFIX*} or ${!PREFIX@}",
		"${P@}":               "in ${P@}: after @ comes U, u, L or l",
		"x ${U:-${P:}} y":     "in ${P:}: after the colon comes a number, or one of - = ? +",
		"${FOO_${P@}}":        "in ${P@}: after @ comes U, u, L or l",
		"${P/${U:1:y}/x}":     "in ${U:1:y}: after the colon comes a number, or one of - = ? +",
		"${P/x/${U:1:y}} ${P": "in ${U:1:y}: after the colon comes a number, or one of - = ? +",
	} {
		_, err := envexpr.Parse(text)
		se, ok := errors.AsType[*envexpr.SyntaxError](err)
		if !ok || se.Error() != want {
			t.Errorf("%q: got %v, want %q", text, err, want)
		} else if text[se.Offset:se.Offset+len(se.Expr)] != se.Expr {
			t.Errorf("%q: wrong offset %d", text, se.Offset)
		}
	}
}

func TestExpandErrors(t *testing.T) {
	for text, want := range map[string]string{
		"${U:?secret}":         "U is not set, or empty",
		"${E:?}":               "E is not set, or empty",
		"${U?x}":               "U is not set",
		"a ${E:-${U:?}}":       "U is not set, or empty",
		"${P:${E}}":            `P can't be expanded: "" is not a number`,
		"${P:1:${W}}":          `P can't be expanded: "häu one two" is not a number`,
		"${P#${BAD:=(}}":       "P can't be expanded: error parsing regexp: missing closing ): `(`",
		"${P#(}":               "P can't be expanded: error parsing regexp: missing closing ): `(`",
		"${P#${U:?}}":          "U is not set, or empty",
		"${P/x/${U:?}}":        "U is not set, or empty",
		"${${U:?}}":            "U is not set, or empty",
		"${${U}:=x}":           `"" can't be assigned to`,
		"${${U:-a}${Z:-=}:=x}": `"a=" can't be assigned to`,
	} {
		env, _ := testEnv()
		tmpl, err := envexpr.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		s, err := tmpl.Expand(env)
		if ee, ok := errors.AsType[*envexpr.ExpandError](err); !ok || ee.Error() != want || s != "" {
			t.Errorf("%q: got %q, %v, want %q", text, s, err, want)
		}
	}
}

func TestExpandWithoutRegexps(t *testing.T) {
	env, _ := testEnv()
	env.Compile = nil
	for text, uses := range map[string]bool{
		"${P#v}": true, "${P/a/b}": true, "${P^^[a]}": true, "${P^^${E}}": true, "${U:-${P%e}}": true, "${${P%e}}": true,
		"${P^^}": false, "${P@U}": false, "${P:1}": false, "${P}": false, "x": false, "${P%}": false,
	} {
		tmpl, err := envexpr.Parse(text)
		if err != nil || tmpl.UsesRegexp() != uses {
			t.Errorf("%q: %v, uses regexps: %v", text, err, tmpl.UsesRegexp())
		}
		if _, err := tmpl.Expand(env); err != nil && !uses {
			t.Errorf("%q: %v", text, err)
		} else if uses && err == nil && text == "${P#v}" {
			t.Errorf("%q expands without regexps", text)
		}
	}
}

func TestCheckFindsBadRegexps(t *testing.T) {
	for _, text := range []string{"${P#(}", "${U:-${P/[/x}}", `${P^\d}`, "${P%(?:x)}"} {
		tmpl, err := envexpr.Parse(text)
		if err != nil || tmpl.Check(posix.Compile) == nil {
			t.Errorf("%q: %v, and Check finds nothing", text, err)
		}
	}
}

func TestParseExpr(t *testing.T) {
	for text, want := range map[string]int{
		"${P} more}": 4, "${P:-${Q}}}": 10, "": 0, "P": 0, " ${P}": 0, "${P": 0, "${1}": 0, "$${P}": 0,
	} {
		tmpl, n, err := envexpr.ParseExpr(text)
		if err != nil || n != want || tmpl.IsConst() != (want == 0) {
			t.Errorf("%q: got %d, %v, want %d", text, n, err, want)
		}
	}
	if _, _, err := envexpr.ParseExpr("${P:}"); err == nil {
		t.Error("no error")
	}
}

func TestVars(t *testing.T) {
	for _, tt := range []struct {
		text                      string
		vars, required, unguarded []string
		isConst                   bool
	}{
		{"x $${P}", nil, nil, nil, true},
		{"", nil, nil, nil, true},
		{"${A}${B:-${C}}${A}", []string{"A", "B", "C"}, nil, []string{"A"}, false},
		{"${A:?}${B?x}${C:-${D:?}}", []string{"A", "B", "C", "D"}, []string{"A", "B"}, nil, false},
		{"${X_${A:?}}", []string{"A"}, nil, nil, false}, // the name is computed
		{"${B#${A:?}}", []string{"B", "A"}, []string{"A"}, []string{"B"}, false},
		{"${!PRE*}", nil, nil, nil, false},
	} {
		tmpl, err := envexpr.Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.vars, tmpl.Vars()); d != "" {
			t.Errorf("%q: vars: %s", tt.text, d)
		}
		if d := cmp.Diff(tt.required, tmpl.Required()); d != "" {
			t.Errorf("%q: required: %s", tt.text, d)
		}
		if d := cmp.Diff(tt.unguarded, tmpl.Unguarded()); d != "" {
			t.Errorf("%q: unguarded: %s", tt.text, d)
		}
		if tmpl.IsConst() != tt.isConst {
			t.Errorf("%q: constant: %v", tt.text, tmpl.IsConst())
		}
	}
}

func TestNeverEmptyAndAssigns(t *testing.T) {
	for _, tt := range []struct {
		text    string
		never   bool
		assigns []string
	}{
		{"", false, nil}, {"x", true, nil}, {"${P}", false, nil}, {"${P}x", true, nil}, {"${P:-w}", true, nil}, {"${P:-}", false, nil}, {"${P-w}", false, nil}, {"${P:-${Q}}", false, nil},
		{"${P:-${Q:-w}}", true, nil}, {"${P:=w}", true, []string{"P"}}, {"${P=w}", false, []string{"P"}}, {"${P:?}", true, nil}, {"${P?}", false, nil}, {"${P:+w}", false, nil}, {"${#P}", false, nil},
		{"${P:-${Q:=w}}${R:=}${Q:=v}", true, []string{"Q", "R"}}, {"${A${B}:=w}", true, nil},
	} {
		tmpl, err := envexpr.Parse(tt.text)
		if err != nil || tmpl.NeverEmpty() != tt.never || !cmp.Equal(tt.assigns, tmpl.Assigns()) {
			t.Errorf("%q: %v, never empty %v, assigns %v", tt.text, err, tmpl.NeverEmpty(), tmpl.Assigns())
		}
	}
}

// Unclosed expressions inside each other must not take exponential time.
func TestParseUnclosed(t *testing.T) {
	text := strings.Repeat("${A:-${", 2000)
	tmpl, err := envexpr.Parse(text)
	if err != nil || !tmpl.IsConst() || tmpl.Text() != text {
		t.Errorf("got %v", err)
	}
}

func ExampleTemplate_Expand() {
	t, err := envexpr.Parse("http://${HOST:-127.0.0.1}:${PORT}/")
	if err != nil {
		panic(err)
	}
	port := func(name string) (string, bool) { return "8080", name == "PORT" }
	s, err := t.Expand(&envexpr.Environment{Lookup: port})
	fmt.Println(s, err)
	// Output: http://127.0.0.1:8080/ <nil>
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"${P:-x}", "$${${P}}", "${P/a/b}${P//x/}", "${!P*}${#P}", "${P:1:2}", "${A${B}:=${C@U}}", "${P^^[a]}${P,,}", "${P\n}", "${é}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tmpl, err := envexpr.Parse(text)
		if err != nil {
			return
		}
		if tmpl.IsConst() && !strings.Contains(text, "$${") && tmpl.Text() != text {
			t.Errorf("%q is constant, but %q", text, tmpl.Text())
		}
		env, _ := testEnv()
		_, _ = tmpl.Expand(env)
		env.Compile = nil
		if s, err := tmpl.Expand(env); err == nil && !strings.Contains(text, "${") && s != text {
			t.Errorf("%q became %q", text, s)
		}
		tmpl.Vars()
		tmpl.Required()
		_ = tmpl.Check(posix.Compile)
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := envexpr.Parse("http://${HOST:-127.0.0.1}:${PORT}/"); err != nil {
			b.Fatal(err)
		}
	}
}
