package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/plugin"
)

// folder writes the files of a txtar text to a temporary folder.
func folder(t *testing.T, text string) string {
	t.Helper()
	t.Setenv("GOPROXY", "off") // nothing is fetched
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func inspect(t *testing.T, dir, path, symbol string) *plugin.Symbol {
	t.Helper()
	s, err := plugin.Inspect(aileronc.Source, dir, path, symbol)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestErrors(t *testing.T) {
	dir := folder(t, `
-- p/p.go --
-- empty/readme.txt --
-- broken/broken.go --
package broken

func F() int { return "x" }
-- syntax/syntax.go --
package syntax

func F( {
-- command/main.go --
package main

func main() {}
-- foreign/foreign.go --
package foreign

import _ "github.com/cespare/xxhash/v2"
-- internals/internals.go --
package internals

import _ "github.com/aileron-gateway/aileronc/runtime/internal/query"
-- own/go.mod --
module gateway
-- own/own.go --
package own
-- replaced/go.mod --
module example.com/replaced

replace example.com/a => ../a
-- replaced/a.go --
package replaced
-- mod/go.mod --
module example.com/mod

go 1.26
-- mod/internal/a/a.go --
package a
-- mod/missing/missing.go --
package missing

import _ "example.com/elsewhere"
-- mod/deep/deep.go --
package deep

import _ "example.com/mod/bad"
-- mod/bad/bad.go --
package bad

var X int = "x"
-- badmod/go.mod --
modul x
-- badmod/a.go --
package badmod
`)
	for _, tt := range [][3]string{
		{"p/p.go", "Plugin", "p/p.go is a file"},
		{"plugin.so", "Plugin", "plugin.so is a shared object; a plugin is linked in as source"},
		{"./none", "Plugin", "there is no folder ./none"},
		{"plugins/none", "Plugin", "there is no folder plugins/none, and import paths of packages that can be plugins begin with a host name"},
		{"no such thing", "Plugin", "there is no folder no such thing, and it's no import path"},
		{"example.com/a", "Plugin", "example.com/a needs a version: write example.com/a@v1.2.3"},
		{"example.com/a@v1.2.3", "Plugin", "example.com/a@v1.2.3 can't be had: "},
		{"empty", "Plugin", "there are no Go files in empty"},
		{"broken", "F", `package broken can't be built: broken/broken.go:3:23: cannot use "x" (untyped string constant) as int value in return statement`},
		{"syntax", "F", "package syntax can't be built: syntax/syntax.go:3:9: "},
		{"command", "F", "package command is a main package, which can't be linked in"},
		{"foreign", "F", "foreign imports github.com/cespare/xxhash/v2; a plugin that needs other modules has to be in a module of its own"},
		{"internals", "F", "package internals can't be built: internals/internals.go:3:8: use of internal package"},
		{"own", "F", "the module of own is called gateway"},
		{"replaced", "F", "the go.mod of replaced replaces example.com/a, which has no effect"},
		{"mod/internal/a", "F", "mod/internal/a is an internal package of module example.com/mod"},
		{"mod/missing", "F", "mod/missing needs package example.com/elsewhere, which no module in its go.mod provides"},
		{"mod/deep", "F", `package mod/deep can't be built: bad/bad.go:3:13: cannot use "x"`},
		{"badmod", "F", "can't be read"},
	} {
		s, err := plugin.Inspect(aileronc.Source, dir, tt[0], tt[1])
		switch {
		case err == nil:
			t.Errorf("%s %s: got %+v", tt[0], tt[1], s)
		case !strings.Contains(err.Error(), tt[2]):
			t.Errorf("%s %s: got %q\nwant %q", tt[0], tt[1], err, tt[2])
		case strings.Contains(err.Error(), os.TempDir()) && tt[0] != "badmod":
			t.Errorf("%s %s: %q names a folder of this machine", tt[0], tt[1], err)
		}
	}
}

const handler = `package %

import "net/http"

var Plugin http.Handler
`

// A package without a module becomes part of the emitted one.
func TestBare(t *testing.T) {
	dir := folder(t, `
-- plugins/auth/auth.go --
package auth

import (
	_ "embed"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

//go:embed pages/*.html
var page string

var Plugin gateway.Handler = adapter.Handler(http.NotFoundHandler())
-- plugins/auth/auth_windows.go --
package auth
-- plugins/auth/auth_test.go --
package auth_test
-- plugins/auth/notes.txt --
-- plugins/auth/pages/page.html --
<p>
`)
	want := ir.Plugin{
		ImportPath: "gateway/third_party/plugins/plugins/auth", Name: "auth",
		Dir: filepath.Join(dir, "plugins", "auth"), Target: "third_party/plugins/plugins/auth",
		Files:   []string{"auth.go", "auth_windows.go", "pages/page.html"},
		Runtime: []string{ir.Module + "/runtime/adapter", ir.Module + "/runtime/gateway"},
	}
	if d := cmp.Diff(want, inspect(t, dir, "./plugins/auth", "Plugin").Package); d != "" {
		t.Error(d)
	}
}

// Folders have the same names in the emitted module wherever the working folder is.
func TestTarget(t *testing.T) {
	dir := folder(t, "-- a/internal/my plugin/p.go --\n"+strings.Replace(handler, "%", "p", 1))
	for _, tt := range [][3]string{
		{".", "a/internal/my plugin", "third_party/plugins/a/internal_/my-plugin"},
		{"a/internal/my plugin", ".", "third_party/plugins/plugin"},
		{"a/b", "../internal/my plugin", "third_party/plugins/parent/internal_/my-plugin"},
	} {
		got := inspect(t, filepath.Join(dir, tt[0]), tt[1], "Plugin").Package
		if got.Target != tt[2] || got.ImportPath != "gateway/"+tt[2] {
			t.Errorf("%v: got %q", tt, got.Target)
		}
	}
}

const sums = `github.com/cespare/xxhash/v2 v2.3.0 h1:UL815xU9SqsFlibzuggzjXhog7bL6oX9BbNZnL2UFvs=
github.com/cespare/xxhash/v2 v2.3.0/go.mod h1:VGX0DQ3Q6kWi7AoAeZDth3/j3BFtOZR5XLFGgcrjCOs=
`

// A package of a module comes with what it needs of that.
func TestModule(t *testing.T) {
	dir := folder(t, `
-- gw/go.mod --
module example.com/gw/v2

go 1.26

require (
	github.com/aileron-gateway/aileronc v0.1.0
	github.com/cespare/xxhash/v2 v2.3.0
)

replace github.com/aileron-gateway/aileronc => ../aileronc
-- gw/go.sum --
`+sums+`
-- gw/plugins/auth/auth.go --
package auth

import (
	"net/http"

	"example.com/gw/v2/keys"
)

func Plugin(next http.Handler) http.Handler { return keys.Check(next) }
-- gw/plugins/auth/auth_plan9.go --
package auth

import _ "example.com/gw/v2/plan9"
-- gw/plan9/plan9.go --
package plan9
-- gw/keys/keys.go --
package keys

import (
	"net/http"

	"github.com/cespare/xxhash/v2"
)

func Check(next http.Handler) http.Handler { _ = xxhash.Sum64; return next }
-- gw/alone/alone.go --
`+strings.Replace(handler, "%", "alone", 1)+`
-- gw/unrelated/unrelated.go --
package unrelated
`)
	gw := filepath.Join(dir, "gw")
	want := ir.Plugin{
		ImportPath: "example.com/gw/v2/plugins/auth", Name: "auth",
		Module: "example.com/gw/v2", Version: "v2.0.0",
		Dir: gw, Target: "third_party/plugins/example.com/gw/v2",
		Files: []string{"keys/keys.go", "plan9/plan9.go", "plugins/auth/auth.go", "plugins/auth/auth_plan9.go"},
		GoMod: "module example.com/gw/v2\n\ngo 1.26\n\nrequire github.com/cespare/xxhash/v2 v2.3.0\n",
	}
	// From the folder of the module, by folder and by import path; from outside by folder.
	for _, tt := range [][2]string{{gw, "plugins/auth"}, {gw, "example.com/gw/v2/plugins/auth"}, {dir, "./gw/plugins/auth"}} {
		got := inspect(t, tt[0], tt[1], "Plugin").Package
		requires, lines := got.Requires, strings.Join(got.Sums, "\n")
		got.Requires, got.Sums = nil, nil
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%v: %s", tt, d)
		}
		if !strings.Contains(strings.Join(requires, "\n")+"\n", "github.com/cespare/xxhash/v2 v2.3.0\n") || !strings.Contains(lines, strings.TrimSpace(sums)) {
			t.Errorf("%v: requires %v\n%s", tt, requires, lines)
		}
	}
	alone := inspect(t, gw, "./alone", "Plugin").Package
	want = ir.Plugin{
		ImportPath: "example.com/gw/v2/alone", Name: "alone",
		Module: "example.com/gw/v2", Version: "v2.0.0",
		Dir: gw, Target: "third_party/plugins/example.com/gw/v2",
		Files: []string{"alone/alone.go"},
		GoMod: "module example.com/gw/v2\n\ngo 1.26\n",
	}
	if d := cmp.Diff(want, alone); d != "" {
		t.Error(d)
	}
}

// A package of a module that the working folder's requires is fetched.
func TestFetched(t *testing.T) {
	dir := folder(t, `
-- go.mod --
module example.com/gw

go 1.26

require github.com/cespare/xxhash/v2 v2.3.0
-- go.sum --
`+lines(t, "github.com/cespare/xxhash/v2")+`
`)
	_, err := plugin.Inspect(aileronc.Source, dir, "github.com/cespare/xxhash/v2", "Sum64String")
	if err == nil || !strings.Contains(err.Error(), "Sum64String of package github.com/cespare/xxhash/v2 ") {
		t.Errorf("got %v", err)
	}
	_, err = plugin.Inspect(aileronc.Source, dir, "github.com/cespare/xxhash/v2/none", "X")
	if err == nil || !strings.Contains(err.Error(), "github.com/cespare/xxhash/v2/none") {
		t.Errorf("got %v", err)
	}
}

// lines are those of our own go.sum for a module.
func lines(t *testing.T, module string) string {
	t.Helper()
	text, err := aileronc.Source.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, module+" ") {
			out.WriteString(line)
		}
	}
	return out.String()
}
