package diag

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPosString(t *testing.T) {
	for _, tt := range []struct {
		pos  Pos
		want string
	}{
		{Pos{}, ""},
		{Pos{File: "a.yaml"}, "a.yaml"},
		{Pos{File: "a.yaml", Line: 3}, "a.yaml:3"},
		{Pos{File: "a.yaml", Line: 3, Col: 7, End: 9}, "a.yaml:3:7"},
	} {
		if got := tt.pos.String(); got != tt.want {
			t.Errorf("%#v: got %q, want %q", tt.pos, got, tt.want)
		}
	}
}

func TestPosTo(t *testing.T) {
	key := Pos{"a", 3, 5, 9}
	for _, tt := range []struct {
		name  string
		value Pos
		want  Pos
	}{
		{"same line", Pos{"a", 3, 11, 20}, Pos{"a", 3, 5, 20}},
		{"next line", Pos{"a", 4, 11, 20}, key},
		{"end unknown", Pos{"a", 3, 11, 0}, key},
		{"another file, by an alias", Pos{"b", 3, 11, 20}, key},
	} {
		if got := key.To(tt.value); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFindingsAreSortedOnce(t *testing.T) {
	var l List
	at := func(file string, line, col int) Pos { return Pos{File: file, Line: line, Col: col} }
	l.Warnf(at("b.yaml", 1, 1), SecondSpelling, "w")
	l.Errorf(at("a.yaml", 10, 1), UnknownField, "late")
	l.Errorf(at("a.yaml", 9, 5), UnknownField, "early")
	l.Errorf(at("a.yaml", 9, 5), UnknownField, "early")
	l.Warnf(at("a.yaml", 9, 5), SecondSpelling, "also")
	l.Errorf(Pos{}, NoEntrypoint, "nowhere")
	var got []string
	for _, f := range l.Findings() {
		got = append(got, f.Pos.String()+" "+f.Severity.String()+" "+f.Message)
	}
	want := []string{
		" error nowhere",
		"a.yaml:9:5 error early",
		"a.yaml:9:5 warning also",
		"a.yaml:10:1 error late",
		"b.yaml:1:1 warning w",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestIgnoreSparesErrors(t *testing.T) {
	var l List
	l.Ignore(UnusedResource, UnknownField)
	l.Warnf(Pos{File: "a"}, UnusedResource, "w")
	l.Remarkf(Pos{File: "a"}, UnusedResource, "r")
	if l.HasErrors() || len(l.Findings()) != 0 {
		t.Error("ignored findings are there:", l.Findings())
	}
	l.Errorf(Pos{File: "a"}, UnknownField, "e")
	l.Warnf(Pos{File: "a"}, NoEffect, "w")
	if !l.HasErrors() || l.Count(Error) != 1 || l.Count(Warning) != 1 || l.Count(Remark) != 0 {
		t.Error("got", l.Findings())
	}
}

func TestSuggest(t *testing.T) {
	fields := []string{"addr", "shutdownTimeout", "httpConfig", "http2Config", "http3Config", "middleware", "virtualHosts", "enableProfile", "pathMatcher", "pathMatchers", "id", "rps"}
	for word, want := range map[string]string{
		"pathMatchr":      "pathMatcher",
		"PathMatcher":     "pathMatcher",
		"pathMatchers_":   "pathMatchers",
		"addres":          "addr",
		"adrr":            "addr", // a transposition is one step
		"ADDR":            "addr",
		"shutDownTimeOut": "shutdownTimeout",
		"timeout":         "",
		"middlewares":     "middleware",
		"virtualhost":     "virtualHosts",
		"sipr":            "",
		"di":              "id",
		"x":               "",
		"":                "",
		"addr":            "",
		"ädrr":            "addr",
	} {
		if got := Suggest(word, fields); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abcd", "badc", 2},
		{"kitten", "sitting", 3}, {"ca", "abc", 3}, {"häuser", "hauser", 1},
	} {
		if got := distance(tt.a, tt.b, 10); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestCodesAreDocumented(t *testing.T) {
	seen := make(map[Code]bool)
	for _, c := range Codes {
		if seen[c.Code] {
			t.Errorf("%s is documented twice", c.Code)
		}
		seen[c.Code] = true
		if c.Title == "" || c.Text == "" {
			t.Errorf("%s has no title or no text", c.Code)
		}
		if Explain(c.Code).Title != c.Title {
			t.Errorf("Explain doesn't find %s", c.Code)
		}
	}
	for _, c := range declaredCodes(t) {
		if !seen[c] {
			t.Errorf("%s isn't documented", c)
		}
		delete(seen, c)
	}
	for c := range seen {
		t.Errorf("%s isn't declared", c)
	}
	if Explain("no-such-code") != nil {
		t.Error("Explain knows a code that isn't there")
	}
}
