package jsonpath

import (
	"strings"
	"testing"
)

func TestSteps(t *testing.T) {
	for _, tt := range []struct {
		path     string
		members  string // that the only step leads to, of those below
		elements string
	}{
		{"a", "a", ""},
		{"0", "0", "0"},
		{"1", "1", "1"},
		{"01", "01", ""},
		{"#", "#", "0 1 7"},
		{"*", "a ab abc 0 1 01 # a* ä a.b", "0 1 7"},
		{"a*", "a ab abc a* a.b", ""},
		{"*b", "ab a.b", ""},
		{"a*b*c", "abc", ""},
		{"a?", "ab a*", ""},
		{"?", "a 0 1 # ä", ""},
		{"??", "ab 01 a*", ""},
		{"**", "a ab abc 0 1 01 # a* ä a.b", ""},
		{`a\*`, "a*", ""},
		{`a\.b`, "a.b", ""},
		{`\0`, "0", ""},
		{`\#`, "#", ""},
		{"ä", "ä", ""},
		{"1234567890", "", ""},
	} {
		p, err := Parse(tt.path)
		if err != nil || len(p) != 1 {
			t.Errorf("%q: %v, %v", tt.path, p, err)
			continue
		}
		var members, elements []string
		for _, name := range []string{"a", "ab", "abc", "0", "1", "01", "#", "a*", "ä", "a.b"} {
			if p[0].Member(name) {
				members = append(members, name)
			}
		}
		for n, name := range []string{0: "0", 1: "1", 7: "7"} {
			if name != "" && p[0].Element(n) {
				elements = append(elements, name)
			}
		}
		if got := strings.Join(members, " "); got != tt.members {
			t.Errorf("%q leads to the members %q, not %q", tt.path, got, tt.members)
		}
		if got := strings.Join(elements, " "); got != tt.elements {
			t.Errorf("%q leads to the elements %q, not %q", tt.path, got, tt.elements)
		}
	}
}

func TestPaths(t *testing.T) {
	for path, want := range map[string]int{"a.b": 2, "a.0.#.b": 4, `a\.b.c`: 2, `\.`: 1} {
		if p, err := Parse(path); err != nil || len(p) != want {
			t.Errorf("%q has %d steps, %v", path, len(p), err)
		}
	}
	for _, path := range []string{"", ".", "a.", ".a", "a..b", "..#", `a\`, "a.#(b==1).c", "a.@reverse", "!1", "{a,b}", "a.[0,1]", "a|b"} {
		if p, err := Parse(path); err == nil {
			t.Errorf("%q is read as %v", path, p)
		}
	}
}

// A name fits a pattern as the regular expression says that it stands for.
func FuzzMember(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*a*a*", "aaaa")
	f.Fuzz(func(t *testing.T, path, name string) {
		p, err := Parse(path)
		if err != nil {
			return
		}
		for i := range p {
			if want := slowFits(p[i].pattern, name); p[i].pattern != nil && p[i].Member(name) != want {
				t.Errorf("%q, %q: %t, not %t", path, name, !want, want)
			}
		}
	})
}

// slowFits tries all that stars can take.
func slowFits(pattern []token, name string) bool {
	runes := []rune(name)
	if len(pattern) > 12 || len(runes) > 24 {
		return fits(pattern, name)
	}
	var try func(i, k int) bool
	try = func(i, k int) bool {
		switch {
		case i == len(pattern):
			return k == len(runes)
		case pattern[i].wild == '*':
			return try(i+1, k) || k < len(runes) && try(i, k+1)
		}
		return k < len(runes) && (pattern[i].wild == '?' || pattern[i].char == runes[k]) && try(i+1, k+1)
	}
	return try(0, 0)
}
