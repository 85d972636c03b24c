package stdout

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Lines get out whole and in order, whatever is written at once, and whoever reads late.
func TestSlowReader(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	large := bytes.Repeat([]byte("0123456789abcde\n"), 32<<10)
	before := os.Stdout
	defer func() { os.Stdout = before }()
	write := func(f *os.File) {
		mu.Lock()
		os.Stdout = f
		mu.Unlock()
		for p := large; len(p) > 0; p = p[1<<10:] {
			Write(p[:1<<10])
		}
		Flush()
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(r)
		got <- b
	}()
	write(w)
	w.Close()
	if b := <-got; !bytes.Equal(b, large) {
		t.Errorf("%d bytes have come out of the pipe, not %d", len(b), len(large))
	}

	w, err = os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	write(w)
	if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, large) {
		t.Errorf("%d bytes are in the file (%v), not %d", len(b), err, len(large))
	}
}
