package server_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// A frames is a client that sends and reads frames.
type frames struct {
	*h2.Framer
	t *testing.T
	c net.Conn
}

// frames begins a connection in HTTP/2 with settings of its own.
func (g *gatewayUnderTest) frames(t *testing.T, settings ...h2.Setting) *frames {
	t.Helper()
	c := g.dial(t)
	c.send(h2.ClientPreface)
	f := &frames{h2.NewFramer(c, c), t, c}
	if err := f.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return f
}

// next returns the next frame of a type.
func next[F h2.Frame](f *frames) F {
	f.t.Helper()
	for {
		got, err := f.ReadFrame()
		if err != nil {
			f.t.Fatal(err)
		}
		if frame, ok := got.(F); ok {
			return frame
		}
	}
}

// get sends a request, and more fields.
func (f *frames) get(stream uint32, end bool, more ...hpack.HeaderField) {
	f.t.Helper()
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, field := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "gw.test"}, {Name: ":path", Value: "/"},
	}, more...) {
		_ = e.WriteField(field)
	}
	if err := f.WriteHeaders(h2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: end}); err != nil {
		f.t.Fatal(err)
	}
}

// TestHTTP2Settings holds what the options of HTTP/2 become on the wire.
func TestHTTP2Settings(t *testing.T) {
	type announced struct {
		Streams, DecoderTable, FrameSize, StreamWindow, Connect, ConnWindow uint32
	}
	for name, tt := range map[string]struct {
		options server.HTTP2
		want    announced
	}{
		"defaults": {server.HTTP2{}, announced{250, 4096, 1 << 20, 1 << 20, 1, 1 << 20}},
		"all": {server.HTTP2{
			MaxConcurrentStreams: 7, MaxDecoderHeaderTableSize: 1000, MaxReadFrameSize: 20000,
			MaxReceiveBufferPerConnection: 70000, MaxReceiveBufferPerStream: 300,
		}, announced{7, 1000, 20000, 300, 1, 70000}},
		"out of range": {server.HTTP2{MaxReadFrameSize: 1 << 24, MaxReceiveBufferPerConnection: 65534, MaxReceiveBufferPerStream: -1},
			announced{250, 4096, 1 << 20, 1 << 20, 1, 1 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.options.H2C = true
			f := start(t, server.Options{HTTP2: &tt.options}, text(200, "")).frames(t)
			s := next[*h2.SettingsFrame](f)
			value := func(id h2.SettingID, otherwise uint32) uint32 {
				if v, ok := s.Value(id); ok {
					return v
				}
				return otherwise
			}
			got := announced{
				value(h2.SettingMaxConcurrentStreams, 0), value(h2.SettingHeaderTableSize, 4096), value(h2.SettingMaxFrameSize, 16384),
				value(h2.SettingInitialWindowSize, 65535), value(h2.SettingEnableConnectProtocol, 0), 65535 + next[*h2.WindowUpdateFrame](f).Increment,
			}
			if got != tt.want {
				t.Errorf("%+v, not %+v", got, tt.want)
			}
		})
	}
}

// A client that opens more streams than it may is refused those.
func TestMaxConcurrentStreams(t *testing.T) {
	started, answer := make(chan struct{}, 2), make(chan struct{})
	f := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true, MaxConcurrentStreams: 1}}, blocking(started, answer)).frames(t)
	next[*h2.SettingsFrame](f)
	if err := f.WriteSettingsAck(); err != nil {
		t.Fatal(err)
	}
	f.get(1, true)
	<-started
	f.get(3, true)
	if r := next[*h2.RSTStreamFrame](f); r.StreamID != 3 {
		t.Errorf("reset: %v", r)
	}
	close(answer)
	if h := next[*h2.HeadersFrame](f); h.StreamID != 1 {
		t.Errorf("answered: %v", h)
	}
}

// A frame of the size that is allowed is taken, a larger one isn't.
func TestMaxReadFrameSize(t *testing.T) {
	for size, ok := range map[int]bool{20000: true, 20001: false} {
		f := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true, MaxReadFrameSize: 20000}}, about).frames(t)
		f.get(1, false)
		_ = f.WriteData(1, true, make([]byte, size))
		if ok {
			next[*h2.HeadersFrame](f)
		} else if g := next[*h2.GoAwayFrame](f); g.ErrCode != h2.ErrCodeFrameSize {
			t.Errorf("%d bytes: %v", size, g)
		}
	}
}

// A client that has a larger table for decoding than the server wants to fill is told so (RFC 7541, section 4.2).
func TestMaxEncoderHeaderTableSize(t *testing.T) {
	for size, want := range map[int]string{0: "\x3f\xe1\x1f", 100: "\x3f\x45"} { // 4096 and 100 as updates of the table's size
		f := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true, MaxEncoderHeaderTableSize: size}}, text(200, "")).
			frames(t, h2.Setting{ID: h2.SettingHeaderTableSize, Val: 1 << 16})
		f.get(1, true)
		block := string(next[*h2.HeadersFrame](f).HeaderBlockFragment())
		if size == 0 { // the table has that size already
			if strings.HasPrefix(block, "\x3f") && !strings.HasPrefix(block, want) {
				t.Errorf("the head begins with %x", block[:3])
			}
		} else if !strings.HasPrefix(block, want) {
			t.Errorf("the head begins with %x", block[:3])
		}
	}
}

// What a client may send before somebody reads is bounded by its stream's window.
func TestReceiveBuffer(t *testing.T) {
	started, answer := make(chan struct{}, 1), make(chan struct{})
	defer close(answer)
	f := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true, MaxReceiveBufferPerStream: 300}}, blocking(started, answer)).frames(t)
	f.get(1, false)
	_ = f.WriteData(1, true, make([]byte, 301))
	for {
		switch got := next[h2.Frame](f).(type) {
		case *h2.RSTStreamFrame:
			if got.ErrCode != h2.ErrCodeFlowControl {
				t.Errorf("%v", got)
			}
			return
		case *h2.GoAwayFrame:
			if got.ErrCode != h2.ErrCodeFlowControl {
				t.Errorf("%v", got)
			}
			return
		}
	}
}

// Cipher suites of RFC 9113, appendix A, end the connection, unless they are permitted.
func TestProhibitedCipherSuites(t *testing.T) {
	ca := testpki.New(t)
	for _, permit := range []bool{false, true} {
		o := secure(t, ca, tlsconf.Options{})
		o.Listen.TLS.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		o.HTTP2 = &server.HTTP2{PermitProhibitedCipherSuites: permit}
		g := start(t, o, about)
		c := httpClient(t, ca, http2)
		tr := c.Transport.(*http.Transport)
		tr.TLSClientConfig.MaxVersion = tls.VersionTLS12
		tr.TLSClientConfig.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		resp, err := c.Get("https://" + g.addr.String() + "/")
		if (err == nil) != permit {
			t.Errorf("permitted %t: %v", permit, err)
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
}

// Alt-Svc is sent in HTTP/2, too.
func TestAltSvcOfHTTP2(t *testing.T) {
	g := start(t, server.Options{AltSvc: `h3=":443"`, HTTP2: &server.HTTP2{H2C: true}}, text(200, ""))
	resp, err := httpClient(t, nil, h2c).Get("http://" + g.addr.String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("Alt-Svc"); got != `h3=":443"` {
		t.Errorf("Alt-Svc %q", got)
	}
}

// A request with :protocol that isn't a CONNECT for a WebSocket is refused, and nobody sees the field.
func TestConnectProtocol(t *testing.T) {
	if e := os.Getenv("GODEBUG"); strings.Contains(e, "http2xconnect") {
		t.Errorf("what was put into the environment is still there: %q", e)
	}
	seen := make(chan gateway.Header, 10)
	f := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true}}, func(x *gateway.Exchange) error {
		seen <- append(gateway.Header(nil), x.Request.Header...)
		return text(403, "")(x)
	}).frames(t)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	status := func(id uint32, method, protocol string) string {
		var b bytes.Buffer
		e := hpack.NewEncoder(&b)
		e.SetMaxDynamicTableSize(0)
		for _, field := range []hpack.HeaderField{
			{Name: ":method", Value: method}, {Name: ":protocol", Value: protocol}, {Name: ":scheme", Value: "http"},
			{Name: ":authority", Value: "gw.test"}, {Name: ":path", Value: "/a"}, {Name: "sec-websocket-key", Value: "the client's"},
		} {
			_ = e.WriteField(field)
		}
		if err := f.WriteHeaders(h2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: true}); err != nil {
			t.Fatal(err)
		}
		return next[*h2.MetaHeadersFrame](f).PseudoValue("status")
	}
	for i, tt := range []struct{ method, protocol, want string }{
		{"GET", "websocket", "400"}, {"CONNECT", "connect-udp", "501"}, {"CONNECT", "websocket", "403"},
	} {
		if got := status(uint32(2*i+1), tt.method, tt.protocol); got != tt.want {
			t.Errorf("%s for %s: %s, not %s", tt.method, tt.protocol, got, tt.want)
		}
	}
	if len(seen) != 1 {
		t.Fatalf("%d requests have reached the handler", len(seen))
	}
	h := <-seen
	if key := h.Get("Sec-WebSocket-Key"); h.Has(":protocol") || h.Get("Upgrade") != "websocket" || key == "the client's" || len(key) != 24 {
		t.Errorf("%v", h)
	}
}
