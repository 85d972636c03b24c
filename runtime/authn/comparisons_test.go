package authn_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// comparing are the functions of each package that compare secrets.
var comparing = map[string][]string{
	"../credentials":          {"Equal"},
	"../basicauth":            {"remembers"},
	"../digestauth":           {"verify", "open"},
	"../password/bcrypt":      {"Verify"},
	"../password/scrypt":      {"Verify"},
	"../password/pbkdf2":      {"Verify"},
	"../password/argon2":      {"Verify"},
	"../csrf":                 {"equal", "valid"},
	"../headercert":           {"Serve"},
	"../apikey":               nil, // by Secret.Equal
	"../idkey":                nil,
	"../csrf/insession":       nil,
	"../password":             nil,
	".":                       nil,
	"../../internal/credfile": nil,
}

// leaky are functions whose time tells how much of what they compare is equal.
var leaky = []string{"bytes.Equal", "bytes.Compare", "bytes.EqualFold", "bytes.HasPrefix", "strings.Compare", "strings.EqualFold", "slices.Equal", "reflect.DeepEqual"}

// constant are functions whose time doesn't.
var constant = []string{"subtle.ConstantTimeCompare", "bcrypt.CompareHashAndPassword"}

// TestComparisons holds that secrets are compared in constant time: where they are, package crypto/subtle does it, and nothing else
// in these packages compares bytes.
func TestComparisons(t *testing.T) {
	for dir, names := range comparing {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", dir, files, err)
		}
		found := make(map[string]bool)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				calls := selectors(fn)
				for _, c := range calls {
					if slices.Contains(leaky, c) {
						t.Errorf("%s: %s calls %s", name, fn.Name.Name, c)
					}
				}
				if slices.ContainsFunc(calls, func(c string) bool { return slices.Contains(constant, c) }) {
					found[fn.Name.Name] = true
				}
			}
		}
		for _, n := range names {
			if !found[n] {
				t.Errorf("%s: %s doesn't compare in constant time", dir, n)
			}
		}
	}
}

// selectors are the qualified names in a function: "bytes.Equal".
func selectors(fn *ast.FuncDecl) (names []string) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				names = append(names, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return names
}
