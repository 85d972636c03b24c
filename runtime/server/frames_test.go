package server

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A readerConn is a connection that is read only.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// through returns what net/http sees of frames, if they come, and are read, in pieces of that size.
func through(frames []byte, piece int) ([]byte, error) {
	var in io.Reader = bytes.NewReader(frames)
	if piece == 1 {
		in = iotest.OneByteReader(in)
	}
	k := newChecked(readerConn{nil, in}, 0, 1<<16)
	var out []byte
	p := make([]byte, piece)
	for {
		n, err := k.Read(p)
		out = append(out, p[:n]...)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

// block encodes names and values in turn.
func block(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

func write(f func(*http2.Framer)) []byte {
	var b bytes.Buffer
	w := http2.NewFramer(&b, nil)
	w.AllowIllegalWrites = true
	f(w)
	return b.Bytes()
}

// TestChecked holds which heads net/http is to refuse, however they are framed, and that all else is as it came.
func TestChecked(t *testing.T) {
	good := block(":method", "GET", ":path", "/", "te", "trailers", "x-a", "b")
	bad := block(":method", "GET", ":path", "/", "connection", "close", "x-a", "b")
	priority := http2.PriorityParam{StreamDep: 7, Weight: 3}
	for name, tt := range map[string]struct {
		frames []byte
		want   map[uint32]bool // by stream: whether its head is refused
	}{
		"plain": {write(func(w *http2.Framer) {
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: good, EndHeaders: true})
			_ = w.WriteData(1, true, []byte("data"))
		}), map[uint32]bool{1: false}},
		"te": {write(func(w *http2.Framer) {
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("te", "trailers, deflate"), EndHeaders: true})
		}), map[uint32]bool{1: true}},
		"padding and priority": {write(func(w *http2.Framer) {
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: bad, EndHeaders: true, PadLength: 9, Priority: priority})
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: good, EndHeaders: true, PadLength: 200, Priority: priority})
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: bad, EndHeaders: true, PadLength: 1})
		}), map[uint32]bool{1: true, 3: false, 5: true}},
		"continuations": {write(func(w *http2.Framer) {
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: bad[:1]})
			_ = w.WriteContinuation(1, false, bad[1:5])
			_ = w.WriteContinuation(1, false, nil)
			_ = w.WriteContinuation(1, true, bad[5:])
			_ = w.WritePing(false, [8]byte{1})
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 3})
			_ = w.WriteContinuation(3, true, good)
		}), map[uint32]bool{1: true, 3: false}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 7, 64 << 10} {
				out, err := through(tt.frames, piece)
				if err != nil {
					t.Fatal(err)
				}
				r := http2.NewFramer(nil, bytes.NewReader(out))
				r.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
				got := map[uint32]bool{}
				for {
					f, err := r.ReadFrame()
					if err == io.EOF {
						break
					}
					switch e := err.(type) {
					case nil:
					case http2.StreamError:
						got[e.StreamID] = e.Code == http2.ErrCodeProtocol
					default:
						t.Fatal(err)
					}
					if h, ok := f.(*http2.MetaHeadersFrame); ok {
						got[h.StreamID] = false
					}
				}
				for id, refused := range tt.want {
					if v, ok := got[id]; !ok || v != refused {
						t.Errorf("in pieces of %d: %v, not %v", piece, got, tt.want)
					}
				}
			}
		})
	}
}

// TestCheckedSettings holds that the last of several values counts, and that errors stay.
func TestCheckedSettings(t *testing.T) {
	window := func(v uint32) http2.Setting { return http2.Setting{ID: http2.SettingInitialWindowSize, Val: v} }
	table := http2.Setting{ID: http2.SettingHeaderTableSize, Val: 9}
	for name, tt := range map[string]struct{ in, want []http2.Setting }{
		"once":     {[]http2.Setting{window(1), table}, []http2.Setting{window(1), table}},
		"twice":    {[]http2.Setting{window(100), table, window(1)}, []http2.Setting{table, window(1)}},
		"an error": {[]http2.Setting{window(1 << 31), window(1)}, []http2.Setting{window(1 << 31), window(1)}},
		"none":     {nil, nil},
	} {
		out, err := through(write(func(w *http2.Framer) { _ = w.WriteSettings(tt.in...) }), 64)
		if want := write(func(w *http2.Framer) { _ = w.WriteSettings(tt.want...) }); err != nil || !bytes.Equal(out, want) {
			t.Errorf("%s: %x, not %x; %v", name, out, want, err)
		}
	}
}

// FuzzChecked holds that what net/http sees doesn't depend on how it came, and that frames other than heads and settings are as they were.
func FuzzChecked(f *testing.F) {
	f.Add([]byte("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x01"))
	f.Add(write(func(w *http2.Framer) {
		_ = w.WriteSettings()
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("connection", "x"), EndHeaders: true, PadLength: 3})
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block("x", "y")})
		_ = w.WriteContinuation(3, true, block("te", "x"))
		_ = w.WriteData(1, true, []byte("data"))
	}))
	f.Add([]byte("\x00\x00\x00\x01\x04\x00\x00\x00\x01\x00\x00\x01\x01\x0c\x00\x00\x00\x01\xff"))
	f.Fuzz(func(t *testing.T, frames []byte) {
		one, err := through(frames, 1)
		if err != nil {
			t.Fatal(err)
		}
		all, err := through(frames, 64<<10)
		if err != nil || !bytes.Equal(one, all) {
			t.Errorf("%x\n%x\n%v", one, all, err)
		}
		heads := bytes.Count(frames, []byte{frameHeaders}) + bytes.Count(frames, []byte{frameContinuation}) + bytes.Count(frames, []byte{frameSettings})
		if heads == 0 && !bytes.Equal(frames, all) {
			t.Errorf("%x has become %x", frames, all)
		}
	})
}

// BenchmarkChecked is the head of a request, as browsers send it.
func BenchmarkChecked(b *testing.B) {
	head := block(":method", "GET", ":scheme", "https", ":authority", "gw.test", ":path", "/a/b?c=d", "user-agent", "bench", "accept", "*/*", "cookie", "a=b; c=d")
	frame := write(func(w *http2.Framer) {
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head, EndHeaders: true, EndStream: true})
	})
	r := bytes.NewReader(nil)
	k := newChecked(readerConn{nil, r}, 0, 1<<16)
	p := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(frame)
		for {
			if _, err := k.Read(p); err != nil {
				break
			}
		}
	}
}
