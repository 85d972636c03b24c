package compiler

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/explain"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// TestTemplates holds that the template of each kind is a resource to start from: what is wrong with
// it is at most that something has to be filled in.
func TestTemplates(t *testing.T) {
	const entrypoint = "apiVersion: core/v1\nkind: Entrypoint\nspec:\n  runners:\n    - {apiVersion: core/v1, kind: HTTPServer, name: some}\n---\n" +
		"apiVersion: core/v1\nkind: HTTPServer\nmetadata: {name: some}\n---\n"
	for i := range kinds.All {
		k := &kinds.All[i]
		for _, asJSON := range []bool{false, true} {
			var b bytes.Buffer
			if err := explain.Template(&b, k.Type(), asJSON); err != nil {
				t.Fatal(err)
			}
			config := entrypoint + b.String()
			if k.Name == "Entrypoint" {
				config = b.String()
			}
			r := compile(t, config)
			if slices.ContainsFunc(r.Findings.Findings(), func(f diag.Finding) bool { return f.Severity == diag.Error && f.Code != diag.MissingField }) {
				var findings strings.Builder
				diag.Text(&findings, r.Findings, r.Sources, false)
				t.Errorf("the template of %s isn't one to start from:\n%s\n%s", k.Name, findings.String(), b.String())
			}
		}
	}
}
