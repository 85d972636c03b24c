package toolchain

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options say how a module is built.
type Options struct {
	OS, Arch string // "" is the machine's
	Tags     string
	LDFlags  string // added to the default ones
	// Cache is the folder for sources and binaries; "" is one in the user's cache folder.
	Cache string
	// Progress is told what is going on. Nil is quiet.
	Progress func(Event)
}

// An Event is a step of a build.
type Event struct {
	Stage    string
	Packages int // compiled so far
	Took     time.Duration
}

// A NoGoError says that the go command is missing or too old.
type NoGoError struct{ Reason string }

func (e *NoGoError) Error() string { return e.Reason }

// MinGo is the Go version that generated code needs.
const MinGo = "1.26"

// Build builds the module and returns the path of the binary in the cache. A module
// that was built before with the same options isn't built again.
func Build(ctx context.Context, l *Layout, o Options) (string, error) {
	g, err := findGo(ctx)
	if err != nil {
		return "", err
	}
	cache, err := o.cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, l.hash(g, o))
	binary := filepath.Join(dir, g.binary(o))
	if _, err := os.Stat(binary); err == nil {
		touch(dir)
		return binary, nil
	}
	return binary, g.build(ctx, l, o, cache, dir, binary)
}

func (o *Options) cache() (string, error) {
	if o.Cache != "" {
		return o.Cache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there's no folder for builds: %w; set one of them", err)
	}
	return filepath.Join(dir, "aileronc"), nil
}

// binary is the name of the binary.
func (g *goCommand) binary(o Options) string {
	if cmp.Or(o.OS, g.os) == "windows" {
		return "gateway.exe"
	}
	return "gateway"
}

// hash identifies a build by all that its result depends on.
func (l *Layout) hash(g *goCommand, o Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n%s\n", g.version, g.settings, cmp.Or(o.OS, g.os), cmp.Or(o.Arch, g.arch))
	fmt.Fprintf(h, "%s\n%s\n%s\n", o.Tags, o.LDFlags, g.flags)
	for _, name := range slices.Sorted(maps.Keys(l.Files)) {
		fmt.Fprintf(h, "%s %d\n", name, len(l.Files[name]))
		h.Write(l.Files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// goCommand is the go command of the machine.
type goCommand struct {
	path    string
	version string
	os      string // that it builds for if it isn't told, on the architecture arch
	arch    string
	flags   string // the user's GOFLAGS, without those that would break the build
	// settings are what the result depends on besides: variants of architectures, and experiments.
	settings string
}

// asked are the settings that findGo asks for. The first ones have fields of their own.
var asked = strings.Fields("GOVERSION GOFLAGS GOOS GOARCH GO386 GOAMD64 GOARM GOARM64 GOMIPS GOMIPS64 GOPPC64 GORISCV64 GOWASM GOEXPERIMENT GOFIPS140")

func findGo(ctx context.Context) (*goCommand, error) {
	p, err := exec.LookPath("go")
	if err != nil {
		return nil, &NoGoError{"there's no go command in the PATH; building a gateway needs Go " + MinGo + " or newer, see https://go.dev/dl/"}
	}
	cmd := exec.CommandContext(ctx, p, append([]string{"env"}, asked...)...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Dir = os.TempDir() // not in a module, whose toolchain line might count
	out, err := cmd.Output()
	if err != nil {
		reason := err.Error()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
			reason = strings.TrimSpace(string(exit.Stderr))
		}
		return nil, &NoGoError{fmt.Sprintf("the go command at %s doesn't run: %s", p, reason)}
	}
	values := append(strings.Split(string(out), "\n"), "", "", "", "")
	g := &goCommand{path: p, version: values[0], os: values[2], arch: values[3], settings: strings.Join(values[4:], " ")}
	if older(g.version, "go"+MinGo) {
		return nil, &NoGoError{fmt.Sprintf("%s is too old; building a gateway needs Go %s or newer, see https://go.dev/dl/", g.version, MinGo)}
	}
	var keep []string
	for f := range strings.FieldsSeq(values[1]) {
		if !strings.HasPrefix(strings.TrimLeft(f, "-"), "mod=") && !strings.HasPrefix(strings.TrimLeft(f, "-"), "modfile=") {
			keep = append(keep, f)
		}
	}
	g.flags = strings.Join(append(keep, "-mod=readonly"), " ")
	return g, nil
}

// older compares "go1.26.3" with "go1.26" by their first two numbers.
func older(have, want string) bool {
	var a, b [2]int
	if n, _ := fmt.Sscanf(have, "go%d.%d", &a[0], &a[1]); n < 2 {
		return false // a development version
	}
	_, _ = fmt.Sscanf(want, "go%d.%d", &b[0], &b[1])
	return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
}

// build writes the module beside its final place, builds it there, and renames
// it: an interrupted build leaves nothing that looks like a finished one.
func (g *goCommand) build(ctx context.Context, l *Layout, o Options, cache, dir, binary string) error {
	work, err := workspace(cache)
	if err != nil {
		return err
	}
	if _, err := Write(&Layout{Files: l.Files}, work); err != nil {
		os.RemoveAll(work)
		return err
	}
	out := filepath.Join(work, filepath.Base(binary))
	if err := g.run(ctx, work, out, o); err != nil {
		if be, ok := errors.AsType[*BuildError](err); ok {
			be.Workspace = work // kept, so that one can look into it
			return be
		}
		os.RemoveAll(work)
		return err
	}
	if err := os.Rename(work, dir); err != nil {
		if _, statErr := os.Stat(binary); statErr == nil {
			return os.RemoveAll(work) // somebody else was faster
		}
		os.RemoveAll(dir) // a kept workspace of a failed build
		return os.Rename(work, dir)
	}
	return nil
}

// workspace makes a folder in the cache that no other build uses.
func workspace(cache string) (string, error) {
	err := os.MkdirAll(cache, 0o755)
	if err == nil {
		prune(cache)
		var work string
		if work, err = os.MkdirTemp(cache, "build-"); err == nil {
			return work, nil
		}
	}
	return "", fmt.Errorf("nothing can be built in the cache folder: %w; XDG_CACHE_HOME can name another one", err)
}

// A BuildError is what the go command said of generated source that doesn't build.
type BuildError struct {
	First     string // the first line that says something
	Output    string
	Workspace string
}

func (e *BuildError) Error() string { return e.First }

// Args are the arguments of go build for these options, but for the output.
func (o *Options) Args() []string {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=" + strings.TrimSpace("-s -w "+o.LDFlags)}
	if o.Tags != "" {
		args = append(args, "-tags="+o.Tags)
	}
	return args
}

func (g *goCommand) run(ctx context.Context, dir, out string, o Options) error {
	args := append(o.Args(), "-o", out)
	if o.Progress != nil {
		args = append(args, "-v") // names the packages that are compiled
	}
	cmd := exec.CommandContext(ctx, g.path, append(args, ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+g.flags, "PWD="+dir)
	if o.OS != "" {
		cmd.Env = append(cmd.Env, "GOOS="+o.OS)
	}
	if o.Arch != "" {
		cmd.Env = append(cmd.Env, "GOARCH="+o.Arch)
	}
	// The go command ends its children and removes its temporary files.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := o.follow(pipe)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return buildError(lines)
	}
	return nil
}

// follow reads what go build says. Lines that are just a package path are progress.
func (o *Options) follow(r io.Reader) []string {
	var lines []string
	start := time.Now()
	packages := 0
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := sc.Text()
		if o.Progress == nil || strings.ContainsAny(line, " :") {
			lines = append(lines, line)
			continue
		}
		packages++
		stage := "compiling " + line
		if first, _, _ := strings.Cut(line, "/"); packages > 3 && !strings.Contains(first, ".") && line != "gateway" {
			stage = "compiling the Go standard library, once for this set of flags"
		}
		o.Progress(Event{Stage: stage, Packages: packages, Took: time.Since(start)})
	}
	return lines
}

func buildError(lines []string) *BuildError {
	e := &BuildError{First: "go build failed", Output: strings.Join(lines, "\n")}
	for _, l := range lines {
		if l != "" && !strings.HasPrefix(l, "#") && !strings.HasPrefix(l, "go: downloading") {
			e.First = l
			break
		}
	}
	return e
}

// Command is the command that builds a generated module by hand, to the same bytes as Build.
func Command() string {
	var o Options
	args := o.Args()
	for i, a := range args {
		if strings.Contains(a, " ") {
			args[i] = `"` + a + `"`
		}
	}
	return "CGO_ENABLED=0 GOWORK=off go " + strings.Join(args, " ") + " -o gateway ."
}

// AddProfile adds a profile to the module, where the go command looks for it.
func (l *Layout) AddProfile(file string) error {
	profile, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the profile: %w", err)
	}
	l.Files["default.pgo"] = profile
	return nil
}
