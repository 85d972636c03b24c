package file

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// While the disk is busy, writes let others run.
func TestBusyDisk(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir})
	raws, pause := 0, time.Duration(0)
	f.raw = func(file *os.File, p []byte) (int, error) {
		raws++
		time.Sleep(pause)
		return file.Write(p)
	}
	var want strings.Builder
	write := func(lines string) {
		t.Helper()
		want.WriteString(lines)
		f.mu.Lock()
		defer f.mu.Unlock()
		if n := f.write([]byte(lines)); n != len(lines) {
			t.Fatalf("%d of %d bytes have been written", n, len(lines))
		}
	}
	f.local = true
	huge := strings.Repeat("x", quick) + "\n"
	for _, tt := range []struct {
		name  string
		do    func()
		lines string
		raws  int
	}{
		{"a line", func() {}, "a\n", 1},
		{"many", func() {}, huge, 0},
		{"a slow one", func() { pause = 2 * slow }, "b\n", 1},
		{"while it is busy", func() {}, "c\n", 0},
		{"later", func() { f.busy = time.Now() }, "d\n", 1},
		{"on another computer", func() { f.local = false }, "e\n", 0},
	} {
		raws = 0
		tt.do()
		if write(tt.lines); raws != tt.raws {
			t.Errorf("%s: %d writes that the scheduler doesn't know, not %d", tt.name, raws, tt.raws)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "application.log")); err != nil || string(got) != want.String() {
		t.Errorf("%d bytes are in the file (%v), not %d", len(got), err, want.Len())
	}
}

// rawWrite writes all, or tells why not.
func TestRawWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	if n, err := rawWrite(file, want); n != len(want) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got, _ := os.ReadFile(name); !bytes.Equal(got, want) {
		t.Errorf("%d bytes are in the file", len(got))
	}
	_ = file.Close()
	if file, err = os.Open(name); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if n, err := rawWrite(file, want); n != 0 || err == nil {
		t.Errorf("where nothing may be written: %d, %v", n, err)
	}
}

// What isn't a file in the strict sense may take its time.
func TestIsLocal(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("writes are known to the scheduler everywhere else")
	}
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	proc, err := os.Open("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	for _, f := range []*os.File{file, proc} {
		var info fs.FileInfo
		if info, err = f.Stat(); err != nil {
			t.Fatal(err)
		}
		if isLocal(f, info) {
			t.Errorf("%s is a file on a disk", f.Name())
		}
	}
}

// rawSize knows the file by more than its name.
func TestRawSize(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sizes are asked for with the scheduler's knowledge everywhere else")
	}
	dir := t.TempDir()
	name, away := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(name, "12345")
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	id := identify(info)
	if size, here := rawSize(name, id); size != 5 || !here {
		t.Errorf("%d bytes, here %t", size, here)
	}
	if err := os.Rename(name, away); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{name, "a\x00b", filepath.Join(away, "c")} {
		if _, here := rawSize(path, id); here {
			t.Errorf("%q has been found", path)
		}
	}
	write(name, "12345")
	if _, here := rawSize(name, id); here {
		t.Error("another file of the name has been taken for it")
	}
	if err := os.Symlink(away, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if size, here := rawSize(filepath.Join(dir, "link"), id); size != 5 || !here {
		t.Errorf("by a link: %d bytes, here %t", size, here)
	}
}
