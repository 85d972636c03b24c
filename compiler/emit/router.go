package emit

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/dave/jennifer/jen"
)

// routerFile prints the router of a server.
func (g *generator) routerFile(r *ir.Router) (string, *jen.File, error) {
	names := g.code.routers[r]
	spec := RouterSpec{TypeName: names.typ, ServerTitle: r.Server.Short(), Handlers: names.fields}
	for _, rt := range r.Routes {
		spec.Routes = append(spec.Routes, route.Route{Pattern: rt.Pattern, Methods: rt.Methods, Handler: rt.Handler, From: rt.From})
	}
	f := g.file()
	err := PrintRouter(f, spec)
	return "routes_" + fileName(strings.TrimPrefix(names.typ, "route")) + ".go", f, err
}

// fileName makes a file name of an identifier: lower case letters, digits and
// underscores, and nothing behind the last underscore that the go command reads as a platform.
func fileName(ident string) string {
	name := strings.ToLower(strings.Join(splitKind(ident), "_"))
	if last := name[strings.LastIndexByte(name, '_')+1:]; last == "test" || platforms[last] {
		name += "_server"
	}
	return name
}

// platforms are the words that restrict a file to a platform when they end its name.
var platforms = func() map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq("aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows " +
		"386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm") {
		m[w] = true
	}
	return m
}()
