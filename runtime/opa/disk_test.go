package opa_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
	"github.com/aileron-gateway/aileronc/runtime/opa/disk"
)

// TestDisk: data that is kept in files is that of this start, and not of the one before.
func TestDisk(t *testing.T) {
	for name, partitions := range map[string][]string{"as a whole": nil, "in partitions": {"/users/*"}, "in partitions of others": {"/others/*"}} {
		dir := filepath.Join(t.TempDir(), "made", "data")
		for _, content := range []string{`{"a": {"ok": true}, "b": {"ok": false}}`, `{"b": {"ok": true}}`} {
			a, err := opa.New(opa.Options{Regos: []opa.Rego{{
				Policies: rego("package authz\nallow { data.users[input.api].ok }"),
				Data:     []opa.Document{{At: "/users", Source: opa.Source{Name: "users.json", Content: []byte(content)}}},
				Storage:  disk.Directory{Path: dir, Partitions: partitions},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Initialize(); err != nil {
				t.Fatal(err)
			}
			for _, user := range []string{"a", "b", "c"} {
				want := strings.Contains(content, `"`+user+`": {"ok": true}`)
				if got := ask(t, a, &gateway.Exchange{Request: gateway.Request{Path: user}}) == 200; got != want {
					t.Errorf("%s: %s with %s: allowed: %t", name, user, content, got)
				}
			}
			if err := a.Finalize(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestBadDisk(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	writeFile(t, file, "")
	for name, d := range map[string]disk.Directory{
		"a file":                   {Path: file},
		"no partition":             {Path: filepath.Join(dir, "a"), Partitions: []string{"users"}},
		"partitions in each other": {Path: filepath.Join(dir, "b"), Partitions: []string{"/users", "/users/a"}},
	} {
		a, err := opa.New(opa.Options{Regos: []opa.Rego{{Policies: rego("package authz\nallow := true"), Storage: d}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Initialize(); err == nil {
			t.Errorf("%s: it starts", name)
		}
		if err := a.Finalize(); err != nil {
			t.Error(err)
		}
	}
}
