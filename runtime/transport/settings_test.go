package transport

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A framed is the side of an upstream of a connection in HTTP/2.
type framed struct {
	*http2.Framer
	n int // the number of the connection
}

// rawServer2 hands each connection to serve when the client's settings have come, which it passes.
func rawServer2(t *testing.T, settings []http2.Setting, serve func(f *framed, s *http2.SettingsFrame)) string {
	return rawServer(t, func(n int, c net.Conn, r *bufio.Reader) {
		if _, err := io.ReadFull(r, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := &framed{Framer: http2.NewFramer(c, r), n: n}
		if f.WriteSettings(settings...) != nil {
			return
		}
		first, err := f.ReadFrame()
		if err != nil {
			return
		}
		if s, ok := first.(*http2.SettingsFrame); ok {
			_ = f.WriteSettingsAck()
			serve(f, s)
		}
	})
}

// requests answers requests until the connection ends, each when answer says so. It tells of each.
func (f *framed) requests(got chan<- *http2.HeadersFrame, answer <-chan struct{}) {
	var mu sync.Mutex
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		h, ok := frame.(*http2.HeadersFrame)
		if !ok {
			continue
		}
		if got != nil {
			got <- h
		}
		id := h.StreamID
		go func() {
			<-answer
			mu.Lock()
			defer mu.Unlock()
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}, EndHeaders: true, EndStream: true})
		}()
	}
}

func always() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// TestHTTP2Settings holds what the options become on the wire.
func TestHTTP2Settings(t *testing.T) {
	type announced struct{ DecoderTable, FrameSize, HeaderList uint32 }
	for name, tt := range map[string]struct {
		options HTTP2Options
		want    announced
	}{
		"defaults":  {HTTP2Options{}, announced{4096, 16 << 10, 10 << 20}},
		"all":       {HTTP2Options{MaxDecoderHeaderTableSize: 1000, MaxReadFrameSize: 20000, MaxHeaderListSize: 5000}, announced{1000, 20000, 5000 + 320}},
		"too small": {HTTP2Options{MaxReadFrameSize: 1}, announced{4096, 16 << 10, 10 << 20}},
		"too large": {HTTP2Options{MaxReadFrameSize: 1 << 30}, announced{4096, 16<<20 - 1, 10 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan announced, 1)
			addr := rawServer2(t, nil, func(f *framed, s *http2.SettingsFrame) {
				a := announced{4096, 16384, 0}
				for id, v := range map[http2.SettingID]*uint32{
					http2.SettingHeaderTableSize: &a.DecoderTable, http2.SettingMaxFrameSize: &a.FrameSize, http2.SettingMaxHeaderListSize: &a.HeaderList,
				} {
					if n, ok := s.Value(id); ok {
						*v = n
					}
				}
				got <- a
				f.requests(nil, always())
			})
			tt.options.AllowHTTP = true
			leg, end := newLeg(t, "GET", "http://"+addr)
			defer end()
			mustServe(t, newHTTP2(t, tt.options), leg)
			if a := <-got; a != tt.want {
				t.Errorf("%+v, not %+v", a, tt.want)
			}
		})
	}
}

// An upstream that has a larger table for decoding than the transport wants to fill is told so.
func TestMaxEncoderHeaderTableSize(t *testing.T) {
	for size, want := range map[uint32]string{0: "\x3f\xe1\x1f", 100: "\x3f\x45"} {
		blocks := make(chan string, 1)
		addr := rawServer2(t, []http2.Setting{{ID: http2.SettingHeaderTableSize, Val: 1 << 16}}, func(f *framed, _ *http2.SettingsFrame) {
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				if h, ok := frame.(*http2.HeadersFrame); ok {
					blocks <- string(h.HeaderBlockFragment())
					_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: h.StreamID, BlockFragment: []byte{0x88}, EndHeaders: true, EndStream: true})
				}
			}
		})
		tr := newHTTP2(t, HTTP2Options{AllowHTTP: true, MaxEncoderHeaderTableSize: size})
		updated := false
		for range 2 { // the settings may come after the first request
			leg, end := newLeg(t, "GET", "http://"+addr)
			mustServe(t, tr, leg)
			end()
			block := <-blocks
			updated = updated || strings.HasPrefix(block, want)
			if strings.HasPrefix(block, "\x3f") && !strings.HasPrefix(block, want) {
				t.Errorf("%d: the head begins with %x", size, block[:4])
			}
		}
		if size != 0 && !updated {
			t.Errorf("%d: the upstream isn't told", size)
		}
	}
}

// A head that is larger than allowed fails.
func TestMaxHeaderListSize(t *testing.T) {
	var block strings.Builder
	e := hpack.NewEncoder(&block)
	_ = e.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = e.WriteField(hpack.HeaderField{Name: "x-large", Value: strings.Repeat("a", 6000)})
	addr := rawServer2(t, nil, func(f *framed, _ *http2.SettingsFrame) {
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: h.StreamID, BlockFragment: []byte(block.String()), EndHeaders: true, EndStream: true})
			}
		}
	})
	for size, ok := range map[uint32]bool{0: true, 5000: false} {
		leg, end := newLeg(t, "GET", "http://"+addr)
		if err := newHTTP2(t, HTTP2Options{AllowHTTP: true, MaxHeaderListSize: size}).Serve(leg); (err == nil) != ok {
			t.Errorf("%d: %v", size, err)
		}
		end()
	}
}

// A second request waits for the first one if the upstream allows but one, or takes another connection.
func TestStrictMaxConcurrentStreams(t *testing.T) {
	for _, strict := range []bool{false, true} {
		got, answer := make(chan *http2.HeadersFrame), make(chan struct{})
		conns := make(chan int, 10)
		addr := rawServer2(t, []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: 1}}, func(f *framed, _ *http2.SettingsFrame) {
			conns <- f.n
			f.requests(got, answer)
		})
		tr := newHTTP2(t, HTTP2Options{AllowHTTP: true, StrictMaxConcurrentStreams: strict})
		done := make(chan error, 2)
		ask := func() {
			leg, end := newLeg(t, "GET", "http://"+addr)
			defer end()
			done <- tr.Serve(leg)
		}
		warm := func() { // so that the limit is known
			go ask()
			<-got
			answer <- struct{}{}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		warm()
		go ask()
		<-got
		go ask()
		if !strict {
			<-got // on another connection
			if len(conns) != 2 {
				t.Errorf("%d connections", len(conns))
			}
		} else {
			select {
			case <-got:
				t.Error("a second request is sent")
			case <-time.After(100 * time.Millisecond):
			}
			answer <- struct{}{}
			<-got
			if len(conns) != 1 {
				t.Errorf("%d connections", len(conns))
			}
		}
		close(answer)
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// A connection ends when it has been idle for that long, and not before it has been.
func TestIdleConnTimeoutOfHTTP2(t *testing.T) {
	ended := make(chan struct{})
	addr := rawServer2(t, nil, func(f *framed, _ *http2.SettingsFrame) {
		f.requests(nil, always())
		close(ended)
	})
	leg, end := newLeg(t, "GET", "http://"+addr)
	defer end()
	mustServe(t, newHTTP2(t, HTTP2Options{AllowHTTP: true, IdleConnTimeout: soon}), leg)
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the connection is still there")
	}
}

// A connection that takes no byte for long is given up.
func TestWriteByteTimeout(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	addr := rawServer2(t, []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 1 << 30}}, func(f *framed, _ *http2.SettingsFrame) {
		_ = f.WriteWindowUpdate(0, 1<<30)
		<-stop // and reads nothing
	})
	tr := newHTTP2(t, HTTP2Options{AllowHTTP: true, WriteByteTimeout: 100 * time.Millisecond})
	leg, end := newLeg(t, "POST", "http://"+addr)
	defer end()
	leg.Request.Body, leg.Request.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 1<<30)), 1<<30
	if err := tr.Serve(leg); err == nil || leg.Context().Err() != nil {
		t.Errorf("%v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
