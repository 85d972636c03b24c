package http3server

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
)

func TestMaxHeaderBytes(t *testing.T) {
	t.Parallel()
	errs := &errorHandler{}
	g := start(t, Options{MaxHeaderBytes: 1000, Errors: errs, AltSvc: "clear"}, text(200, "ok"))
	c := g.dial(t)
	for size, want := range map[int]int{800: 200, 1000: 431, 5000: 431} {
		before := errs.count()
		r := c.get("/", "x-large", strings.Repeat("x", size)).response()
		if r.status != want {
			t.Errorf("%d bytes: %d", size, r.status)
		}
		if told := errs.count() > before; told != (want == 431) || told && (r.body == "" || r.header.Get("alt-svc") == "") {
			t.Errorf("%d bytes: told %v, %+v", size, told, r)
		}
	}
	// What is much too large isn't even read.
	s := c.open()
	_, _ = s.Write(head(":method", "GET", ":scheme", "https", ":authority", "gw.test", ":path", "/", "x-large", strings.Repeat("x", 100_000)))
	s.expect(431, "")
	c.get("/").expect(200, "ok")
}

func TestMaxIncomingStreams(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	g := start(t, Options{QUIC: quicconf.Options{MaxIncomingStreams: 2}}, func(*gateway.Exchange) error { <-goOn; return nil })
	c := g.dial(t)
	first, second := c.get("/"), c.get("/")
	if _, err := c.OpenStream(); err == nil {
		t.Error("a third request can be begun")
	}
	close(goOn)
	first.expect(200, "")
	second.expect(200, "")
	c.get("/").expect(200, "") // when it's told that it may
}

func TestReadTimeout(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"of all": {ReadTimeout: soon},
		"each":   {Listen: listen.Options{ReadDeadline: soon}},
	} {
		g := start(t, o, func(x *gateway.Exchange) error {
			if _, err := io.ReadAll(x.Request.Body); err != nil {
				if !gateway.IsTimeout(err) {
					t.Errorf("%s: reading ends with %v", name, err)
				}
				return text(408, "")(x)
			}
			return nil
		})
		c := g.dial(t)
		s := c.request("POST", "/", "content-length", "3")
		s.send(data("1"))
		s.expect(408, "")
		s = c.request("POST", "/", "content-length", "3") // the connection is good for others
		s.send(data("123"))
		s.end()
		s.expect(200, "")
	}
}

// Whoever is slow, but sends something all the time, is not within the time for each read.
func TestReadDeadlineIsForEachRead(t *testing.T) {
	t.Parallel()
	g := start(t, Options{Listen: listen.Options{ReadDeadline: time.Second}}, echo)
	s := g.dial(t).request("POST", "/", "content-length", "6")
	for _, b := range "abcdef" {
		s.send(data(string(b)))
		time.Sleep(300 * time.Millisecond)
	}
	s.end()
	s.expect(200, "/ abcdef")
}

func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"of all": {WriteTimeout: 3 * soon},
		"each":   {Listen: listen.Options{WriteDeadline: 3 * soon}},
	} {
		ended := make(chan error, 1)
		g := start(t, o, func(x *gateway.Exchange) error {
			x.OnDone(func(x *gateway.Exchange) { ended <- x.SendErr })
			return streaming(-1, zeros{})(x)
		})
		s := g.dial(t).get("/") // and nobody reads
		if err := receive(t, ended); !gateway.IsTimeout(err) {
			t.Errorf("%s: sending ends with %v", name, err)
		}
		if _, err := s.read(); resetWith(err) != http3.ErrCodeInternalError {
			t.Errorf("%s: the client sees %v", name, err)
		}
	}
}

// A response that isn't answered in time is cut off, trailers and all.
func TestWriteTimeoutBeforeTheTrailers(t *testing.T) {
	t.Parallel()
	g := start(t, Options{WriteTimeout: 3 * soon}, func(x *gateway.Exchange) error {
		x.Response.Trailer = func() gateway.Header { time.Sleep(4 * soon); return fields("Grpc-Status", "0") }
		return streaming(-1, strings.NewReader("hello"))(x)
	})
	if r, err := g.dial(t).get("/").read(); err == nil {
		t.Errorf("the client sees a clean end: %+v", r)
	}
}

// A connection without a request ends; one with half a head is none.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	g := start(t, Options{IdleTimeout: 20 * soon}, func(x *gateway.Exchange) error {
		time.Sleep(30 * soon)
		return echo(x)
	})
	config := &quic.Config{KeepAlivePeriod: soon} // the client shows that it's there
	busy := g.dialWith(t, g.clientTLS(), config)
	for range 2 {
		busy.get("/x").expect(200, "/x")
	}
	idle, slow := g.dialWith(t, g.clientTLS(), config), g.dialWith(t, g.clientTLS(), config)
	slow.open().send([]byte{frameHeaders, 10, 0, 0})
	for name, c := range map[string]*client{"idle": idle, "slow": slow, "busy, then idle": busy} {
		select {
		case <-c.Context().Done():
		case <-time.After(patience):
			t.Errorf("%s: the connection stays", name)
		}
		_, err := c.OpenStream()
		if e, ok := errors.AsType[*quic.ApplicationError](err); !ok || http3.ErrCode(e.ErrorCode) != http3.ErrCodeNoError {
			t.Errorf("%s: it ends with %v", name, err)
		}
	}
}

func TestMaxIdleTimeout(t *testing.T) {
	t.Parallel()
	g := start(t, Options{QUIC: quicconf.Options{MaxIdleTimeout: 2 * soon}}, echo)
	c := g.dial(t)
	c.get("/").expect(200, "/")
	select {
	case <-c.Context().Done():
	case <-time.After(patience):
		t.Error("the connection stays")
	}
	stays := start(t, Options{QUIC: quicconf.Options{MaxIdleTimeout: 4 * soon, KeepAlivePeriod: soon}}, echo)
	c = stays.dial(t)
	time.Sleep(10 * soon)
	c.get("/").expect(200, "/")
}

func TestVersions(t *testing.T) {
	t.Parallel()
	g := start(t, Options{QUIC: quicconf.Options{Versions: []quicconf.Version{quicconf.Version2}}}, echo)
	c := g.dialWith(t, g.clientTLS(), &quic.Config{Versions: []quic.Version{quic.Version2}})
	if v := c.ConnectionState().Version; v != quic.Version2 {
		t.Errorf("version %v", v)
	}
	c.get("/").expect(200, "/")
	_, err := quic.DialAddr(t.Context(), g.Addr().String(), g.clientTLS(), &quic.Config{Versions: []quic.Version{quic.Version1}})
	if _, ok := errors.AsType[*quic.VersionNegotiationError](err); !ok {
		t.Errorf("dialling another version: %v", err)
	}
}
