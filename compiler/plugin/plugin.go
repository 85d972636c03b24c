// Package plugin finds out what a symbol of a user's Go package can be used as.
//
// The package is type-checked the way it will be built: in a scratch module that holds the
// runtime of this compiler, the user's package or its module, and nothing else. Nothing is
// downloaded unless the package itself needs modules that are not in the module cache.
package plugin

import (
	"fmt"
	"go/types"
	"io/fs"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// A Form is how the object that a symbol stands for comes into being.
type Form int

// The forms.
const (
	Value       Form = iota // a variable, or a function that is what is wanted
	Address                 // a variable whose pointer has the methods
	Constructor             // a function that returns the object
	Type                    // a type, of which a new one is made
)

// A Symbol is what has been found.
type Symbol struct {
	Package ir.Plugin
	Name    string
	Form    Form
	// Fails means that the constructor returns an error, too.
	Fails bool
	// Type is the type of the object, for messages.
	Type string
	// Shapes are what the object is, or has as methods.
	Shapes []Shape
}

// Has reports whether the object has one of the shapes, and returns the first of them.
func (s *Symbol) Has(shapes ...Shape) (Shape, bool) {
	for _, want := range shapes {
		for _, have := range s.Shapes {
			if have == want {
				return have, true
			}
		}
	}
	return "", false
}

// Inspect looks up a symbol in the package that path names: a folder, relative to dir, or an
// import path, which is that of a package in the module around dir, of one that this module
// requires or, as "path@version", of any. src holds the sources of the runtime, with its
// go.mod and go.sum.
func Inspect(src fs.FS, dir, path, symbol string) (*Symbol, error) {
	at, err := locate(dir, path)
	if err != nil {
		return nil, err
	}
	w, err := newScratch(src, at)
	if err != nil {
		return nil, err
	}
	defer w.remove()
	pkg, err := w.load()
	if err != nil {
		return nil, err
	}
	s, err := find(pkg, symbol, at)
	if err != nil {
		return nil, &SymbolError{err.Error()}
	}
	s.Package, err = w.plugin(pkg)
	return s, err
}

// A SymbolError says that the package is all right, but not the symbol.
type SymbolError struct{ msg string }

func (e *SymbolError) Error() string { return e.msg }

// find looks up a symbol and its shapes.
func find(pkg *types.Package, name string, at *location) (*Symbol, error) {
	obj := pkg.Scope().Lookup(name)
	switch {
	case obj == nil:
		return nil, missing(pkg, name, at)
	case !obj.Exported():
		return nil, fmt.Errorf("%s of package %s is not exported: its name must begin with an upper-case letter", name, at.show)
	}
	s := &Symbol{Name: name}
	t := obj.Type()
	switch obj := obj.(type) {
	case *types.Var:
		if s.Shapes = shapesOf(t); len(s.Shapes) < len(shapesOf(types.NewPointer(t))) {
			s.Form, t = Address, types.NewPointer(t)
		}
	case *types.Func:
		if len(shapesOf(t)) == 0 {
			s.Form = Constructor
			t, s.Fails = constructed(t.(*types.Signature), t)
		}
	case *types.TypeName:
		if isGeneric(t) {
			return nil, fmt.Errorf("%s of package %s is a generic type; a plugin can't have type parameters", name, at.show)
		}
		s.Form = Type
		if t = types.NewPointer(t); types.IsInterface(obj.Type()) {
			return nil, fmt.Errorf("%s of package %s is an interface; a plugin is a variable, a function, or a type that is none", name, at.show)
		}
	default:
		return nil, fmt.Errorf("%s of package %s is a constant; a plugin is a variable, a function or a type", name, at.show)
	}
	s.Shapes = shapesOf(t)
	s.Type = types.TypeString(t, func(p *types.Package) string { return p.Name() })
	if len(s.Shapes) == 0 {
		return nil, fmt.Errorf("%s of package %s has the type %s, which is no handler, middleware, round tripper or the like; %s", name, at.show, s.Type, wanted)
	}
	return s, nil
}

// constructed is what a function without parameters returns, beside an error; for another
// function it's the type of that.
func constructed(sig *types.Signature, t types.Type) (result types.Type, fails bool) {
	r := sig.Results()
	switch {
	case sig.Params().Len() > 0 || sig.TypeParams().Len() > 0:
	case r.Len() == 1:
		return r.At(0).Type(), false
	case r.Len() == 2 && canonical(r.At(1).Type()) == "error":
		return r.At(0).Type(), true
	}
	return t, false
}

func isGeneric(t types.Type) bool {
	n, ok := t.(*types.Named)
	return ok && n.TypeParams().Len() > 0
}

// missing says that there is no such symbol, and which it may be.
func missing(pkg *types.Package, name string, at *location) error {
	var exported []string
	for _, n := range pkg.Scope().Names() {
		if pkg.Scope().Lookup(n).Exported() {
			exported = append(exported, n)
		}
	}
	return fmt.Errorf("package %s has no %s%s", at.show, name, suggest(name, exported))
}
