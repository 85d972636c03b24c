package explain

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// walk calls visit for each field of the structs below t, with its path.
func walk(t reflect.Type, path string, visit func(owner reflect.Type, f decode.Field, path string)) {
	for _, f := range decode.Fields(t) {
		at := path + "." + f.Name
		visit(t, f, at)
		inner, _ := element(f.Type, reflect.New(f.Type).Elem())
		if inner.Kind() == reflect.Struct && inner != t { // a struct that holds its like is explained once
			walk(inner, at, visit)
		}
	}
}

// TestEverythingIsExplained walks the catalogue: each kind and each field has a text, and a
// path under which it is found.
func TestEverythingIsExplained(t *testing.T) {
	for i := range kinds.All {
		k := &kinds.All[i]
		if s := Summary(k); s == "" || strings.HasPrefix(s, reflect.TypeOf(k.New()).Elem().Name()) || len(s) > 160 {
			t.Errorf("%s is summed up as %q", k.Name, s)
		}
		visit := func(owner reflect.Type, f decode.Field, path string) {
			text := loadDocs().field(owner, f.GoName, f.Name)
			if text == "" {
				t.Errorf("%s has no text", path)
			}
			if strings.HasPrefix(text, "is ") || strings.HasPrefix(text, "are ") {
				t.Errorf("%s: %q", path, text)
			}
			var b bytes.Buffer
			if err := Topic(&b, path); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if !strings.Contains(b.String(), "FIELD:    "+f.Name+" <") {
				t.Errorf("%s is explained so:\n%s", path, b.String())
			}
		}
		walk(reflect.TypeOf(k.New()).Elem(), k.Type(), visit)
		walk(reflect.TypeFor[resource.Metadata](), k.Type()+".metadata", visit)
	}
	for _, c := range diag.Codes {
		var b bytes.Buffer
		if err := Topic(&b, string(c.Code)); err != nil || !strings.Contains(b.String(), c.Title) {
			t.Errorf("%s: %v\n%s", c.Code, err, b.String())
		}
	}
}

func TestTopicErrors(t *testing.T) {
	for topic, want := range map[string]string{
		"HTPServer":             `there's nothing called "HTPServer"; did you mean "core/v1/HTTPServer"?`,
		"core/v1/HTPServer":     `there's nothing called "core/v1/HTPServer"; did you mean "core/v1/HTTPServer"?`,
		"unknown-feld":          `there's nothing called "unknown-feld"; did you mean "unknown-field"?`,
		"quite-something-else":  `there's nothing called "quite-something-else"; the kinds are listed by: aileronc explain`,
		"HTTPServer.adr":        `HTTPServer has no field "adr"; did you mean "addr"?`,
		"HTTPServer.addr.x":     `addr has no fields`,
		"HTTPServer.metadata.x": `metadata has no field "x"`,
		"HTTPServer..addr":      `HTTPServer has no field ""`,
	} {
		var b bytes.Buffer
		if err := Topic(&b, topic); err == nil || err.Error() != want {
			t.Errorf("%s: %v", topic, err)
		}
		if b.Len() > 0 {
			t.Errorf("%s: there is output besides the error:\n%s", topic, b.String())
		}
	}
}

func TestTopicSpellings(t *testing.T) {
	var want bytes.Buffer
	if err := Topic(&want, "core/v1/HTTPServer.spec.addr"); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"HTTPServer.addr", "httpserver.spec.addr", "core/v1/HTTPServer.spec.Addr", "HTTPServer.addr."} {
		var got bytes.Buffer
		if err := Topic(&got, topic); err != nil || got.String() != want.String() {
			t.Errorf("%s: %v\n%s", topic, err, got.String())
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "\n",
		"a bb ccc":               "a bb\nccc\n",
		"one\ntwo":               "one\ntwo\n",
		"a\n\nb":                 "a\n\nb\n",
		"unbreakable is longish": "unbreakable\nis\nlongish\n",
	} {
		if got := wrap(text, 5); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}
