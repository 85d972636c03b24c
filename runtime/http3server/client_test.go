package http3server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A client is a connection to a server whose frames a test writes itself.
type client struct {
	*quic.Conn
	t *testing.T
}

// dial connects to the server.
func (g *running) dial(t *testing.T) *client {
	t.Helper()
	return g.dialWith(t, g.clientTLS(), &quic.Config{})
}

func (g *running) dialWith(t *testing.T, c *tls.Config, config *quic.Config) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := quic.DialAddr(ctx, g.Addr().String(), c, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.CloseWithError(0, "") })
	cl := &client{q, t}
	cl.settings()
	return cl
}

func (g *running) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: g.ca.Pool, ServerName: "localhost", NextProtos: []string{"h3"}}
}

// settings opens the control stream (RFC 9114, section 6.2.1).
func (c *client) settings() {
	c.t.Helper()
	s, err := c.OpenUniStream()
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := s.Write([]byte{0, 4, 0}); err != nil { // the type, and SETTINGS without any
		c.t.Fatal(err)
	}
}

// control returns the control stream of the server.
func (c *client) control() *stream {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := c.AcceptUniStream(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = s.SetReadDeadline(time.Now().Add(patience))
	out := &stream{t: c.t, r: quicvarint.NewReader(s)}
	if kind, err := quicvarint.Read(out.r); kind != 0 || err != nil {
		c.t.Fatalf("a stream of type %d, %v", kind, err)
	}
	return out
}

// A stream is that of a request.
type stream struct {
	*quic.Stream
	t *testing.T
	r quicvarint.Reader
}

func (c *client) open() *stream {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = s.SetDeadline(time.Now().Add(patience))
	return &stream{s, c.t, quicvarint.NewReader(s)}
}

// request sends the head of a request. The fields come after the usual ones, which they replace.
func (c *client) request(method, path string, fields ...string) *stream {
	c.t.Helper()
	s := c.open()
	s.send(head(append([]string{":method", method, ":scheme", "https", ":authority", "gw.test", ":path", path}, fields...)...))
	return s
}

// get sends a request without a body.
func (c *client) get(path string, fields ...string) *stream {
	c.t.Helper()
	s := c.request("GET", path, fields...)
	s.end()
	return s
}

// head is a HEADERS frame of names and values in turn.
func head(pairs ...string) []byte {
	var b bytes.Buffer
	e := qpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(qpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return append(appendFrame(nil, frameHeaders, b.Len()), b.Bytes()...)
}

// data is a DATA frame.
func data(text string) []byte { return append(appendFrame(nil, frameData, len(text)), text...) }

func (s *stream) send(frames ...[]byte) {
	s.t.Helper()
	if _, err := s.Write(bytes.Join(frames, nil)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stream) end() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// frame reads a frame, skipping those of unknown types.
func (s *stream) frame() (kind uint64, payload []byte, err error) {
	for {
		if kind, err = quicvarint.Read(s.r); err != nil {
			return 0, nil, err
		}
		n, err := quicvarint.Read(s.r)
		if err != nil {
			return 0, nil, unexpected(err)
		}
		payload = make([]byte, n)
		if _, err := io.ReadFull(s.r, payload); err != nil {
			return 0, nil, unexpected(err)
		}
		if kind < 0x10 {
			return kind, payload, nil
		}
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fields reads a HEADERS frame.
func (s *stream) fields() (gateway.Header, error) {
	kind, payload, err := s.frame()
	if err != nil {
		return nil, err
	}
	if kind != frameHeaders {
		return nil, errors.New("a frame of type " + strconv.FormatUint(kind, 10))
	}
	return decodeFields(payload)
}

func decodeFields(block []byte) (h gateway.Header, err error) {
	next := qpack.NewDecoder().Decode(block)
	for {
		f, err := next()
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return h, err
		}
		h.Add(f.Name, f.Value)
	}
}

// A response is what came of one request.
type response struct {
	status  int
	interim []gateway.Header
	header  gateway.Header // without the status
	body    string
	trailer gateway.Header
}

// begin reads the heads of a response.
func (s *stream) begin() (r response, err error) {
	for {
		if r.header, err = s.fields(); err != nil {
			return r, err
		}
		r.status, err = strconv.Atoi(r.header.Get(":status"))
		if err != nil {
			return r, err
		}
		if r.status >= 200 {
			r.header.Del(":status")
			return r, nil
		}
		r.interim = append(r.interim, r.header)
	}
}

// read reads a response to its end. An error tells that it has none.
func (s *stream) read() (r response, err error) {
	if r, err = s.begin(); err != nil {
		return r, err
	}
	var body strings.Builder
	defer func() { r.body = body.String() }()
	for {
		kind, payload, err := s.frame()
		switch {
		case err == io.EOF:
			return r, nil
		case err != nil:
			return r, err
		case kind == frameData && r.trailer == nil:
			body.Write(payload)
		case kind == frameHeaders && r.trailer == nil:
			if r.trailer, err = decodeFields(payload); err != nil {
				return r, err
			}
		default:
			return r, errors.New("an unexpected frame")
		}
	}
}

// response reads a response, which must be complete.
func (s *stream) response() response {
	s.t.Helper()
	r, err := s.read()
	if err != nil {
		s.t.Fatalf("%v after %+v", err, r)
	}
	return r
}

// expect reads a response and checks it.
func (s *stream) expect(status int, body string) {
	s.t.Helper()
	if r := s.response(); r.status != status || r.body != body {
		s.t.Errorf("got %d %q, want %d %q", r.status, shorten(r.body), status, shorten(body))
	}
}

// resetWith is the code by which err tells that the peer has given up a stream, or 0.
func resetWith(err error) http3.ErrCode {
	if e, ok := errors.AsType[*quic.StreamError](err); ok && e.Remote {
		return http3.ErrCode(e.ErrorCode)
	}
	return 0
}

func shorten(s string) string {
	if len(s) > 300 {
		return s[:300] + "..."
	}
	return s
}

// fields makes a header of names and values in turn.
func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// listenUDP opens a socket for a client that does something to its packets.
func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
