package compress_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/aileron-gateway/aileronc/runtime/compress"
	ourbrotli "github.com/aileron-gateway/aileronc/runtime/compress/brotli"
	ourzstd "github.com/aileron-gateway/aileronc/runtime/compress/zstd"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var all = compress.Options{
	Codings:     []compress.Coding{ourzstd.Coding(3), ourbrotli.Coding(4), compress.Gzip(6)},
	MIMETypes:   []string{"text/plain", "text/event-stream"},
	MinimumSize: 10,
}

const text = "compress me, compress me, compress me, compress me"

// decode undoes a coding.
func decode(t testing.TB, coding string, r io.Reader) io.Reader {
	t.Helper()
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		return z
	case "br":
		return brotli.NewReader(r)
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(z.Close)
		return z
	}
	return r
}

// serve runs the middleware around an answer.
func serve(t testing.TB, o compress.Options, accept string, answer func(x *gateway.Exchange)) *gateway.Exchange {
	t.Helper()
	x := new(gateway.Exchange)
	x.Request.Method = "GET"
	if accept != "-" {
		x.Request.Header.Add("Accept-Encoding", accept)
	}
	err := compress.New(o)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Set("Content-Type", "text/plain; charset=utf-8")
		answer(x)
		return nil
	})).Serve(x)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// content reads the body of the response and undoes its coding.
func content(t testing.TB, p *gateway.Response) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(p.Bytes)
	if p.Body != nil {
		r = p.Body
	}
	b, err := io.ReadAll(decode(t, p.Header.Get("Content-Encoding"), r))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func withBytes(x *gateway.Exchange) { x.Response.Bytes = []byte(text) }

func withBody(length int64, r io.Reader) func(*gateway.Exchange) {
	return func(x *gateway.Exchange) {
		x.Response.Body, x.Response.ContentLength = io.NopCloser(r), length
	}
}

func TestCodings(t *testing.T) {
	answers := map[string]func(*gateway.Exchange){
		"bytes":        withBytes,
		"known length": func(x *gateway.Exchange) { withBody(int64(len(text)), strings.NewReader(text))(x) },
		"stream":       func(x *gateway.Exchange) { withBody(-1, iotest.OneByteReader(strings.NewReader(text)))(x) },
		"there": func(x *gateway.Exchange) {
			x.Response.Body, x.Response.ContentLength = &there{rest: text}, int64(len(text))
		},
		"all of a stream there": func(x *gateway.Exchange) {
			x.Response.Body, x.Response.ContentLength = &there{rest: text}, -1
		},
		"with trailers": func(x *gateway.Exchange) {
			x.Response.Body, x.Response.ContentLength = &there{rest: text}, -1
			x.Response.Trailer = func() gateway.Header { return nil }
		},
	}
	for name, answer := range answers {
		for _, coding := range []string{"gzip", "br", "zstd"} {
			t.Run(name+"/"+coding, func(t *testing.T) {
				for range 3 { // with encoders that have been used
					x := serve(t, all, coding, answer)
					p := &x.Response
					if got := p.Header.Get("Content-Encoding"); got != coding {
						t.Fatalf("Content-Encoding is %q", got)
					}
					if got := content(t, p); got != text {
						t.Errorf("the content is %q", got)
					}
					if got := p.Header.Get("Vary"); got != "Accept-Encoding" {
						t.Errorf("Vary is %q", got)
					}
					if p.Body != nil && p.ContentLength != -1 {
						t.Errorf("the length is %d", p.ContentLength)
					}
					x.Finish()
				}
			})
		}
	}
}

// there is a body that can be read without waiting.
type there struct {
	rest   string
	closed bool
}

func (b *there) Read(p []byte) (int, error) {
	if b.rest == "" {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
func (b *there) Close() error             { b.closed = true; return nil }
func (b *there) Buffered() ([]byte, bool) { return []byte(b.rest), true }

func TestWhatIsLeftAlone(t *testing.T) {
	header := func(name, value string) func(*gateway.Exchange) {
		return func(x *gateway.Exchange) {
			withBytes(x)
			x.Response.Header.Set(name, value)
		}
	}
	status := func(s int) func(*gateway.Exchange) {
		return func(x *gateway.Exchange) {
			withBytes(x)
			x.Response.Status = s
		}
	}
	cases := []struct {
		name, accept string
		answer       func(*gateway.Exchange)
		coding, vary string // of the response
	}{
		{"compressed, to compare with", "gzip", withBytes, "gzip", "Accept-Encoding"},
		{"no Accept-Encoding", "-", withBytes, "", ""},
		{"identity", "identity", withBytes, "", "Accept-Encoding"},
		{"other coding", "deflate", withBytes, "", "Accept-Encoding"},
		{"type that isn't listed", "gzip", header("Content-Type", "image/png"), "", "Accept-Encoding"},
		{"type in capitals", "gzip", header("Content-Type", "TEXT/Plain;x=y"), "gzip", "Accept-Encoding"},
		{"no type", "gzip", func(x *gateway.Exchange) { withBytes(x); x.Response.Header.Del("Content-Type") }, "", "Accept-Encoding"},
		{"too short", "gzip", func(x *gateway.Exchange) { x.Response.Bytes = []byte("123456789") }, "", "Accept-Encoding"},
		{"just long enough", "gzip", func(x *gateway.Exchange) { x.Response.Bytes = []byte("1234567890") }, "gzip", "Accept-Encoding"},
		{"too short a body", "gzip", withBody(9, strings.NewReader("123456789")), "", "Accept-Encoding"},
		{"too short a stream, all there", "gzip", func(x *gateway.Exchange) {
			x.Response.Body, x.Response.ContentLength = &there{rest: "123456789"}, -1
		}, "", "Accept-Encoding"},
		{"no body", "gzip", func(*gateway.Exchange) {}, "", "Accept-Encoding"},
		{"NoBody of unknown length", "gzip", func(x *gateway.Exchange) { x.Response.Body, x.Response.ContentLength = gateway.NoBody, -1 }, "", "Accept-Encoding"},
		{"no content", "gzip", status(204), "", "Accept-Encoding"},
		{"not modified", "gzip", status(304), "", "Accept-Encoding"},
		{"part", "gzip", status(206), "", "Accept-Encoding"},
		{"range", "gzip", header("Content-Range", "bytes */100"), "", "Accept-Encoding"},
		{"error", "gzip", status(500), "gzip", "Accept-Encoding"},
		{"no-transform", "gzip", header("Cache-Control", "public, No-Transform"), "", "Accept-Encoding"},
		{"other cache control", "gzip", header("Cache-Control", "public"), "gzip", "Accept-Encoding"},
		{"brotli already", "gzip", header("Content-Encoding", "br"), "br", "Accept-Encoding"},
		{"zstd among others", "gzip", header("Content-Encoding", "foo, ZSTD"), "foo, ZSTD", "Accept-Encoding"},
		{"other coding below", "gzip", header("Content-Encoding", "foo"), "foo, gzip", "Accept-Encoding"},
		{"identity below", "gzip", header("Content-Encoding", "identity"), "gzip", "Accept-Encoding"},
		{"Vary is there", "gzip", header("Vary", "Origin, accept-encoding"), "gzip", "Origin, accept-encoding"},
		{"Vary by all", "gzip", header("Vary", "*"), "gzip", "*"},
		{"upgraded", "gzip", func(x *gateway.Exchange) { x.Response.Status, x.Response.Conn = 101, struct{ io.ReadWriteCloser }{} }, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := &serve(t, all, c.accept, c.answer).Response
			if got := p.Header.Get("Content-Encoding"); got != c.coding {
				t.Errorf("Content-Encoding is %q, want %q", got, c.coding)
			}
			if got, _ := p.Header.Joined("Vary", "|"); got != c.vary {
				t.Errorf("Vary is %q, want %q", got, c.vary)
			}
		})
	}
}

func TestHead(t *testing.T) {
	x := new(gateway.Exchange)
	x.Request.Method = "HEAD"
	x.Request.Header.Add("Accept-Encoding", "gzip")
	_ = compress.New(all)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status, x.Response.ContentLength, x.Response.Body = 200, 5000, gateway.NoBody
		x.Response.Header.Set("Content-Type", "text/plain")
		return nil
	})).Serve(x)
	if p := &x.Response; p.Header.Has("Content-Encoding") || p.ContentLength != 5000 || p.Header.Get("Vary") == "" {
		t.Errorf("the answer to HEAD is %+v", p)
	}
}

// Fields that speak of the bytes of the body don't fit any more.
func TestFields(t *testing.T) {
	x := serve(t, all, "gzip", func(x *gateway.Exchange) {
		withBytes(x)
		for _, name := range []string{"Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest"} {
			x.Response.Header.Set(name, "x")
		}
		x.Response.Header.Set("ETag", `"strong"`)
	})
	want := gateway.Header{
		{Name: "Content-Type", Value: "text/plain; charset=utf-8"}, {Name: "ETag", Value: `W/"strong"`},
		{Name: "Vary", Value: "Accept-Encoding"}, {Name: "Content-Encoding", Value: "gzip"},
	}
	if got := x.Response.Header; len(got) != len(want) {
		t.Fatalf("the header is %v", got)
	}
	for i, f := range x.Response.Header {
		if f != want[i] {
			t.Errorf("field %d is %v, want %v", i, f, want[i])
		}
	}
	x = serve(t, all, "gzip", func(x *gateway.Exchange) {
		withBytes(x)
		x.Response.Header.Set("ETag", `W/"weak"`)
	})
	if got := x.Response.Header.Get("ETag"); got != `W/"weak"` {
		t.Errorf("ETag is %s", got)
	}
}

// What has come of a stream can be decoded before the next part comes.
func TestStreamsAreNotHeldBack(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			r, w := io.Pipe()
			x := serve(t, all, coding, withBody(-1, r))
			var decoded io.Reader
			buf := make([]byte, 100)
			for _, part := range []string{"data: one\n\n", "data: two\n\n", "data: three\n\n"} {
				go func() { _, _ = io.WriteString(w, part) }()
				if decoded == nil { // which reads the head at once
					decoded = decode(t, coding, lazily(x.Response.Body))
				}
				if n, err := io.ReadFull(decoded, buf[:len(part)]); err != nil || string(buf[:n]) != part {
					t.Fatalf("%q, %v, want %q", buf[:n], err, part)
				}
			}
			go func() { _ = w.Close() }()
			if rest, err := io.ReadAll(decoded); err != nil || len(rest) > 0 {
				t.Errorf("the end is %q, %v", rest, err)
			}
		})
	}
}

// lazily hands out byte by byte, so that a decoder doesn't ask for more than it needs.
func lazily(r io.Reader) io.Reader { return iotest.OneByteReader(r) }

func TestCutBody(t *testing.T) {
	broken := errors.New("broken")
	for name, length := range map[string]int64{"stream": -1, "known length": 100} {
		source := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		x := serve(t, all, "gzip", withBody(length, source))
		b, err := io.ReadAll(x.Response.Body)
		if !errors.Is(err, broken) {
			t.Errorf("%s: the body ends with %v", name, err)
		}
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			if _, err := io.ReadAll(z); err == nil {
				t.Errorf("%s: what was cut off looks whole", name)
			}
		}
		if _, err := x.Response.Body.Read(make([]byte, 1)); !errors.Is(err, broken) {
			t.Errorf("%s: the next read ends with %v", name, err)
		}
	}
}

func TestClose(t *testing.T) {
	source := &there{rest: text}
	x := serve(t, all, "gzip", func(x *gateway.Exchange) {
		x.Response.Body, x.Response.ContentLength = &counted{there: source}, -1
	})
	if err := x.Response.Body.Close(); err != nil || !source.closed {
		t.Errorf("Close returns %v, the source is closed: %v", err, source.closed)
	}
	if _, err := x.Response.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a closed body is read: %v", err)
	}
}

// counted hides what is there.
type counted struct{ *there }

func (counted) Buffered() ([]byte, bool) { return nil, false }

func TestErrorsPass(t *testing.T) {
	x := new(gateway.Exchange)
	x.Request.Header.Add("Accept-Encoding", "gzip")
	want := errors.New("no")
	err := compress.New(all)(gateway.HandlerFunc(func(*gateway.Exchange) error { return want })).Serve(x)
	if err != want {
		t.Errorf("got %v", err)
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(text), uint8(3), true)
	f.Add([]byte{}, uint8(0), false)
	f.Fuzz(func(t *testing.T, content []byte, step uint8, stream bool) {
		length := int64(len(content))
		if stream {
			length = -1
		}
		for _, coding := range []string{"gzip", "br", "zstd"} {
			o := all
			o.MinimumSize = -1
			x := serve(t, o, coding, withBody(length, &steps{content, int(step) + 1}))
			p := &x.Response
			if p.Header.Get("Content-Encoding") == "" {
				continue // nothing to compress
			}
			got, err := io.ReadAll(decode(t, coding, p.Body))
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%s: %d bytes have become %d, %v", coding, len(content), len(got), err)
			}
		}
	})
}

// steps reads so many bytes at a time.
type steps struct {
	rest []byte
	n    int
}

func (s *steps) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.n)], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func BenchmarkServe(b *testing.B) {
	page := []byte(strings.Repeat("<li>an item of a list, which is like the others</li>\n", 200))
	for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
		b.Run(coding, func(b *testing.B) {
			h := compress.New(all)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				x.Response.Status = 200
				x.Response.Header = append(x.Response.Header, gateway.Field{Name: "Content-Type", Value: "text/plain"})
				x.Response.Bytes = page
				return nil
			}))
			var x gateway.Exchange
			b.ReportAllocs()
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				x.Reset()
				x.Request.Method = "GET"
				x.Request.Header = append(x.Request.Header, gateway.Field{Name: "Accept-Encoding", Value: coding})
				_ = h.Serve(&x)
				x.Finish()
			}
		})
	}
}
