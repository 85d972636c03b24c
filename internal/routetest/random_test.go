package routetest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/aileron-gateway/aileronc/internal/routetest"
	"github.com/dave/jennifer/jen"
)

var executions = flag.Int("executions", 20000, "how many random requests a test makes")

// The fuzz tests look for new paths through the code; this one makes many requests.
func TestRandomRequests(t *testing.T) {
	list := subjects(t)
	c := routetest.Random(42)
	for i := range *executions {
		s := list[i%len(list)]
		check(t, s, c.Request(s.Oracle.Patterns()))
		if t.Failed() {
			return
		}
	}
}

func TestRandomTrees(t *testing.T) {
	c := routetest.Random(43)
	for i := 0; i < *executions; i += 50 {
		checkConflicts(t, c.Patterns(30))
		s := routetest.NewSubject(routetest.Set{Name: "random", Routes: c.Routes(30)}, nil)
		for range 50 {
			check(t, s, c.Request(s.Oracle.Patterns()))
		}
		if t.Failed() {
			return
		}
	}
}

// Printed routers of random sets compile, and do what ServeMux does. They are
// one program, which exists only while it is compiled.
func TestRandomPrintedRouters(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	const module, sets = "github.com/aileron-gateway/aileronc", 100
	f := jen.NewFile("main")
	f.ImportName(module+"/internal/routetest", "routetest")
	var constructors []jen.Code
	for i := range sets {
		name := fmt.Sprintf("New%d", i)
		if err := printRouter(f, fmt.Sprintf("route%d", i), name, routetest.RandomSet(i)); err != nil {
			t.Fatal(err)
		}
		constructors = append(constructors, jen.Id(name))
	}
	f.Func().Id("main").Params().Block(jen.Qual(module+"/internal/routetest", "Main").Call(constructors...))

	dir := t.TempDir()
	source, overlay, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "random")
	if err := f.Save(source); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "random", "main.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, replace, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"go", "build", "-overlay", overlay, "-o", program, "./random"},
		{program, strconv.Itoa(*executions)},
	} {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", command, err, bytes.TrimSpace(out))
		}
		t.Logf("%s", bytes.TrimSpace(out))
	}
}
