package capsule

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// of is a capsule.
func of(kind uint64, value string) string { return string(appendHead(nil, kind, len(value))) + value }

func TestIsUsed(t *testing.T) {
	for value, want := range map[string]bool{"": false, "?1": true, " ?1;a=b": true, "?0": false, "1": false} {
		if got := IsUsed(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// none receives no datagrams.
func none(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }

func TestReaderPassesCapsules(t *testing.T) {
	all := of(0, "a") + of(7, "") + of(300, strings.Repeat("x", 20000)) + of(1<<30, "yz")
	for name, stream := range map[string]io.Reader{"at once": strings.NewReader(all), "byte by byte": iotest.OneByteReader(strings.NewReader(all))} {
		r := NewReader(stream, none)
		if got, err := io.ReadAll(r); string(got) != all || err != nil {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for _, half := range []string{"\x40", of(0, "abc")[:3]} {
		if _, err := io.ReadAll(NewReader(strings.NewReader(half), none)); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", half, err)
		}
	}
}

// Datagrams come between capsules, never within one.
func TestReaderAddsDatagrams(t *testing.T) {
	stream, feed := io.Pipe()
	datagrams := make(chan string)
	r := NewReader(stream, func(ctx context.Context) ([]byte, error) {
		select {
		case d := <-datagrams:
			return []byte(d), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	got := func(n int) string {
		b := make([]byte, n)
		_, _ = io.ReadFull(r, b)
		return string(b)
	}
	datagrams <- "first"
	if s := got(7); s != of(0, "first") {
		t.Errorf("got %q", s)
	}
	capsule := of(5, "hello")
	_, _ = io.WriteString(feed, capsule[:3])
	if s := got(3); s != capsule[:3] {
		t.Errorf("got %q", s)
	}
	datagrams <- "second"
	time.Sleep(20 * time.Millisecond) // it has to wait
	_, _ = io.WriteString(feed, capsule[3:])
	if s := got(4 + 8); s != capsule[3:]+of(0, "second") {
		t.Errorf("got %q", s)
	}
	_ = feed.Close()
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestReaderCloses(t *testing.T) {
	stream, feed := io.Pipe()
	r := NewReader(stream, none)
	go func() { _, _ = io.WriteString(feed, of(1, "abc")); _ = feed.CloseWithError(errors.New("gone")) }()
	_ = r.Close()
	_, _ = feed.Write(nil)
	_ = stream.Close()
}

func TestWriter(t *testing.T) {
	all := of(7, "ab") + of(0, "one") + of(9, "") + of(0, "") + of(0, strings.Repeat("x", maxDatagram+1)) + of(0, "two") + of(300, "c")
	for size := 1; size < 40; size++ {
		var stream bytes.Buffer
		var sent []string
		w := NewWriter(&stream, func(p []byte) error { sent = append(sent, string(p)); return errors.New("lost") })
		for p := []byte(all); len(p) > 0; {
			k := min(size, len(p))
			if n, err := w.Write(p[:k]); n != k || err != nil {
				t.Fatal(n, err)
			}
			p = p[k:]
		}
		want := of(7, "ab") + of(9, "") + of(0, strings.Repeat("x", maxDatagram+1)) + of(300, "c")
		if stream.String() != want || strings.Join(sent, ",") != "one,,two" {
			t.Errorf("%d: on the stream %d bytes, beside it %q", size, stream.Len(), sent)
		}
	}
}

func TestWriterFails(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	if _, err := NewWriter(w, nil).Write([]byte(of(1, "a"))); err == nil {
		t.Error("no error")
	}
}

// However bytes are cut, the same capsules come out, and none of the others.
func FuzzWriter(f *testing.F) {
	f.Add([]byte(of(0, "a")+of(1, "b")), uint8(1))
	f.Add([]byte{0xc0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint8(3))
	f.Fuzz(func(t *testing.T, p []byte, size uint8) {
		write := func(size int) (string, string) {
			var stream, beside bytes.Buffer
			w := NewWriter(&stream, func(p []byte) error { beside.Write(p); beside.WriteByte(';'); return nil })
			for rest := p; len(rest) > 0; {
				k := min(size, len(rest))
				if _, err := w.Write(rest[:k]); err != nil {
					t.Fatal(err)
				}
				rest = rest[k:]
			}
			return stream.String(), beside.String()
		}
		a, b := write(len(p) + 1)
		if c, d := write(int(size) + 1); a != c || b != d {
			t.Errorf("%q %q, or %q %q", a, b, c, d)
		}
		read, err := io.ReadAll(NewReader(bytes.NewReader(p), none))
		if string(read) != string(p) || err != nil && err != io.ErrUnexpectedEOF {
			t.Errorf("read %q, %v", read, err)
		}
	})
}
