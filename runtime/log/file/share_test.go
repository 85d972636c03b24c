package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whoever moves the file away finds that it is left soon, and a new one made.
func TestMovedByOthers(t *testing.T) {
	for name, remove := range map[string]func(from, to string) error{
		"moved":   os.Rename,
		"deleted": func(from, _ string) error { return os.Remove(from) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := open(t, Options{Dir: dir})
			put(f, []byte("a\n"))
			if err := remove(filepath.Join(dir, "application.log"), filepath.Join(dir, "moved")); err != nil {
				t.Fatal(err)
			}
			f.mu.Lock()
			f.look = time.Now().Add(-time.Nanosecond) // a second later
			f.mu.Unlock()
			put(f, []byte("b\n"))
			want := []string{"application.log:b1"}
			if name == "moved" {
				want = append(want, "moved:a1")
			}
			eventually(t, dir, want...)
		})
	}
}

// What others have written counts for the size.
func TestSizeOfOthers(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, Options{Dir: dir, MaxSizeMiB: 1}), open(t, Options{Dir: dir, MaxSizeMiB: 1})
	put(one, line("a"))
	put(one, line("b"))
	two.mu.Lock()
	two.look = time.Now().Add(-time.Nanosecond)
	two.mu.Unlock()
	put(two, line("c"))
	eventually(t, dir, "application.1.log:a2", "application.log:c1")
}

// An archive that others still write to is compressed when they have left it.
func TestBusyArchive(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, Options{Dir: dir, MaxSizeMiB: 1, Compress: 1}), open(t, Options{Dir: dir})
	for _, c := range "abc" {
		put(one, line(string(c)))
	}
	put(two, []byte("late\n"))
	if err := one.store("application.1.log"); err != errBusy {
		t.Errorf("an archive that is written to is compressed: %v", err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	one.tidy()
	eventually(t, dir, "application.1.log.gz:a3", "application.log:c1")
}

func TestFinalize(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		line string
		want []string
	}{
		{"archived", Options{}, "a\n", []string{"application.1.log:a1"}},
		{"empty", Options{}, "", []string{"application.log:"}},
		{"compressed", Options{Compress: 1}, "a\n", []string{"application.1.log.gz:a1"}},
		{"into another folder", Options{ArchiveDir: "old"}, "a\n", []string{"application.1.log:a1"}},
		{"by date", Options{ArchiveName: "x%Y.log", Zone: time.UTC}, "a\n", []string{"x" + time.Now().UTC().Format("2006") + ".log:a1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			o := tt.o
			o.Dir = dir
			if o.ArchiveDir != "" {
				o.ArchiveDir = filepath.Join(dir, "..", "old")
				dir = o.ArchiveDir
			}
			f := open(t, o)
			put(f, []byte(tt.line))
			for range 2 {
				if err := f.Finalize(); err != nil {
					t.Error(err)
				}
			}
			if got, want := strings.Join(content(t, dir), " "), strings.Join(tt.want, " "); got != want { // at once
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// The limits hold when the gateway has stopped, and its next start goes on with the next index.
func TestFinalizeAgainAndAgain(t *testing.T) {
	year := time.Now().UTC().Format("2006")
	for pattern, want := range map[string]string{
		"":             "application.4.log:31 application.5.log:41",
		"x.%i.log":     "x.4.log:31 x.5.log:41",
		"x-%Y.%i.log":  fmt.Sprintf("x-%s.4.log:31 x-%s.5.log:41", year, year),
		"x-%Y.log":     fmt.Sprintf("x-%s.3.log:31 x-%s.4.log:41", year, year),
		"x-%Y%M%D.log": fmt.Sprintf("x-%s.3.log:31 x-%s.4.log:41", time.Now().UTC().Format("20060102"), time.Now().UTC().Format("20060102")),
	} {
		dir := t.TempDir()
		for i := range 5 {
			f := open(t, Options{Dir: dir, MaxFiles: 2, ArchiveName: pattern, Zone: time.UTC})
			fmt.Fprintf(f, "%d\n", i)
			if err := f.Finalize(); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(content(t, dir), " "); got != want {
			t.Errorf("%q: got %s, want %s", pattern, got, want)
		}
	}
}

// What has been archived last is what is kept, whatever has been deleted meanwhile.
func TestIndicesGoUp(t *testing.T) {
	year := time.Now().UTC().Format("2006")
	for pattern, want := range map[string]string{"": "application.4.log:g2", "%Y.log": year + ".3.log:g2"} {
		dir := t.TempDir()
		f := open(t, Options{Dir: dir, MaxFiles: 1, MaxSizeMiB: 1, ArchiveName: pattern, Zone: time.UTC})
		for i, c := range "abcdefghi" {
			put(f, line(string(c)))
			if i%2 == 0 && i > 0 { // it has been archived
				f.tidy()
			}
		}
		eventually(t, dir, want, "application.log:i1")
	}
}

// A gateway that takes over keeps the file that the other one leaves.
func TestFinalizeShared(t *testing.T) {
	dir := t.TempDir()
	old, next := open(t, Options{Dir: dir}), open(t, Options{Dir: dir})
	put(old, []byte("a\n"))
	put(next, []byte("b\n"))
	for _, f := range []*File{old, next} {
		if f == next {
			eventually(t, dir, "application.log:a2")
		}
		if err := f.Finalize(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, dir, "application.1.log:a2")
}

// stderr returns what do makes this package write to standard error.
func stderr(t *testing.T, do func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	saved := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = saved }()
	do()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What can't be written goes to standard error, and the file is tried again with the next line.
func TestFallback(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir})
	write := func(text string) {
		if n, err := f.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write returned %d, %v", n, err)
		}
		f.Flush()
	}
	good := f.file
	bad, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	got := stderr(t, func() {
		f.file = bad
		write("to standard error\n")
		f.file = good
		write("half a line")
		f.torn = true // as if that was all that went in
		write("to the file\n")
		_ = f.Close()
		write("too late\n")
	})
	if got != "to standard error\ntoo late\n" {
		t.Errorf("standard error has %q", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "application.log")); string(text) != "half a line\nto the file\n" || err != nil {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// Neither of the outputs depends on the other.
func TestTeeFails(t *testing.T) {
	dir := t.TempDir()
	bad, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	f := open(t, Options{Dir: dir, Tee: bad})
	put(f, []byte("a\n"))
	eventually(t, dir, "application.log:a1")

	var tee strings.Builder
	f = open(t, Options{Dir: dir, Tee: &tee})
	good := f.file
	f.file = bad
	if got := stderr(t, func() { put(f, []byte("b\n")) }); got != "b\n" || tee.String() != "b\n" {
		t.Errorf("standard error has %q, the tee %q", got, tee.String())
	}
	f.file = good
}

// No line is lost, however many processes write, archive, compress and stop.
func TestNothingIsLost(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("x", 2000)
	const files, writers, lines = 3, 3, 300
	lost := stderr(t, func() {
		var wg sync.WaitGroup
		for i := range files {
			f := open(t, Options{Dir: dir, MaxSizeMiB: 1, Compress: 1, ArchiveDir: filepath.Join(dir, "old"), Schedule: "* * * * * *"})
			wg.Go(func() {
				var all sync.WaitGroup
				for k := range writers {
					all.Go(func() {
						for n := range lines {
							fmt.Fprintf(f, "%d-%d-%d %s\n", i, k, n, text)
						}
					})
				}
				all.Wait()
				_ = f.Finalize()
			})
		}
		wg.Wait()
	})
	last := open(t, Options{Dir: dir, Compress: 1, ArchiveDir: filepath.Join(dir, "old")})
	last.tidy() // what was busy
	_ = last.Close()
	seen := make(map[string]int)
	count := func(text string) {
		for l := range strings.Lines(text) {
			id, _, _ := strings.Cut(l, " ")
			seen[id]++
		}
	}
	count(lost)
	for _, d := range []string{dir, filepath.Join(dir, "old")} {
		entries, err := os.ReadDir(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				count(string(read(t, filepath.Join(d, e.Name()))))
			}
		}
	}
	if len(seen) != files*writers*lines {
		t.Errorf("%d lines, want %d", len(seen), files*writers*lines)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%q is there %d times", id, n)
		}
	}
}

// read returns the content of a file, decompressed.
func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".gz") {
		b, err = gunzip(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
