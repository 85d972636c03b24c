package toolchain

import (
	"os"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestOtherSystems holds that the runtime, and what is generated for the cases, is sound on systems that the tests don't run on.
// Types are checked from source, which takes no compiled standard library for each.
func TestOtherSystems(t *testing.T) {
	for _, system := range []string{"windows", "darwin"} { // the BSDs share what macOS has
		t.Run(system, func(t *testing.T) {
			pkgs, err := packages.Load(&packages.Config{
				Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo,
				Dir:  root,
				Env:  append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
			}, "./runtime/...", "./golden/...")
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pkgs {
				for _, e := range p.Errors {
					t.Errorf("%s: %v", p.PkgPath, e)
				}
			}
			if len(pkgs) < 50 {
				t.Errorf("only %d packages", len(pkgs))
			}
		})
	}
}
