package file

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// However lines come, all are in the files when Close returns, each writer's in its order, and no file is too large.
func TestWriters(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir, MaxSizeMiB: 1, ArchiveName: "%i.log"})
	const writers, lines = 8, 2000
	fill := strings.Repeat("x", 300)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range lines {
				_, _ = f.Write(fmt.Appendf(nil, "%d %d %s\n", w, i, fill))
			}
		})
	}
	all.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for i := 1; ; i++ {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.log", i)))
		if err != nil {
			break
		}
		if len(b) > 1<<20 {
			t.Errorf("archive %d has %d bytes", i, len(b))
		}
		got = append(got, b...)
	}
	rest, err := os.ReadFile(filepath.Join(dir, "application.log"))
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, rest...)
	next := [writers]int{}
	for l := range bytes.Lines(got) {
		var w, i int
		if _, err := fmt.Sscanf(string(l), "%d %d "+fill+"\n", &w, &i); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		if i != next[w] {
			t.Fatalf("writer %d: line %d where %d should be", w, i, next[w])
		}
		next[w]++
	}
	for w, n := range next {
		if n != lines {
			t.Errorf("writer %d: %d lines", w, n)
		}
	}
}
