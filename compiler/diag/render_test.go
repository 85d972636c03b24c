package diag

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// declaredCodes reads the constants of codes.go.
func declaredCodes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, Code(s))
		}
		return true
	})
	if len(codes) < 30 {
		t.Fatalf("only %d codes found", len(codes))
	}
	return codes
}

func TestText(t *testing.T) {
	source := strings.Repeat("#\n", 41) + "      pathMatchr:\n" + strings.Repeat("#\n", 14) + "  name: public\r\n"
	for _, tt := range []struct {
		name   string
		source string
		find   func(l *List)
		want   string
	}{{
		"suggestion and note", source,
		func(l *List) {
			l.Errorf(Pos{"site.yaml", 57, 3, 15}, DuplicateResource, "HTTPServer default/public is declared twice").
				Notef(Pos{"site.yaml", 9, 3, 0}, "the first one is here")
			l.Errorf(Pos{"site.yaml", 42, 7, 17}, UnknownField, "ReverseProxyHandler has no field %q", "pathMatchr").
				Suggest("pathMatchr", []string{"pathMatcher"})
		},
		`site.yaml:42:7: error[unknown-field]: ReverseProxyHandler has no field "pathMatchr"
   42 |       pathMatchr:
      |       ^^^^^^^^^^ did you mean "pathMatcher"?
site.yaml:57:3: error[duplicate-resource]: HTTPServer default/public is declared twice
   57 |   name: public
      |   ^^^^^^^^^^^^
site.yaml:9:3: note: the first one is here
`,
	}, {
		"unknown end", "a: b\n",
		func(l *List) { l.Warnf(Pos{"site.yaml", 1, 4, 0}, NoEffect, "x") },
		"site.yaml:1:4: warning[no-effect]: x\n    1 | a: b\n      |    ^\n",
	}, {
		"behind the end of the line", "a: b",
		func(l *List) { l.Errorf(Pos{"site.yaml", 1, 9, 12}, Syntax, "x") },
		"site.yaml:1:9: error[syntax]: x\n    1 | a: b\n      |     ^\n",
	}, {
		"tabs and wide text", "{\t\"ä\":\t1}",
		func(l *List) { l.Errorf(Pos{"site.yaml", 1, 8, 9}, Syntax, "x") },
		"site.yaml:1:8: error[syntax]: x\n    1 | {\t\"ä\":\t1}\n      |  \t    \t^\n",
	}, {
		"no line in the file", "a: b\n",
		func(l *List) { l.Errorf(Pos{"site.yaml", 2, 1, 0}, Syntax, "x").Hintf("close it") },
		"site.yaml:2:1: error[syntax]: x\n      close it\n",
	}, {
		"no column", "a: b\n",
		func(l *List) { l.Errorf(Pos{File: "site.yaml", Line: 1}, Syntax, "x").Hintf("close it") },
		"site.yaml:1: error[syntax]: x\n    1 | a: b\n      | close it\n",
	}, {
		"whole file", "",
		func(l *List) { l.Errorf(Pos{File: "gone.yaml"}, UnreadableFile, "x") },
		"gone.yaml: error[unreadable-file]: x\n",
	}, {
		"nowhere", "",
		func(l *List) { l.Errorf(Pos{}, NoEntrypoint, "there is no Entrypoint\nat all").Hintf("add one") },
		"error[no-entrypoint]: there is no Entrypoint at all\n      add one\n",
	}, {
		"no escape sequences of the source", "a: \x1b[31m\x00\n",
		func(l *List) { l.Remarkf(Pos{"site.yaml", 1, 4, 0}, Syntax, "bad \x1b[0m") },
		"site.yaml:1:4: note[syntax]: bad \ufffd[0m\n    1 | a: \ufffd[31m\ufffd\n      |    ^\n",
	}, {
		"long line", `{"a":"` + strings.Repeat("x", 300) + `","b":1,` + strings.Repeat("y", 300) + "\n",
		func(l *List) { l.Errorf(Pos{"site.yaml", 1, 309, 312}, Syntax, "x") },
		"site.yaml:1:309: error[syntax]: x\n    1 | …" + strings.Repeat("x", 38) + `","b":1,` + strings.Repeat("y", 74) + "…\n" +
			"      | " + strings.Repeat(" ", 41) + "^^^\n",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			var l List
			tt.find(&l)
			var b bytes.Buffer
			if err := Text(&b, &l, map[string][]byte{"site.yaml": []byte(tt.source)}, false); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTextInColor(t *testing.T) {
	var l List
	l.Errorf(Pos{"a", 1, 1, 2}, Syntax, "x").Hintf("h").Notef(Pos{File: "b"}, "n")
	var b bytes.Buffer
	if err := Text(&b, &l, map[string][]byte{"a": []byte("yz")}, true); err != nil {
		t.Fatal(err)
	}
	want := bold + "a:1:1:" + plain + " " + red + "error[syntax]:" + plain + " " + bold + "x" + plain + "\n" +
		"    1 | yz\n" +
		"      | " + red + "^" + plain + " " + red + "h" + plain + "\n" +
		bold + "b:" + plain + " " + cyan + "note:" + plain + " n\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestTextReportsWriteErrors(t *testing.T) {
	var l List
	l.Errorf(Pos{}, Syntax, "x")
	if err := Text(brokenPipe{}, &l, nil, false); err == nil {
		t.Error("no error")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }

func TestJSON(t *testing.T) {
	var l List
	l.Errorf(Pos{"a.yaml", 3, 5, 9}, UnknownField, "no <field>").Hintf("did you mean %q?", "b").Notef(Pos{"b.yaml", 1, 1, 0}, "here")
	l.Warnf(Pos{}, NoRunner, "nothing")
	var b bytes.Buffer
	if err := JSON(&b, &l); err != nil {
		t.Fatal(err)
	}
	want := `{
  "findings": [
    {
      "severity": "warning",
      "code": "no-runner",
      "message": "nothing"
    },
    {
      "file": "a.yaml",
      "line": 3,
      "column": 5,
      "endColumn": 9,
      "severity": "error",
      "code": "unknown-field",
      "message": "no <field>",
      "hint": "did you mean \"b\"?",
      "notes": [
        {
          "file": "b.yaml",
          "line": 1,
          "column": 1,
          "message": "here"
        }
      ]
    }
  ],
  "errors": 1,
  "warnings": 1
}
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
	b.Reset()
	if err := JSON(&b, new(List)); err != nil || !strings.Contains(b.String(), `"findings": []`) {
		t.Errorf("an empty list is %s, %v", b.String(), err)
	}
}

// TestSARIF checks what consumers of SARIF rely on: the constants of the version, rules that
// results point at, and positions that count from 1.
func TestSARIF(t *testing.T) {
	var l List
	l.Errorf(Pos{"conf/my site.yaml", 3, 5, 9}, UnknownField, "no field").Hintf("a hint").Notef(Pos{"/etc/b.yaml", 1, 1, 0}, "here")
	l.Warnf(Pos{File: "c.yaml"}, NoRunner, "nothing")
	l.Remarkf(Pos{}, "not-documented", "somewhere")
	var b bytes.Buffer
	if err := SARIF(&b, &l, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version, InformationURI string
					Rules                         []struct {
						ID                                      string
						ShortDescription, FullDescription, Help struct{ Text string }
						DefaultConfiguration                    struct{ Level string }
					}
				}
			}
			ColumnKind string
			Results    []map[string]any
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-2.1.0.json") || len(log.Runs) != 1 {
		t.Fatalf("wrong envelope: %s", b.String()[:200])
	}
	run := log.Runs[0]
	driver := run.Tool.Driver
	if driver.Name != "aileronc" || driver.Version != "1.2.3" || run.ColumnKind != "unicodeCodePoints" || len(driver.Rules) != len(Codes) {
		t.Errorf("wrong run: %+v", driver)
	}
	index := -1
	for i, r := range driver.Rules {
		if r.ID == string(UnknownField) {
			index = i
		}
		if r.ShortDescription.Text == "" || r.FullDescription.Text == "" || r.Help.Text == "" || r.DefaultConfiguration.Level == "" {
			t.Errorf("rule %s has an empty text", r.ID)
		}
	}
	physical := func(uri string, region map[string]any) map[string]any {
		p := map[string]any{"artifactLocation": map[string]any{"uri": uri}}
		if region != nil {
			p["region"] = region
		}
		return p
	}
	want := []map[string]any{{
		"ruleId": "not-documented", "level": "note", "message": map[string]any{"text": "somewhere"},
	}, {
		"ruleId": "no-runner", "level": "warning", "message": map[string]any{"text": "nothing"},
		"locations": []any{map[string]any{"physicalLocation": physical("c.yaml", nil)}},
	}, {
		"ruleId": "unknown-field", "ruleIndex": float64(index), "level": "error", "message": map[string]any{"text": "no field (a hint)"},
		"locations": []any{map[string]any{"physicalLocation": physical("conf/my%20site.yaml",
			map[string]any{"startLine": 3.0, "startColumn": 5.0, "endColumn": 9.0})}},
		"relatedLocations": []any{map[string]any{"id": 1.0, "message": map[string]any{"text": "here"},
			"physicalLocation": physical("file:///etc/b.yaml", map[string]any{"startLine": 1.0, "startColumn": 1.0})}},
	}}
	for _, r := range run.Results {
		if r["ruleId"] == "no-runner" {
			delete(r, "ruleIndex")
		}
	}
	if d := cmp.Diff(want, run.Results); d != "" {
		t.Error(d)
	}
}
