package compiler

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/emit"
	"github.com/aileron-gateway/aileronc/compiler/graph"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/lower"
	"github.com/aileron-gateway/aileronc/compiler/pass"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

// TestPassesCanBeLeftOut holds that each pass only improves a program: without it, what is
// emitted is a Go program as well.
func TestPassesCanBeLeftOut(t *testing.T) {
	dirs, texts := seeds(t)
	for _, left := range append([]pass.Pass{{Name: "none"}}, pass.All...) {
		t.Run(left.Name, func(t *testing.T) {
			for i, text := range texts {
				if strings.HasPrefix(filepath.Base(dirs[i]), "diag-") {
					continue
				}
				list := &diag.List{}
				docs, _ := source.Load([]string{"-"}, strings.NewReader(text), list)
				g := graph.Build(docs, &decode.Decoder{List: list, Freeze: &decode.Freezer{}}, kinds.Place{Dir: dirs[i]})
				if list.HasErrors() {
					t.Fatalf("%s has errors", dirs[i])
				}
				p := lower.Program(g, kinds.Wire)
				for _, pass := range pass.All {
					if pass.Name != left.Name {
						pass.Run(p, list)
					}
				}
				files, err := emit.Files(p, "test")
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range unsound(t, &Result{Program: p, Files: files}) {
					t.Errorf("%s: %s", dirs[i], err)
				}
			}
		})
	}
}
