package kinds

import (
	"html"
	htmltemplate "html/template"
	"strings"
	"testing"
	"text/template"
)

// Where a template folds, what comes out must be the same as from the template.
func TestFold(t *testing.T) {
	texts, others := []string{"status", "code", "path"}, []string{"query"}
	values := map[string]any{"status": 404, "code": "E2131", "path": `/<b a="c">'&`, "query": map[string][]string{"a": {"1"}}}
	for _, test := range []struct {
		typ  TemplateType
		text string
		want folding
	}{
		{"GoText", "plain {text} }}", foldedText},
		{"GoText", "", foldedText},
		{"GoText", "{{/* a remark */}}plain", foldedText},
		{"GoText", "{{.status}}", foldedPattern},
		{"GoText", `{"status":{{ .status }},"code":"{{.code}}"}`, foldedPattern},
		{"GoText", "a \n {{- .status -}} \n b", foldedPattern},
		{"GoText", "{{.status}} {{.nothing}}", foldedPattern},
		{"GoText", "only {{.nothing}}", foldedText},
		{"GoText", "{ {{- .status}}", notFolded},
		{"GoText", "{{.status}}{{/* */}}{{ \"{{\" }}", notFolded},
		{"GoText", "{{.query}}", notFolded},
		{"GoText", "{{.query.Get \"a\"}}", notFolded},
		{"GoText", "{{if .status}}x{{end}}", notFolded},
		{"GoText", "{{.status | printf \"%d\"}}", notFolded},
		{"GoText", "{{$x := .status}}{{$x}}", notFolded},
		{"GoText", "{{.path.x}}", notFolded},
		{"GoText", `{{define "a"}}x{{end}}{{.status}}`, notFolded},
		{"GoHTML", "<p>plain</p><!-- gone -->", foldedText},
		{"GoHTML", "", foldedText},
		{"GoHTML", "<p>{{.path}} {{.status}} {{.nothing}}</p>", foldedPattern},
		{"GoHTML", `<p title="{{.path}}">`, foldedPattern},
		{"GoHTML", "<title>{{.path}}</title>", foldedPattern},
		{"GoHTML", `<a href="{{.path}}">`, notFolded},
		{"GoHTML", "<script>x = {{.status}}</script>", notFolded},
		{"GoHTML", "<p title={{.path}}>", notFolded},
		{"GoHTML", "<p>{{if .status}}x{{end}}</p>", notFolded},
	} {
		parsed, err := parseTemplate(test.text, test.typ)
		if err != nil {
			t.Fatalf("%q: %v", test.text, err)
		}
		pattern, kind := parsed.fold(texts, others)
		if kind != test.want {
			t.Errorf("%q: folded to %d, want %d", test.text, kind, test.want)
		}
		if kind == notFolded {
			continue
		}
		var want strings.Builder
		got := pattern
		if kind == foldedPattern {
			escape := func(s string) string { return s }
			if test.typ == "GoHTML" {
				escape = html.EscapeString
			}
			got = strings.NewReplacer("{{status}}", "404", "{{code}}", "E2131", "{{path}}", escape(values["path"].(string))).Replace(pattern)
		}
		if test.typ == "GoText" {
			err = template.Must(template.New("").Parse(test.text)).Execute(&want, values)
		} else {
			err = htmltemplate.Must(htmltemplate.New("").Parse(test.text)).Execute(&want, values)
		}
		if err != nil || got != want.String() {
			t.Errorf("%q: got %q, want %q, %v", test.text, got, want.String(), err)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	for _, test := range []struct {
		typ        TemplateType
		text, want string
	}{
		{"GoText", "a\n{{ .x", "line 2: unclosed action"},
		{"GoText", "{{nothing}}", `line 1: function "nothing" not defined`},
		{"GoText", "a\n{{ .x\n", "line 3: unclosed action that began in line 2"},
		{"GoHTML", "a\n{{if .x}}", "line 2: unexpected EOF"},
		{"GoHTML", "<script>{{if .x}}'{{end}}</script>", "line 1: {{if}} branches end in different contexts"},
	} {
		if _, err := parseTemplate(test.text, test.typ); err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		}
	}
}
