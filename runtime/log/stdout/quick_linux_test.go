package stdout

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// What a pipe doesn't take is left over, and nobody waits for its reader.
func TestAtOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	large := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	n := atOnce(w, large)
	if n == 0 && unfit == w {
		t.Skip("the kernel doesn't tell whether a write would wait")
	}
	if n == 0 || n == len(large) {
		t.Errorf("%d of %d bytes have been written to a pipe that nobody reads", n, len(large))
	}
	if n := atOnce(w, large); n != 0 {
		t.Errorf("%d bytes have been written to a full pipe", n)
	}
	if got, err := io.ReadAll(io.LimitReader(r, int64(n))); err != nil || !bytes.Equal(got, large[:n]) {
		t.Errorf("%d bytes have come out, %v", len(got), err)
	}
	if n := atOnce(w, []byte("more")); n != 4 {
		t.Errorf("%d bytes of 4 have been written to an empty pipe", n)
	}
	r.Close()
	if n := atOnce(w, large); n != 0 || unfit == w {
		t.Errorf("%d bytes have been written to a pipe without a reader", n)
	}
}
