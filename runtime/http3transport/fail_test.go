package http3transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

func TestOnlyHTTPS(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, Options{})
	if err := tr.Serve(newLeg(t, "GET", "http://127.0.0.1:1").Exchange); !errors.Is(err, errScheme) {
		t.Errorf("got %v", err)
	}
}

func TestBadFile(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{TLS: tlsconf.Options{RootCAs: []string{"nowhere.pem"}}}); err == nil || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("got %v", err)
	}
}

// Where nobody listens, that is known at once.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := pc.LocalAddr().String()
	_ = pc.Close()
	tr, begun := newTransport(t, Options{}), time.Now()
	for _, host := range []string{addr, strings.Replace(addr, "127.0.0.1", "localhost", 1)} {
		if err := tr.Serve(newLeg(t, "GET", "https://"+host).Exchange); err == nil || gateway.IsTimeout(err) {
			t.Errorf("%s: got %v", host, err)
		}
	}
	if d := time.Since(begun); d > 4*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	tr := newTransport(t, Options{QUIC: quicconf.Options{HandshakeIdleTimeout: 3 * soon}})
	if err := tr.Serve(newLeg(t, "GET", "https://"+pc.LocalAddr().String()).Exchange); !gateway.IsTimeout(err) {
		t.Errorf("got %v", err)
	}
}

func TestUnknownName(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, Options{})
	for _, host := range []string{"nowhere.invalid", "127.0.0.1:nothing"} {
		if err := tr.Serve(newLeg(t, "GET", "https://"+host).Exchange); err == nil || !strings.Contains(err.Error(), "https://"+host) {
			t.Errorf("got %v", err)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.TLS.ServerName) })
	other := testpki.New(t)
	for name, tt := range map[string]struct {
		o    tlsconf.Options
		host string
		want string // the name that the upstream sees; empty for a failure
	}{
		"by name":            {tlsconf.Options{RootCAs: []string{u.ca.File}}, "localhost", "localhost"},
		"a name of its own":  {tlsconf.Options{RootCAs: []string{u.ca.File}, ServerName: "localhost"}, "127.0.0.1", "localhost"},
		"unknown authority":  {tlsconf.Options{RootCAs: []string{other.File}}, "localhost", ""},
		"wrong name":         {tlsconf.Options{RootCAs: []string{u.ca.File}, ServerName: "else.test"}, "localhost", ""},
		"whatever it may be": {tlsconf.Options{InsecureSkipVerify: true, ServerName: "else.test"}, "localhost", "else.test"},
		"too old":            {tlsconf.Options{InsecureSkipVerify: true, MaxVersion: 0x303}, "localhost", ""},
	} {
		l := newLeg(t, "GET", "https://"+strings.Replace(u.addr, "127.0.0.1", tt.host, 1))
		err := newTransport(t, Options{TLS: tt.o}).Serve(l.Exchange)
		if (err != nil) != (tt.want == "") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil {
			l.expect(200, tt.want)
		}
	}
}

func TestMaxResponseHeaderBytes(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 2000))
	})
	o := u.options()
	for limit, fails := range map[int64]bool{0: false, 1000: true, 4000: false} {
		o.MaxResponseHeaderBytes = limit
		if err := newTransport(t, o).Serve(newLeg(t, "POST", u.url()).Exchange); (err != nil) != fails {
			t.Errorf("%d: %v", limit, err)
		}
	}
}

// A response that is cut off, or an upstream that goes away, is an error of reading it.
func TestCutResponse(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(c *quic.Conn, s *quic.Stream){
		"reset": func(_ *quic.Conn, s *quic.Stream) { s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeInternalError)) },
		"closed": func(c *quic.Conn, _ *quic.Stream) {
			_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		},
		"falls silent": func(*quic.Conn, *quic.Stream) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goOn := make(chan struct{})
			u := newRaw(t, nil, func(c *quic.Conn, _ int) {
				streams(c, func(s *quic.Stream, _ int) {
					_, _ = s.Write(append(head(":status", "200"), data("abc")...))
					<-goOn
					cut(c, s)
				})
			})
			o := u.options()
			if name == "falls silent" {
				o.QUIC.MaxIdleTimeout = 5 * soon
			}
			l := newLeg(t, "GET", u.url()).serve(newTransport(t, o))
			b := make([]byte, 3)
			if _, err := io.ReadFull(l.Response.Body, b); err != nil || string(b) != "abc" {
				t.Fatalf("%q, %v", b, err)
			}
			close(goOn)
			rest, err := io.ReadAll(l.Response.Body)
			if err == nil || len(rest) > 0 || gateway.IsTimeout(err) != (name == "falls silent") {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

var errClient = errors.New("the client has stalled")

// A body that can't be read is the client's fault, whatever the upstream says, and the upstream sees it cut.
func TestUploadFails(t *testing.T) {
	t.Parallel()
	begun, seen := make(chan struct{}), make(chan error, 1)
	u := newRaw(t, nil, func(c *quic.Conn, _ int) {
		streams(c, func(s *quic.Stream, _ int) { // and nothing is ever said
			close(begun)
			_, err := io.Copy(io.Discard, s)
			seen <- err
		})
	})
	r, w := io.Pipe()
	l := newLeg(t, "POST", u.url())
	l.Request.Body, l.Request.ContentLength = r, -1
	go func() {
		_, _ = io.WriteString(w, "abc")
		<-begun
		_ = w.CloseWithError(errClient)
	}()
	if err := u.transport(t).Serve(l.Exchange); !errors.Is(err, errClient) {
		t.Errorf("got %v", err)
	}
	if e, ok := errors.AsType[*quic.StreamError](receive(t, seen)); !ok || http3.ErrCode(e.ErrorCode) != http3.ErrCodeRequestCanceled {
		t.Errorf("the upstream sees %v", e)
	}
}

// Whoever gives up is let go at once, in whatever phase, and the upstream learns of it.
func TestCancel(t *testing.T) {
	t.Parallel()
	for name, early := range map[string][]byte{"waiting for the head": nil, "behind informational ones": head(":status", "103"), "in the body": append(head(":status", "200"), data("a")...)} {
		for _, deadline := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				reached, ended := make(chan struct{}), make(chan struct{})
				u := newRaw(t, nil, func(c *quic.Conn, _ int) {
					streams(c, func(s *quic.Stream, n int) {
						if n != 1 {
							ok(s)
							return
						}
						_, _ = s.Write(early)
						close(reached)
						<-s.Context().Done()
						close(ended)
					})
				})
				tr := u.transport(t)
				get(t, tr, u.url()) // so that there is a connection
				l := newLeg(t, "GET", u.url())
				ctx, cancel := context.WithCancel(l.Context())
				want := context.Canceled
				if deadline {
					ctx, cancel = context.WithTimeout(l.Context(), 10*soon)
					want = context.DeadlineExceeded
				} else {
					go func() { <-reached; cancel() }()
				}
				defer cancel()
				l.SetContext(ctx)
				err := tr.Serve(l.Exchange)
				if err == nil {
					_, err = io.ReadAll(l.Response.Body)
					err = errors.Join(err, ctx.Err()) // which every engine asks
				}
				if !errors.Is(err, want) || gateway.IsTimeout(err) != deadline {
					t.Errorf("got %v", err)
				}
				l.end()
				receive(t, ended)
				if status, body := get(t, tr, u.url()); status != 200 || body != "ok" || u.conns.Load() != 1 {
					t.Errorf("the next one is %d %q, on %d connections", status, body, u.conns.Load())
				}
			})
		}
	}
}

func TestCancelWhileDialling(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	tr := newTransport(t, Options{QUIC: quicconf.Options{HandshakeIdleTimeout: time.Second}})
	l := newLeg(t, "GET", "https://"+pc.LocalAddr().String())
	ctx, cancel := context.WithTimeout(l.Context(), soon)
	defer cancel()
	l.SetContext(ctx)
	begun := time.Now()
	if err := tr.Serve(l.Exchange); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begun); d > 800*time.Millisecond {
		t.Errorf("it took %v", d)
	}
	time.Sleep(2 * time.Second) // the attempt goes on for whoever comes next, and ends with the test
}
