package gateway_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestFileBody(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		start, length int64
		want          string
	}{{0, 10, "0123456789"}, {3, 4, "3456"}, {8, 2, "89"}, {8, 9, "89"}, {3, 0, ""}} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(tt.start, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b := &gateway.FileBody{File: f, Left: tt.length}
		got, err := io.ReadAll(iotest.OneByteReader(b))
		if string(got) != tt.want || err != nil {
			t.Errorf("%d from %d: got %q, %v", tt.length, tt.start, got, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := f.Stat(); err == nil {
			t.Error("the file is open still")
		}
	}
}
