package jsonval

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var texts = []string{
	`null`, `true`, `false`, `""`, `"a"`, ` [ ] `, `{}`, "\t{\r\n}", `[1,2.5,-0,0.1e+10,1E-3,12e2]`, `{"a":{"b":[null,{}]},"a":2}`,
	`"\"\\\/\b\f\n\r\tA"`, `"é\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\ude00x"`, `"\ud83d\u0041"`, "\"\xff\"", "\"a\x1fb\"", `"\x"`, `"\u12"`, `"\u12G4"`,
	``, ` `, `nul`, `nulll`, `tru`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `1e999`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`,
	`{"a":1 "b":2}`, `"`, `"\`, `[`, `{`, `{"a":1`, `[1`, `{} {}`, `1 2`, `{"":0}`, `NaN`, `'a'`,
}

func TestParse(t *testing.T) {
	for _, text := range texts {
		compare(t, text)
	}
}

// compare holds the package against encoding/json.
func compare(t *testing.T, text string) {
	t.Helper()
	var want any
	wantErr := json.Unmarshal([]byte(text), &want)
	got, err := Parse(text)
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%q: the error is %v, encoding/json has %v", text, err, wantErr)
	} else if d := cmp.Diff(want, got); err == nil && d != "" {
		t.Errorf("%q: %s", text, d)
	}
}

func TestDepth(t *testing.T) {
	for _, brackets := range []string{"[]", `{"a":`} {
		open := brackets[:len(brackets)-1]
		if brackets == `{"a":` {
			open = brackets
		}
		if _, err := Parse(strings.Repeat(open, 1e6)); err != errDepth {
			t.Errorf("%s a million times: %v", open, err)
		}
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	if _, err := Parse(`{"a": secret}`); err == nil || err.Error() != "the JSON is malformed at byte 7" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") <= maxDepth {
			compare(t, text)
		}
	})
}
