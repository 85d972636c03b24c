package file

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line is half a MiB long, so that a file of one MiB holds two.
func line(char string) []byte { return []byte(strings.Repeat(char, 1<<19-1) + "\n") }

func open(t *testing.T, o Options) *File {
	t.Helper()
	f, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// put writes a line into the file, not just into the queue.
func put(f *File, line []byte) {
	_, _ = f.Write(line)
	f.Flush()
}

// content lists the files in dir with their first byte, decompressed.
func content(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil && strings.HasSuffix(e.Name(), ".gz") {
			b, err = gunzip(b)
		}
		if err != nil {
			return []string{"in motion: " + err.Error()}
		}
		if len(b) > 0 {
			list = append(list, fmt.Sprintf("%s:%c%d", e.Name(), b[0], bytes.Count(b, []byte("\n"))))
		} else {
			list = append(list, e.Name()+":")
		}
	}
	return list
}

func gunzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// eventually waits until the files in dir are as they should be.
func eventually(t *testing.T, dir string, want ...string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		got := content(t, dir)
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(cmp.Diff(want, got))
		}
		time.Sleep(5 * time.Millisecond) // between two looks at a condition
	}
}

func TestAppend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var tee bytes.Buffer
	for range 2 {
		f := open(t, Options{Dir: dir, Name: "x.log", Tee: &tee})
		if _, err := f.Write([]byte("one line\n")); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "x.log"))
	if err != nil || string(b) != "one line\none line\n" || tee.String() != string(b) {
		t.Errorf("%v, file %q, tee %q", err, b, tee.String())
	}
	for path, want := range map[string]os.FileMode{dir: 0o750, filepath.Join(dir, "x.log"): 0o640} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got&^want != 0 {
			t.Errorf("%s has mode %o, want at most %o", path, got, want)
		}
	}
}

func TestRotate(t *testing.T) {
	year := time.Now().UTC().Format("2006")
	tests := []struct {
		name    string
		o       Options
		dir     []string
		archive []string // nil if it is dir
	}{
		{"by index", Options{}, []string{"application.1.log:a2", "application.2.log:c2", "application.log:e1"}, nil},
		{"into another folder", Options{ArchiveDir: "old"}, []string{"application.log:e1"}, []string{"application.1.log:a2", "application.2.log:c2"}},
		{"compressed", Options{Compress: 9}, []string{"application.1.log.gz:a2", "application.2.log.gz:c2", "application.log:e1"}, nil},
		{"compressed into another folder", Options{Compress: -1, ArchiveDir: "old"}, []string{"application.log:e1"}, []string{"application.1.log.gz:a2", "application.2.log.gz:c2"}},
		{"by name", Options{Name: "x.log", ArchiveName: "x-%i.%"}, []string{"x-1.%:a2", "x-2.%:c2", "x.log:e1"}, nil},
		{"a name without time and index", Options{ArchiveName: "%P-x.log"}, []string{fmt.Sprintf("%d-x.1.log:a2", os.Getppid()), fmt.Sprintf("%d-x.2.log:c2", os.Getppid()), "application.log:e1"}, nil},
		{"a name that is taken", Options{ArchiveName: "%Y.log", Zone: time.UTC}, []string{year + ".1.log:c2", year + ".log:a2", "application.log:e1"}, nil},
		{"not more than one", Options{MaxFiles: 1}, []string{"application.2.log:c2", "application.log:e1"}, nil},
		{"not more than 1 MiB", Options{MaxTotalMiB: 1, ArchiveDir: "old"}, []string{"application.log:e1"}, []string{"application.2.log:c2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			o := tt.o
			o.Dir, o.MaxSizeMiB = dir, 1
			if o.ArchiveDir != "" {
				o.ArchiveDir = filepath.Join(dir, "..", "old")
			}
			f := open(t, o)
			for _, c := range "abcde" {
				if _, err := f.Write(line(string(c))); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, dir, tt.dir...)
			if tt.archive != nil {
				eventually(t, o.ArchiveDir, tt.archive...)
			}
		})
	}
}

// A restart goes on where the one before has ended, in size and index.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	for _, c := range "abcde" {
		f := open(t, Options{Dir: dir, MaxSizeMiB: 1})
		if _, err := f.Write(line(string(c))); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	eventually(t, dir, "application.1.log:a2", "application.2.log:c2", "application.log:e1")
}

// The first line may be longer than the file should be.
func TestLongLine(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir, MaxSizeMiB: 1})
	for _, c := range "ab" {
		if _, err := f.Write(bytes.Repeat([]byte(string(c)), 3<<20)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, dir, "application.1.log:a0", "application.log:b0")
}

// Archives of the past are limited at the start, others are left alone.
func TestMaxAge(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	make := func(name string, changed time.Time) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	old, fresh := now.Add(-2*time.Hour), now.Add(-time.Minute)
	make("application.7.log", old)
	make("application.8.log", fresh)
	make("application.x.log", old)
	make("application.log", old)
	open(t, Options{Dir: dir, MaxAge: time.Hour})
	eventually(t, dir, "application.8.log:x1", "application.log:x1", "application.x.log:x1")

	make(fmt.Sprintf("d%d.log", old.Unix()), now)
	make(fmt.Sprintf("d%d.log", fresh.Unix()), old)
	open(t, Options{Dir: dir, MaxAge: time.Hour, ArchiveName: "d%u.log"})
	eventually(t, dir, "application.8.log:x1", "application.log:x1", "application.x.log:x1", fmt.Sprintf("d%d.log:x1", fresh.Unix()))
}

func TestSchedule(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir, Schedule: "* * * * * *"})
	if _, err := f.Write([]byte("a\n")); err != nil {
		t.Fatal(err)
	}
	// Once it is archived, the empty file stays: there is no second archive.
	eventually(t, dir, "application.1.log:a1", "application.log:")
	if _, err := f.Write([]byte("b\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, dir, "application.1.log:a1", "application.2.log:b1", "application.log:")
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"no folder":         {Dir: filepath.Join(dir, "file")},
		"no archive folder": {Dir: dir, ArchiveDir: filepath.Join(dir, "file")},
		"a folder":          {Dir: filepath.Dir(dir), Name: filepath.Base(dir)},
		"no specifier":      {Dir: dir, ArchiveName: "a.%x.log"},
		"a slash":           {Dir: dir, ArchiveName: "a/%i.log"},
		"no schedule":       {Dir: dir, Schedule: "* * *"},
	} {
		if f, err := Open(o); err == nil {
			_ = f.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func TestConcurrentWrites(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir, MaxSizeMiB: 1})
	text := []byte(strings.Repeat("x", 9999) + "\n")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				_, _ = f.Write(text)
			}
		})
	}
	wg.Wait()
	f.Flush()
	lines := 0
	for _, name := range []string{"application.1.log", "application.2.log", "application.3.log", "application.log"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(b)%len(text) != 0 || len(b) > 1<<20 {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		lines += len(b) / len(text)
	}
	if lines != 400 {
		t.Errorf("%d lines, want 400", lines)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f, err := Open(Options{Dir: dir, Name: "access.log", MaxSizeMiB: 100, MaxFiles: 10, Compress: -1})
	if err != nil {
		panic(err)
	}
	_, _ = f.Write([]byte("a line\n"))
	_ = f.Close()
	text, _ := os.ReadFile(filepath.Join(dir, "access.log"))
	fmt.Print(string(text))
	// Output: a line
}

func BenchmarkWrite(b *testing.B) {
	f, err := Open(Options{Dir: b.TempDir(), MaxSizeMiB: 64, MaxFiles: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	text := []byte(strings.Repeat("x", 399) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = f.Write(text)
	}
}
