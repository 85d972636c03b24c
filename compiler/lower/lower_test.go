package lower

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/graph"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

const config = `
apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - {apiVersion: core/v1, kind: HTTPServer, name: one}
    - {apiVersion: core/v1, kind: HTTPServer, name: two}
---
apiVersion: core/v1
kind: HTTPServer
metadata: {name: one}
spec:
  addr: ${ADDR:-:8080}
  virtualHosts:
    - middleware: [{apiVersion: core/v1, kind: HTTPLogger}]
      handlers:
        - handler: {apiVersion: app/v1, kind: EchoHandler}
---
apiVersion: core/v1
kind: HTTPServer
metadata: {name: two}
spec:
  addr: ${ADDR:?}
  virtualHosts:
    - handlers:
        - handler: {apiVersion: app/v1, kind: EchoHandler}
---
apiVersion: app/v1
kind: EchoHandler
---
apiVersion: core/v1
kind: HTTPLogger
spec:
  request:
    headers:
      - name: Authorization
        replacers: [{hmac: {alg: SHA256, encoding: Base64, key: 5ec2e7}}]
---
apiVersion: app/v1
kind: EchoHandler
metadata: {name: unused}
`

func program(t *testing.T, config string) (*ir.Program, []diag.Finding) {
	t.Helper()
	list := &diag.List{}
	docs, _ := source.Load([]string{"-"}, strings.NewReader(config), list)
	g := graph.Build(docs, &decode.Decoder{List: list, Freeze: &decode.Freezer{}}, kinds.Place{Dir: t.TempDir()})
	if list.HasErrors() {
		t.Fatalf("%+v", list.Findings())
	}
	return Program(g, kinds.Wire), list.Findings()
}

// TestOrder holds that each component stands after those that it needs, and is made once.
func TestOrder(t *testing.T) {
	p, _ := program(t, config)
	made := make(map[*ir.Component]bool)
	var got []string
	for _, c := range p.Components {
		ir.Walk(c.New, func(e ir.Expr) {
			if r, ok := e.(ir.Ref); ok && !made[r.To] {
				t.Errorf("%s needs %s before it is made", c.Base, r.To.Base)
			}
		})
		made[c] = true
		got = append(got, strings.TrimSpace(c.ID.Kind+" "+c.Base+" "+c.Part))
	}
	slices.Sort(got)
	want := []string{"EchoHandler default", "HTTPLogger default", "HTTPLogger default hmac", "HTTPServer one", "HTTPServer two", "error-handler", "logger"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(p.Routers) != 2 {
		t.Errorf("%d routers, not 2", len(p.Routers))
	}
}

func TestMeta(t *testing.T) {
	p, _ := program(t, config)
	want := []string{"app/v1/EchoHandler/default/default", "core/v1/Entrypoint/.entrypoint/.entrypoint", "core/v1/HTTPLogger/default/default", "core/v1/HTTPServer/default/one", "core/v1/HTTPServer/default/two"}
	if d := cmp.Diff(want, p.Meta.Resources); d != "" {
		t.Error(d)
	}
	// The variable is optional in one place, and required in another.
	if d := cmp.Diff([]ir.EnvVar{{Name: "ADDR", Pos: "stdin.yaml:23:9", Required: true}}, p.Meta.Env); d != "" {
		t.Error(d)
	}
	for _, text := range []string{"5ec2e7", "unused"} {
		if strings.Contains(p.Meta.Config, text) {
			t.Errorf("the config has %q in it:\n%s", text, p.Meta.Config)
		}
	}
}

// TestStructure holds that a value that shaped the program can't come from the environment.
func TestStructure(t *testing.T) {
	_, findings := program(t, strings.Replace(config, "  addr: ${ADDR:?}\n", "  enableExpvar: ${EXPVAR}\n", 1))
	if !slices.ContainsFunc(findings, func(f diag.Finding) bool {
		return f.Code == diag.EnvStructure && f.Pos.Line == 23 && strings.Contains(f.Hint, "--freeze EXPVAR")
	}) {
		t.Errorf("%+v", findings)
	}
}

func TestScalar(t *testing.T) {
	for _, tt := range []struct {
		n    source.Node
		want any
	}{
		{source.Node{Kind: source.Scalar, Text: "5", Type: source.Int}, int64(5)},
		{source.Node{Kind: source.Scalar, Text: "5", Quoted: true}, "5"},
		{source.Node{Kind: source.Scalar, Text: "99999999999999999999", Type: source.Int}, "99999999999999999999"},
		{source.Node{Kind: source.Scalar, Text: "true", Type: source.Bool}, true},
		{source.Node{Kind: source.Scalar, Text: "0.5", Type: source.Float}, "0.5"},
		{source.Node{Kind: source.Null}, nil},
	} {
		if got := plain(&tt.n, nil); got != tt.want {
			t.Errorf("%+v is %#v, not %#v", tt.n, got, tt.want)
		}
	}
}
