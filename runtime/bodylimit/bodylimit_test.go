package bodylimit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// request is an exchange with a body of unknown length if length is negative.
func request(body io.Reader, length int64) *gateway.Exchange {
	x := new(gateway.Exchange)
	x.Request.Method = "POST"
	x.Request.Body, x.Request.ContentLength = io.NopCloser(body), length
	return x
}

// reader reads the body and answers 200, or its read error.
func reader(got *[]byte) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) (err error) {
		if x.Request.Body != nil {
			*got, err = io.ReadAll(x.Request.Body)
		}
		x.Response.Status = 200
		return err
	})
}

func TestLimit(t *testing.T) {
	const kib = 1 << 10
	small := Options{MaxSize: 10, MemLimit: 5}
	large := Options{MaxSize: 100 * kib, MemLimit: 50 * kib}
	file := Options{MaxSize: 10, MemLimit: -1}
	for name, tt := range map[string]struct {
		o        Options
		size     int
		length   int64 // declared
		want     int   // 200 or a status
		wantCode string
	}{
		"within memory":                   {o: small, size: 5, length: 5, want: 200},
		"within file":                     {o: small, size: 10, length: 10, want: 200},
		"declared too large":              {o: small, size: 11, length: 11, want: 413, wantCode: "E3205"},
		"unknown length, equal":           {o: small, size: 10, length: -1, want: 200},
		"unknown length, more":            {o: small, size: 11, length: -1, want: 413, wantCode: "E3205"},
		"unknown length, much more":       {o: small, size: 100_000, length: -1, want: 413, wantCode: "E3205"},
		"shorter than declared":           {o: small, size: 4, length: 5, want: 400, wantCode: "E3206"},
		"longer than declared":            {o: small, size: 6, length: 5, want: 400, wantCode: "E3206"},
		"shorter than declared, file":     {o: small, size: 8, length: 9, want: 400, wantCode: "E3206"},
		"several chunks":                  {o: large, size: 50 * kib, length: 50 * kib, want: 200},
		"several chunks, file":            {o: large, size: 100 * kib, length: 100 * kib, want: 200},
		"one whole chunk":                 {o: large, size: chunkSize, length: chunkSize, want: 200},
		"always a file":                   {o: file, size: 3, length: 3, want: 200},
		"always a file, unknown":          {o: file, size: 3, length: -1, want: 200},
		"always a file, unknown too long": {o: file, size: 11, length: -1, want: 413, wantCode: "E3205"},
		"no limit":                        {o: Options{MaxSize: -1}, size: 100 * kib, length: 100 * kib, want: 200},
		"default":                         {size: 4 << 20, length: 4 << 20, want: 200},
		"more than default":               {size: 0, length: 4<<20 + 1, want: 413, wantCode: "E3205"},
		"no body":                         {o: small, size: 0, length: 0, want: 200},
	} {
		for _, how := range []struct {
			name string
			wrap func(io.Reader) io.Reader
		}{
			{"whole", func(r io.Reader) io.Reader { return r }},
			{"halves", iotest.HalfReader},
			{"data with error", iotest.DataErrReader},
		} {
			t.Run(name+"/"+how.name, func(t *testing.T) {
				tt.o.TempDir = t.TempDir()
				sent := bytes.Repeat([]byte("0123456789abcdef"), tt.size/16+1)[:tt.size]
				x := request(how.wrap(bytes.NewReader(sent)), tt.length)
				var got []byte
				err := New(tt.o)(reader(&got)).Serve(x)
				x.Finish()
				if left, _ := os.ReadDir(tt.o.TempDir); len(left) != 0 {
					t.Errorf("files are left: %v", left)
				}
				if tt.want == 200 {
					if err != nil || !bytes.Equal(got, sent) {
						t.Errorf("got %d bytes of %d, %v", len(got), len(sent), err)
					}
					return
				}
				e, ok := gateway.AsError(err)
				if !ok || e.Status != tt.want || e.Code != tt.wantCode {
					t.Errorf("got %v, want %d", err, tt.want)
				}
			})
		}
	}
}

// The handler sees gateway.ErrTooLarge, and the answer is 413 whatever it does then.
func TestExceededWhateverTheHandlerDoes(t *testing.T) {
	x := request(strings.NewReader("12345678901"), -1)
	err := New(Options{MaxSize: 10})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		b, err := io.ReadAll(x.Request.Body)
		if string(b) != "1234567890" || !errors.Is(err, gateway.ErrTooLarge) {
			t.Errorf("got %q, %v", b, err)
		}
		if _, err := x.Request.Body.Read(b); !errors.Is(err, gateway.ErrTooLarge) {
			t.Errorf("the second time: %v", err)
		}
		x.Response.Status = 200
		return nil
	})).Serve(x)
	if gateway.StatusOf(err) != 413 {
		t.Errorf("got %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		o    Options
		want int
	}{
		"gone":              {io.ErrUnexpectedEOF, Options{}, 400},
		"too slow":          {os.ErrDeadlineExceeded, Options{}, 408},
		"limit further out": {fmt.Errorf("read: %w", gateway.ErrTooLarge), Options{}, 413},
		"gone, file":        {io.ErrUnexpectedEOF, Options{MemLimit: -1}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.TempDir = t.TempDir()
			x := request(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(tt.err)), 5)
			var got []byte
			err := New(tt.o)(reader(&got)).Serve(x)
			x.Finish()
			if gateway.StatusOf(err) != tt.want || got != nil {
				t.Errorf("got %v, want %d", err, tt.want)
			}
		})
	}
}

func TestNoTempDir(t *testing.T) {
	x := request(strings.NewReader("abc"), 3)
	var got []byte
	err := New(Options{MemLimit: -1, TempDir: filepath.Join(t.TempDir(), "none")})(reader(&got)).Serve(x)
	x.Finish()
	if e, ok := gateway.AsError(err); !ok || e.Status != 500 || e.Code != "E3207" {
		t.Errorf("got %v", err)
	}
}

// Spooled bodies have a length, unless they have a trailer.
func TestLengthOfSpooled(t *testing.T) {
	for trailer, want := range map[bool]int64{false: 3, true: -1} {
		x := request(strings.NewReader("abc"), -1)
		if trailer {
			x.Request.Trailer = func() gateway.Header { return nil }
		}
		err := New(Options{MemLimit: -1, TempDir: t.TempDir()})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
			if x.Request.ContentLength != want {
				t.Errorf("trailer %v: length %d, want %d", trailer, x.Request.ContentLength, want)
			}
			return nil
		})).Serve(x)
		x.Finish()
		if err != nil {
			t.Error(err)
		}
	}
}

// A transport that still reads when the exchange is over gets an error, never bytes of
// another request.
func TestReadAfterDone(t *testing.T) {
	for _, o := range []Options{{MaxSize: 1 << 20}, {MaxSize: 1 << 20, MemLimit: -1}} {
		o.TempDir = t.TempDir()
		var wg sync.WaitGroup
		x := request(bytes.NewReader(make([]byte, 100_000)), 100_000)
		err := New(o)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
			b := x.Request.Body
			wg.Go(func() {
				p := make([]byte, 10)
				for {
					if _, err := b.Read(p); err != nil {
						return
					}
				}
			})
			return nil
		})).Serve(x)
		b := x.Request.Body
		x.Finish()
		wg.Wait()
		if _, e := b.Read(make([]byte, 1)); err != nil || e != errReleased {
			t.Errorf("got %v, %v", err, e)
		}
	}
}

func TestClose(t *testing.T) {
	for _, length := range []int64{3, -1} {
		x := request(nil, length)
		c := &closer{Reader: strings.NewReader("abc")}
		x.Request.Body = c
		var got []byte
		if err := New(Options{})(reader(&got)).Serve(x); err != nil {
			t.Fatal(err)
		}
		_ = x.Request.Body.Close()
		x.Finish()
		if !c.closed {
			t.Errorf("length %d: the body is not closed", length)
		}
	}
}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func BenchmarkBodyLimit(b *testing.B) {
	data := bytes.Repeat([]byte("x"), 4096)
	p := make([]byte, 4096)
	drain := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		for x.Request.Body != nil {
			if _, err := x.Request.Body.Read(p); err != nil {
				break
			}
		}
		return nil
	})
	for name, length := range map[string]int64{"no body": 0, "declared": 4096, "unknown": -1} {
		b.Run(name, func(b *testing.B) {
			h := New(Options{})(drain)
			x := new(gateway.Exchange)
			r := bytes.NewReader(data)
			body := io.NopCloser(r)
			b.ReportAllocs()
			for b.Loop() {
				if length != 0 {
					r.Reset(data)
					x.Request.Body, x.Request.ContentLength = body, length
				}
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
				x.Finish()
				x.Reset()
			}
		})
	}
}

func Example() {
	store := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		b, err := io.ReadAll(x.Request.Body)
		fmt.Printf("%d bytes\n", len(b))
		return err
	})
	h := New(Options{MaxSize: 10})(store)
	for _, body := range []string{"0123456789", "0123456789a"} {
		x := new(gateway.Exchange)
		x.Request.Body = io.NopCloser(strings.NewReader(body))
		x.Request.ContentLength = int64(len(body))
		fmt.Println(h.Serve(x))
		x.Finish()
	}
	// Output:
	// 10 bytes
	// <nil>
	// E3205.AppMiddleBodyTooLarge request body is larger than 10 bytes
}
