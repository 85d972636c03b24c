package source

import (
	"fmt"
	"math"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/google/go-cmp/cmp"
)

// outcome writes a value, or its error.
func outcome(v any, err *ValueError) string {
	if err == nil {
		return fmt.Sprint(v)
	}
	s := string(err.Code) + ": " + err.Error()
	if err.Hint != "" {
		s += " | " + err.Hint
	}
	return s
}

func TestScalars(t *testing.T) {
	long := "'" + "0123456789012345678901234567890123456789xyz" + "'"
	for _, tt := range []struct{ yaml, str, int, uint, bool string }{
		{`text`, `text`, `wrong-type: must be a whole number, not "text"`, `wrong-type: must be a whole number, not "text"`, `wrong-type: must be true or false, not "text"`},
		{`5`, `wrong-type: must be text, not a number | write "5"`, `5`, `5`, `wrong-type: must be true or false, not a number`},
		{`1`, `wrong-type: must be text, not a number | write "1"`, `1`, `1`, `wrong-type: must be true or false, not a number | write true`},
		{`-5`, `wrong-type: must be text, not a number | write "-5"`, `-5`, `out-of-range: is -5; it must be from 0 to 99`, `wrong-type: must be true or false, not a number`},
		{`100`, `wrong-type: must be text, not a number | write "100"`, `out-of-range: is 100; it must be from -9 to 99`, `out-of-range: is 100; it must be from 0 to 99`, `wrong-type: must be true or false, not a number`},
		{`1e1`, `wrong-type: must be text, not a number | write "1e1"`, `10`, `10`, `wrong-type: must be true or false, not a number`},
		{`5.0`, `wrong-type: must be text, not a number | write "5.0"`, `5`, `5`, `wrong-type: must be true or false, not a number`},
		{`0x10`, `wrong-type: must be text, not a number | write "0x10"`, `16`, `16`, `wrong-type: must be true or false, not a number`},
		{`2.5`, `wrong-type: must be text, not a number | write "2.5"`, `wrong-type: must be a whole number, not 2.5`, `wrong-type: must be a whole number, not 2.5`, `wrong-type: must be true or false, not a number`},
		{`1e99`, `wrong-type: must be text, not a number | write "1e99"`, `out-of-range: is 1e99; it must be from -9 to 99`, `out-of-range: is 1e99; it must be from 0 to 99`, `wrong-type: must be true or false, not a number`},
		{`"5"`, `5`, `5`, `5`, `wrong-type: must be true or false, not "5"`},
		{`"1e1"`, `1e1`, `10`, `10`, `wrong-type: must be true or false, not "1e1"`},
		{`"0644"`, `0644`, `wrong-type: must be a whole number, not "0644"`, `wrong-type: must be a whole number, not "0644"`, `wrong-type: must be true or false, not "0644"`},
		{`5s`, `5s`, `wrong-type: must be a whole number, not "5s"`, `wrong-type: must be a whole number, not "5s"`, `wrong-type: must be true or false, not "5s"`},
		{`true`, `wrong-type: must be text, not true | write "true"`, `wrong-type: must be a whole number, not true`, `wrong-type: must be a whole number, not true`, `true`},
		{`"true"`, `true`, `wrong-type: must be a whole number, not "true"`, `wrong-type: must be a whole number, not "true"`, `wrong-type: must be true or false, not "true" | write true without quotes`},
		{`yes`, `yes`, `wrong-type: must be a whole number, not "yes"`, `wrong-type: must be a whole number, not "yes"`, `wrong-type: must be true or false, not "yes" | write true`},
		{`off`, `off`, `wrong-type: must be a whole number, not "off"`, `wrong-type: must be a whole number, not "off"`, `wrong-type: must be true or false, not "off" | write false`},
		{`2001-01-01`, `2001-01-01`, `wrong-type: must be a whole number, not text`, `wrong-type: must be a whole number, not text`, `wrong-type: must be true or false, not text`},
		{`!!binary aGk=`, `hi`, `wrong-type: must be a whole number, not text`, `wrong-type: must be a whole number, not text`, `wrong-type: must be true or false, not text`},
		{`!!binary "&"`, `bad-value: is not base64`, `wrong-type: must be a whole number, not text`, `wrong-type: must be a whole number, not text`, `wrong-type: must be true or false, not text`},
		{`!!int x`, `wrong-type: must be text, not a number | write "x"`, `wrong-type: must be a whole number, not a number`, `wrong-type: must be a whole number, not a number`, `wrong-type: must be true or false, not a number`},
		{`""`, ``, `wrong-type: must be a whole number, not text`, `wrong-type: must be a whole number, not text`, `wrong-type: must be true or false, not text`},
		{`[a]`, `wrong-type: must be text, not a list`, `wrong-type: must be a whole number, not a list`, `wrong-type: must be a whole number, not a list`, `wrong-type: must be true or false, not a list`},
		{`{a: 1}`, `wrong-type: must be text, not a mapping`, `wrong-type: must be a whole number, not a mapping`, `wrong-type: must be a whole number, not a mapping`, `wrong-type: must be true or false, not a mapping`},
		{`~`, `wrong-type: must be text, not null`, `wrong-type: must be a whole number, not null`, `wrong-type: must be a whole number, not null`, `wrong-type: must be true or false, not null`},
		{long, long[1:44], `wrong-type: must be a whole number, not "` + long[1:41] + `…"`, `wrong-type: must be a whole number, not "` + long[1:41] + `…"`, `wrong-type: must be true or false, not "` + long[1:41] + `…"`},
	} {
		n, list := tree(t, "a.yaml", tt.yaml+"\n")
		if list != "" {
			t.Fatal(list)
		}
		s, es := n.Str()
		i, ei := n.Int(-9, 99)
		u, eu := n.Uint(99)
		b, eb := n.Bool()
		got := []string{outcome(s, es), outcome(i, ei), outcome(u, eu), outcome(b, eb)}
		if d := cmp.Diff([]string{tt.str, tt.int, tt.uint, tt.bool}, got); d != "" {
			t.Errorf("%s: %s", tt.yaml, d)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, tt := range []struct {
		yaml     string
		min, max int64
		want     string
	}{
		{"-1", 0, math.MaxInt64, "out-of-range: is -1; it must be 0 or more"},
		{"9", math.MinInt64, 5, "out-of-range: is 9; it must be 5 or less"},
		{"1e40", math.MinInt64, math.MaxInt64, "out-of-range: is 1e40; it must fit into 64 bits"},
		{"3000000000", math.MinInt32, math.MaxInt32, "out-of-range: is 3000000000; it must be from -2147483648 to 2147483647"},
		{"9007199254740993", 0, math.MaxInt64, "9007199254740993"},
	} {
		n, _ := tree(t, "a.yaml", tt.yaml)
		i, err := n.Int(tt.min, tt.max)
		if got := outcome(i, err); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.yaml, got, tt.want)
		}
	}
	n, _ := tree(t, "a.yaml", "-1")
	if _, err := n.Uint(math.MaxUint64); outcome(0, err) != "out-of-range: is -1; it must be 0 or more" {
		t.Error(err)
	}
}

func TestReport(t *testing.T) {
	var list diag.List
	n, _ := tree(t, "a.yaml", "spec: 5")
	f := n.Get("spec")
	_, err := f.Value.Str()
	err.Report(&list, f.Value.Pos, "spec")
	want := "a.yaml:1:7: error[wrong-type]: spec must be text, not a number\n    1 | spec: 5\n      |       ^ write \"5\"\n"
	if d := cmp.Diff(want, rendered(&list, Files{"a.yaml": []byte("spec: 5")})); d != "" {
		t.Error(d)
	}
	if f.Span() != (diag.Pos{File: "a.yaml", Line: 1, Col: 1, End: 8}) || n.Get("nope") != nil {
		t.Error(f.Span())
	}
}

func TestSubstitute(t *testing.T) {
	for _, tt := range []struct{ yaml, text, str, int, bool string }{
		{"${X}", "8080", "8080", "8080", `wrong-type: must be true or false, not a number`},
		{`"${X}"`, "8080", "8080", "8080", `wrong-type: must be true or false, not "8080"`},
		{"${X}", "true", "true", `wrong-type: must be a whole number, not true`, "true"},
		{"${X}", "", `wrong-type: must be text, not null`, `wrong-type: must be a whole number, not null`, `wrong-type: must be true or false, not null`},
		{`"${X}"`, "", "", `wrong-type: must be a whole number, not text`, `wrong-type: must be true or false, not text`},
	} {
		n, _ := tree(t, "a.yaml", tt.yaml)
		c := n.Substitute(tt.text)
		if n.Text != "${X}" || c.Pos != n.Pos {
			t.Error("the original has changed, or the position")
		}
		s, es := c.Str()
		i, ei := c.Int(0, 9999)
		b, eb := c.Bool()
		if d := cmp.Diff([]string{tt.str, tt.int, tt.bool}, []string{outcome(s, es), outcome(i, ei), outcome(b, eb)}); d != "" {
			t.Errorf("%s with %q: %s", tt.yaml, tt.text, d)
		}
	}
}
