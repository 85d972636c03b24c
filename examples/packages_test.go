package examples

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden/packages")

// linked is what the linker has put into a binary.
type linked struct {
	packages map[string]bool // but for most of the standard library
	// reflecting are the functions that call methods by a name that is only known when they run. With
	// one of them in it, the linker keeps the methods of all types.
	reflecting map[string]bool
}

// heavy are the packages of the standard library that an ordinary gateway does without.
var heavy = []string{
	"archive/zip", "compress/bzip2", "database/sql", "encoding/gob", "encoding/json", "encoding/xml", "expvar", "go/ast", "html/template",
	"net/http", "net/http/cgi", "net/http/httputil", "net/http/pprof", "net/rpc", "regexp", "runtime/pprof", "runtime/trace", "testing", "text/template", "time/tzdata",
}

// text is what golden/packages has of it.
func (l *linked) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d functions that call methods by name\n", len(l.reflecting))
	for _, f := range slices.Sorted(maps.Keys(l.reflecting)) {
		fmt.Fprintf(&b, "\t%s\n", f)
	}
	for _, p := range slices.Sorted(maps.Keys(l.packages)) {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// readLinked reads what go build prints with -ldflags=-dumpdep: for each binary, "# gateway/NAME",
// and an edge "FROM -> TO" for each use that the linker has found. It returns the
// binaries by NAME, and the lines that are something else.
func readLinked(r io.Reader) (binaries map[string]*linked, others string, err error) {
	binaries = make(map[string]*linked)
	l := &linked{}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if name, ok := strings.CutPrefix(sc.Text(), "# gateway/"); ok {
			l = &linked{packages: make(map[string]bool), reflecting: make(map[string]bool)}
			binaries[name] = l
			continue
		}
		from, _, ok := strings.Cut(sc.Text(), " -> ")
		if !ok || l.packages == nil {
			others += sc.Text() + "\n"
			continue
		}
		symbol, flags, _ := strings.Cut(from, " <")
		if strings.Contains(flags, "ReflectMethod") {
			l.reflecting[symbol] = true
		}
		if pkg := packageOf(symbol); pkg != "" {
			l.packages[pkg] = true
		}
	}
	return binaries, others, sc.Err()
}

// packageOf is the package of a symbol, "" if it is none of those that are listed.
func packageOf(symbol string) string {
	end := strings.IndexAny(symbol, "[(:") // of generics, methods, and the linker's own
	if end < 0 {
		end = len(symbol)
	}
	// The first dot behind the domain ends the path; the name behind it may have another path in it.
	path, slash := symbol[:end], 0
	if domain := strings.IndexByte(path, '/'); domain >= 0 {
		slash = domain + 1
	}
	dot := strings.IndexByte(path[slash:], '.')
	if dot < 0 {
		return ""
	}
	pkg := strings.ReplaceAll(path[:slash+dot], "%2e", ".")
	first, _, hasSlash := strings.Cut(pkg, "/")
	if hasSlash && strings.Contains(first, ".") || first == "gateway" || slices.Contains(heavy, pkg) {
		return pkg
	}
	return ""
}

// comparePackages holds what the examples link against golden/packages.
func comparePackages(t *testing.T, binaries map[string]*linked) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("golden/packages is what Linux needs")
	}
	const dir = "../golden/packages"
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, l := range binaries {
		if strings.Contains(name, otherEngine) {
			continue
		}
		file := filepath.Join(dir, name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(l.text()), 0o644); err != nil {
				t.Error(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(string(want), l.text()); d != "" {
			t.Errorf("%s links something else; if it should be so: go test ./examples -update (-want +got)\n%s", name, d)
		}
	}
	files, _ := filepath.Glob(dir + "/*.txt")
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".txt"); binaries[name] == nil {
			t.Errorf("%s is of no example", file)
		}
	}
}

// TestOnlyTemplatesReflect holds the promise that only the template engines keep methods that
// nobody calls.
func TestOnlyTemplatesReflect(t *testing.T) {
	files, err := filepath.Glob("../golden/packages/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing in golden/packages: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		engine := strings.Contains(string(text), "\ntext/template\n")
		if none := strings.HasPrefix(string(text), "0 functions"); none == engine {
			t.Errorf("%s: with a template engine: %t; without functions that call methods by name: %t", file, engine, none)
		}
	}
}

// askedFor are modules that are linked by what only some configs ask for: the beginning of the packages' paths, and words of which
// one is in such a config.
var askedFor = map[string][]string{
	"github.com/open-policy-agent/":           {"OPAAuthzMiddleware"},
	"github.com/dgraph-io/":                   {"directory:"},
	"go.opentelemetry.io/":                    {"OpenTelemetryMeter", "OpenTelemetryTracer", "directory:"},
	"go.opentelemetry.io/otel/sdk/trace":      {"OpenTelemetryTracer"},
	"go.opentelemetry.io/otel/sdk/metric":     {"OpenTelemetryMeter"},
	"go.opentelemetry.io/otel/exporters/otlp": {"httpExporter", "grpcExporter"},
	"google.golang.org/grpc":                  {"httpExporter", "grpcExporter"},
	"github.com/prometheus/":                  {"PrometheusMeter", "directory:"},
	"github.com/redis/":                       {"RedisClient"},
	"github.com/quic-go/":                     {"http3"},
}

// TestLinkedIfAskedFor holds the promise that a gateway carries only what its config names.
func TestLinkedIfAskedFor(t *testing.T) {
	files, err := filepath.Glob("../golden/packages/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing in golden/packages: %v", err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		config, err := os.ReadFile(filepath.Join(name, "config.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for prefix, words := range askedFor {
			if !strings.Contains(string(text), "\n"+prefix) {
				continue
			}
			seen[prefix] = true
			if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(string(config), w) }) {
				t.Errorf("%s links %s…, though its config has none of %q", name, prefix, words)
			}
		}
	}
	for _, prefix := range []string{
		"github.com/open-policy-agent/", "go.opentelemetry.io/otel/sdk/trace", "go.opentelemetry.io/otel/sdk/metric", "go.opentelemetry.io/otel/exporters/otlp", "google.golang.org/grpc",
	} {
		if !seen[prefix] {
			t.Errorf("no example links %s…, so that this test says nothing of it", prefix)
		}
	}
}

func TestPackageOf(t *testing.T) {
	for symbol, want := range map[string]string{
		"github.com/aileron-gateway/aileronc/runtime/app.(*Gateway).Run":                    "github.com/aileron-gateway/aileronc/runtime/app",
		"github.com/cespare/xxhash/v2.Sum64":                                                "github.com/cespare/xxhash/v2",
		"gopkg.in/yaml%2ev3.Unmarshal":                                                      "gopkg.in/yaml.v3",
		"slices.SortFunc[go.shape.[]github.com/aileron-gateway/x.T,go.shape]":               "",
		"github.com/quic-go/quic-go/http3.stateTrackingStream.github.com/quic-go/quic-go.x": "github.com/quic-go/quic-go/http3",
		"regexp.MustCompile":  "regexp",
		"regexp/syntax.Parse": "",
		"type:github.com/aileron-gateway/aileronc/runtime/app.T":               "",
		"go:itab.*github.com/aileron-gateway/aileronc/runtime/app.T,io.Reader": "",
		"_rt0_amd64_linux":                         "",
		"gateway/third_party/plugins/count.Plugin": "gateway/third_party/plugins/count",
	} {
		if got := packageOf(symbol); got != want {
			t.Errorf("%s is of package %q, not %q", symbol, got, want)
		}
	}
}
