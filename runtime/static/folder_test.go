package static_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/static"
)

func bigFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "big"), []byte(strings.Repeat("0123456789", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMissingRoot(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nowhere")
	h := handler(t, static.Options{Root: missing})
	now := time.Now()
	at := func(seconds int) error {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/a.txt"}, Start: now.Add(time.Duration(seconds) * time.Second)}
		err := h.Serve(x)
		if x.Response.Body != nil {
			_ = x.Response.Body.Close()
		}
		return err
	}
	if e, ok := errors.AsType[*gateway.Error](at(0)); !ok || e.Status != 404 {
		t.Errorf("while it's missing: got %v", e)
	}
	if err := os.Mkdir(missing, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(missing, "a.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := at(1); err != nil {
		t.Errorf("when it's there: got %v", err)
	}
}

func TestRootThatIsNoFolder(t *testing.T) {
	file := filepath.Join(bigFile(t), "big")
	if _, err := static.New(static.Options{Root: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

func TestWorkingDirectoryIsTheDefault(t *testing.T) {
	t.Chdir(site(t))
	if got, _ := get(t, handler(t, static.Options{}), "GET", "/sub/a.txt"); got != (answer{200, "A"}) {
		t.Errorf("got %v", got)
	}
}

func TestReplacedRootIsSeen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "a.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target string) {
		_ = os.Remove(filepath.Join(dir, "next"))
		if err := os.Symlink(target, filepath.Join(dir, "next")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")); err != nil {
			t.Fatal(err)
		}
	}
	write("one", "1")
	write("two", "2")
	link("one")
	h := handler(t, static.Options{Root: filepath.Join(dir, "current")})
	now := time.Now()
	at := func(seconds int) string {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/a.txt"}, Start: now.Add(time.Duration(seconds) * time.Second)}
		if err := h.Serve(x); err != nil {
			return err.Error()
		}
		defer x.Response.Body.Close()
		var b [9]byte
		n, _ := x.Response.Body.Read(b[:])
		return string(b[:n])
	}
	if got := at(0); got != "1" {
		t.Errorf("at first: got %q", got)
	}
	link("two")
	if got := at(0); got != "1" {
		t.Errorf("in the same second: got %q", got)
	}
	if got := at(1); got != "2" {
		t.Errorf("a second later: got %q", got)
	}
	if err := os.Remove(filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	if got := at(2); got != "2" {
		t.Errorf("without a folder: got %q", got)
	}
	link("one")
	if got := at(3); got != "1" {
		t.Errorf("with the first again: got %q", got)
	}
}

func TestRequestsWhileTheRootIsReplaced(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "a.txt"), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(dir, "current")
	link := func(target string) {
		if err := os.Symlink(target, current+".new"); err != nil {
			t.Error(err)
		}
		if err := os.Rename(current+".new", current); err != nil {
			t.Error(err)
		}
	}
	link("one")
	h := handler(t, static.Options{Root: current})
	start := time.Now()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for second := range 200 {
				x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/a.txt"}, Start: start.Add(time.Duration(second) * time.Second)}
				if err := h.Serve(x); err != nil {
					t.Errorf("second %d: %v", second, err)
					continue
				}
				_ = x.Response.Body.Close()
			}
		})
	}
	group.Go(func() {
		for i := range 100 {
			link([]string{"two", "one"}[i%2])
		}
	})
	group.Wait()
}

func TestClosed(t *testing.T) {
	h := handler(t, static.Options{Root: site(t)})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, h, "GET", "/data.txt"); got.Status != 500 {
		t.Errorf("got %v", got)
	}
}

func TestForbidden(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("needs a user whom permissions bind")
	}
	root := site(t)
	if err := os.Chmod(filepath.Join(root, "data.txt"), 0); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, handler(t, static.Options{Root: root}), "GET", "/data.txt"); got.Status != 403 {
		t.Errorf("got %v", got)
	}
}

func TestSpecialFilesAreNotFound(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no named pipes in the file system")
	}
	root := site(t)
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := handler(t, static.Options{Root: root})
	if got, _ := get(t, h, "GET", "/pipe"); got.Status != 404 {
		t.Errorf("got %v", got)
	}
}

// openFiles counts the open files of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc")
	}
	return len(entries)
}

func TestNoHandlesLeak(t *testing.T) {
	root := site(t)
	for _, listing := range []bool{false, true} {
		h := handler(t, static.Options{Root: root, Index: listing, Listing: listing, Header: gateway.Header{{Name: "ETag", Value: `"1"`}}})
		requests := func() {
			for _, path := range []string{"/data.txt", "/", "/sub", "/sub/", "/list/", "/data.txt/", "/nope", "/outside", "/loop", "/noext", "/sub/index.html"} {
				for _, method := range []string{"GET", "HEAD", "POST"} {
					for _, field := range []gateway.Field{
						{Name: "X", Value: "x"}, {Name: "Range", Value: "bytes=1-2"}, {Name: "Range", Value: "bytes=1-2,4-5"}, {Name: "Range", Value: "bytes=99-"},
						{Name: "If-None-Match", Value: `"1"`}, {Name: "If-Match", Value: `"2"`},
					} {
						get(t, h, method, path, field)
					}
				}
			}
		}
		requests()
		before := openFiles(t)
		requests()
		if after := openFiles(t); after > before {
			t.Errorf("listing %v: %d files are open, there were %d", listing, after, before)
		}
	}
}

func FuzzTraversal(f *testing.F) {
	for _, path := range []string{
		"/../secret.txt", "/sub/../../secret.txt", "/sub/up/secret.txt", "/outside", "/absolute", `/..\secret.txt`, "//../secret.txt",
		"/./../secret.txt", "/dirlink/../../secret.txt", "/sub/up", "/..", "..", "../secret.txt", "/...", "/\x00", "/sub/up/root/../secret.txt",
	} {
		f.Add(path)
	}
	root := site(f)
	secretDir := filepath.Dir(root)
	handlers := []*static.Handler{
		handler(f, static.Options{Root: root, Index: true, Listing: true}),
		handler(f, static.Options{Root: root}),
		handler(f, static.Options{Root: root, StripPrefix: "/", Index: true, Listing: true}),
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, h := range handlers {
			for _, p := range []string{path, "/" + path, "/sub/up/" + path, "/" + secretDir + path} {
				got, r := get(t, h, "GET", p)
				if strings.Contains(got.Body, "secret") {
					t.Errorf("%q: got %q", p, got.Body)
				}
				if l := r.Header.Get("Location"); got.Status == 301 && !strings.HasPrefix(l, "./") && !strings.HasPrefix(l, "../") {
					t.Errorf("%q: Location %q", p, l)
				}
			}
		}
	})
}
