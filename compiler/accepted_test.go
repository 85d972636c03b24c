package compiler

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// serverConfig is a config of a server with an echo. SERVER stands for more of the server's spec,
// MORE for further documents.
const serverConfig = `apiVersion: core/v1
kind: Entrypoint
spec:
  runners: [{apiVersion: core/v1, kind: HTTPServer}]
---
apiVersion: core/v1
kind: HTTPServer
spec:
  virtualHosts: [{handlers: [{handler: {apiVersion: app/v1, kind: EchoHandler}}]}]
  SERVER
---
apiVersion: app/v1
kind: EchoHandler
---
MORE
`

// TestAccepted holds that what AILERON Gateway accepts is accepted, however odd.
func TestAccepted(t *testing.T) {
	for _, c := range []struct{ name, server, more string }{
		{name: "negative timeouts", server: "httpConfig: {readTimeout: -1, readHeaderTimeout: -1, writeTimeout: -1, idleTimeout: -5, maxHeaderBytes: -1}"},
		{name: "negative shutdown timeout", server: "shutdownTimeout: -1"},
		{name: "numbers in quotes and as floats", server: `httpConfig: {readTimeout: "30", writeTimeout: 1e1, maxHeaderBytes: 8192.0}`},
		{name: "null everywhere", server: "httpConfig: null\n  http2Config:\n  http3Config: null\n  middleware: ~\n  shutdownTimeout: null"},
		{name: "second spellings", more: `APIVersion: app/v1
Kind: TimeoutMiddleware
Metadata: {Name: x, Namespace: null, Logger: "", ErrorHandler: ""}
Spec: {DefaultTimeout: 1, APITimeouts: [{Matcher: {Patterns: [a], MatchType: Prefix}}]}`},
		{name: "spec that is null", more: "apiVersion: app/v1\nkind: TimeoutMiddleware\nmetadata:\nspec:"},
		{name: "enums by number", more: "apiVersion: app/v1\nkind: TimeoutMiddleware\nspec: {apiTimeouts: [{matcher: {patterns: [a], matchType: 1}, methods: [1, 3]}]}"},
		{name: "negative limits of a client", more: `apiVersion: core/v1
kind: HTTPClient
spec:
  httpTransportConfig: {maxIdleConns: -1, maxIdleConnsPerHost: -1, maxConnsPerHost: -1, idleConnTimeout: -1, responseHeaderTimeout: -1,
    expectContinueTimeout: -1, readBufferSize: -1, writeBufferSize: -1}`},
		{name: "rewrite without a replacer", more: "apiVersion: app/v1\nkind: HeaderPolicyMiddleware\nspec: {requestPolicy: {rewrites: [{name: X-A}]}}"},
		{name: "field replacer without a field", more: "apiVersion: core/v1\nkind: SLogger\nspec: {fieldReplacers: [{replacer: {fixed: {value: x}}}]}"},
		{name: "upstream with a password and a fragment", more: `apiVersion: core/v1
kind: ReverseProxyHandler
spec: {loadBalancers: [{pathMatcher: {match: /}, upstreams: [{url: "http://ann:secret@10.0.0.1"}, {url: "http://10.0.0.1/#a"}]}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compile(t, strings.NewReplacer("SERVER", c.server, "MORE", c.more).Replace(serverConfig))
			if r.Program == nil {
				var b bytes.Buffer
				diag.Text(&b, r.Findings, r.Sources, false)
				t.Errorf("refused:\n%s", b.String())
			}
		})
	}
}

// TestUnreachedResources holds that what is wrong with a resource that nothing refers to doesn't
// keep the gateway from being built, and that it's told nevertheless.
func TestUnreachedResources(t *testing.T) {
	for _, c := range []struct {
		name, more string
		want       diag.Code
	}{
		{"missing reference", "apiVersion: core/v1\nkind: HTTPHandler\nspec: {handler: {apiVersion: core/v1, kind: TemplateHandler}}", diag.MissingReference},
		{"wrong role", "apiVersion: core/v1\nkind: HTTPHandler\nspec: {handler: {apiVersion: core/v1, kind: HTTPServer}}", diag.WrongRole},
		{"circle", "apiVersion: core/v1\nkind: HTTPHandler\nspec: {handler: {apiVersion: core/v1, kind: HTTPHandler}}", diag.CircularReference},
		{"bad regexp", "apiVersion: app/v1\nkind: TimeoutMiddleware\nspec: {apiTimeouts: [{matcher: {patterns: [\"(\"], matchType: Regex}}]}", diag.BadRegexp},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compile(t, strings.NewReplacer("SERVER", "", "MORE", c.more).Replace(serverConfig))
			told := slices.ContainsFunc(r.Findings.Findings(), func(f diag.Finding) bool {
				return f.Code == c.want && f.Severity == diag.Warning
			})
			if r.Program == nil || !told {
				var b bytes.Buffer
				diag.Text(&b, r.Findings, r.Sources, false)
				t.Errorf("got:\n%s", b.String())
			}
		})
	}
}

// TestVariablesInKeys holds that a variable in the key of a map is resolved at build.
func TestVariablesInKeys(t *testing.T) {
	config := strings.NewReplacer("SERVER", "middleware: [{apiVersion: app/v1, kind: HeaderPolicyMiddleware}]", "MORE", `apiVersion: app/v1
kind: HeaderPolicyMiddleware
spec: {requestPolicy: {set: {"X-${NAME}": "1"}}}`).Replace(serverConfig)
	if r := compile(t, config); r.Program != nil || len(r.Structural) != 1 || r.Structural[0] != "NAME" {
		t.Errorf("not frozen: got the variables %v", r.Structural)
	}
	r, err := Compile(Input{Files: []string{"-"}, Stdin: strings.NewReader(config), Freeze: &decode.Freezer{
		All: true, Lookup: func(string) (string, bool) { return "Site", true },
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Files {
		if f.Name == "wire.go" && bytes.Contains(f.Content, []byte(`"X-Site"`)) {
			return
		}
	}
	t.Error("frozen: no X-Site in wire.go")
}
