package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// secure returns options of a server with a certificate of ca.
func secure(t *testing.T, ca *testpki.CA, o tlsconf.Options) (s server.Options) {
	t.Helper()
	cert, key := ca.Issue(t, "localhost")
	o.Certificates = []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	c, err := tlsconf.Server(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Listen.TLS = c
	return s
}

// httpClient speaks the given versions, trusting ca if it isn't nil.
func httpClient(t *testing.T, ca *testpki.CA, protocols ...func(*http.Protocols, bool)) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	if ca != nil {
		tr.TLSClientConfig = &tls.Config{RootCAs: ca.Pool}
	}
	for _, set := range protocols {
		set(tr.Protocols, true)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

var (
	http1 = (*http.Protocols).SetHTTP1
	http2 = (*http.Protocols).SetHTTP2
	h2c   = (*http.Protocols).SetUnencryptedHTTP2
)

// about answers with what the engine says of the connection.
func about(x *gateway.Exchange) error {
	q := &x.Request
	alpn, peer := "", ""
	if q.TLS != nil {
		alpn = q.TLS.NegotiatedProtocol
		for _, c := range q.TLS.PeerCertificates {
			peer = c.Subject.CommonName
		}
	}
	n := int64(0)
	if q.Body != nil {
		n, _ = io.Copy(io.Discard, q.Body)
	}
	return text(200, fmt.Sprintf("%s %s %s %s alpn=%s peer=%s body=%d/%d", q.Proto, q.Scheme, q.Host, q.RawPath, alpn, peer, n, q.ContentLength))(x)
}

func TestProtocols(t *testing.T) {
	ca := testpki.New(t)
	tests := []struct {
		name   string
		server server.Options
		client []func(*http.Protocols, bool)
		tls    bool
		want   string // "" if it fails
	}{
		{"cleartext", server.Options{}, []func(*http.Protocols, bool){http1}, false, "HTTP/1.1 http HOST /%61 alpn= peer= body=4/4"},
		{"h2c", server.Options{HTTP2: &server.HTTP2{H2C: true}}, []func(*http.Protocols, bool){h2c}, false, "HTTP/2.0 http HOST /%61 alpn= peer= body=4/4"},
		{"HTTP/1.1 beside h2c", server.Options{HTTP2: &server.HTTP2{H2C: true}}, []func(*http.Protocols, bool){http1}, false, "HTTP/1.1 http HOST /%61 alpn= peer= body=4/4"},
		{"h2c switched off", server.Options{HTTP2: &server.HTTP2{}}, []func(*http.Protocols, bool){h2c}, false, ""},
		{"TLS", secure(t, ca, tlsconf.Options{}), []func(*http.Protocols, bool){http1}, true, "HTTP/1.1 https HOST /%61 alpn= peer= body=4/4"},
		{"TLS without HTTP/2", secure(t, ca, tlsconf.Options{NextProtos: []string{"h2"}}), []func(*http.Protocols, bool){http1, http2}, true, "HTTP/1.1 https HOST /%61 alpn= peer= body=4/4"},
		{"HTTP/2", with(secure(t, ca, tlsconf.Options{}), func(o *server.Options) { o.HTTP2 = &server.HTTP2{} }), []func(*http.Protocols, bool){http1, http2}, true, "HTTP/2.0 https HOST /%61 alpn=h2 peer= body=4/4"},
		{"HTTP/1.1 beside HTTP/2", with(secure(t, ca, tlsconf.Options{}), func(o *server.Options) { o.HTTP2 = &server.HTTP2{} }), []func(*http.Protocols, bool){http1}, true, "HTTP/1.1 https HOST /%61 alpn= peer= body=4/4"},
		{"HTTP/2 behind a limit", with(secure(t, ca, tlsconf.Options{}), func(o *server.Options) {
			o.HTTP2, o.Listen.ConnectionLimit, o.Listen.ReadDeadline = &server.HTTP2{}, 3, time.Minute
			o.Listen.Networks = []string{"127.0.0.0/8"}
		}), []func(*http.Protocols, bool){http2}, true, "HTTP/2.0 https HOST /%61 alpn=h2 peer= body=4/4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, tt.server, about)
			addr, scheme := g.addr.String(), "http"
			if tt.tls {
				scheme = "https"
			}
			res, err := httpClient(t, ca, tt.client...).Post(scheme+"://"+addr+"/%61", "text/plain", strings.NewReader("four"))
			if tt.want == "" {
				if err == nil {
					t.Error("it has worked")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			b, _ := io.ReadAll(res.Body)
			if want := strings.Replace(tt.want, "HOST", addr, 1); string(b) != want {
				t.Errorf("got  %q\nwant %q", b, want)
			}
		})
	}
}

func with(o server.Options, f func(*server.Options)) server.Options { f(&o); return o }

// The client's side of HTTP/2, with all that is special there.
func TestHTTP2(t *testing.T) {
	errs, trailers := &errorHandler{}, make(chan gateway.Header, 1)
	o := server.Options{HTTP2: &server.HTTP2{H2C: true}, Errors: errs, MaxHeaderBytes: 2048}
	g := start(t, o, func(x *gateway.Exchange) error {
		switch x.Request.Path {
		case "/trailers":
			if x.Request.Body != nil {
				_, _ = io.Copy(io.Discard, x.Request.Body)
				trailers <- x.Request.Trailer()
			}
			x.Response.Header = fields("Trailer", "X-Announced", "Connection", "close", "Upgrade", "h2c", "Keep-Alive", "1")
			x.Response.Trailer = func() gateway.Header { return fields("X-Announced", "1", "Grpc-Status", "0") }
			return streaming(-1, strings.NewReader("hello"))(x)
		case "/cut":
			return streaming(-1, broken("12345"))(x)
		case "/panic":
			panic(errBroken)
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/101":
			a, _ := net.Pipe()
			x.Response.Status, x.Response.Conn = 101, a
			return nil
		}
		return text(200, "hello")(x)
	})
	c := httpClient(t, nil, h2c)
	get := func(path string, header http.Header) (*http.Response, string, error) {
		r, _ := http.NewRequest("GET", "http://"+g.addr.String()+path, nil)
		r.Header = header
		if path == "/trailers" {
			r.Method, r.Body, r.Trailer = "POST", io.NopCloser(strings.NewReader("x")), http.Header{"X-Up": {"2"}}
		}
		res, err := c.Do(r)
		if err != nil {
			return nil, "", err
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		return res, string(b), err
	}
	for path, status := range map[string]int{"/": 200, "/panic": 500, "/101": 500} {
		if res, _, err := get(path, nil); err != nil || res.StatusCode != status {
			t.Errorf("%s: %v, %v", path, res, err)
		}
	}
	for _, path := range []string{"/cut", "/abort"} {
		if _, body, err := get(path, nil); err == nil {
			t.Errorf("%s: got %q and a clean end", path, body)
		}
	}
	if res, _, err := get("/", http.Header{"X-Big": {strings.Repeat("a", 2000)}}); err != nil || res.StatusCode != 431 {
		t.Errorf("large head: %v, %v", res, err)
	}
	res, body, err := get("/trailers", nil)
	if err != nil || body != "hello" || res.Trailer.Get("X-Announced") != "1" || res.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("trailers: %v, %q, %v", err, body, res)
	}
	if res != nil && (res.Header.Get("Upgrade") != "" || res.Header.Get("Keep-Alive") != "") {
		t.Errorf("connection-specific fields were sent: %v", res.Header)
	}
	if got := (<-trailers).Get("X-Up"); got != "2" {
		t.Errorf("the trailer of the request is %q", got)
	}
}

func TestHTTP2IdleTimeout(t *testing.T) {
	o := server.Options{IdleTimeout: time.Hour, HTTP2: &server.HTTP2{H2C: true, IdleTimeout: 50 * time.Millisecond}}
	g := start(t, o, text(200, "hello"))
	c := g.dial(t)
	c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00") // the preface and empty settings
	if _, err := c.rest(); err != nil {
		t.Errorf("HTTP/2: %v; want the connection closed", err)
	}
	c = g.dial(t)
	c.get("GET /")
	if res, err := http.ReadResponse(c.r, nil); err != nil {
		t.Fatal(err)
	} else if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	if _, err := c.rest(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("HTTP/1.1: %v; want the connection open", err)
	}
}

// The race detector watches this one: what net/http sends must not be touched any more, even if
// it has returned because the client has given up.
func TestEarlyHintsToAClientThatGoes(t *testing.T) {
	g := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true}}, func(x *gateway.Exchange) error {
		for i := range 50 {
			h := gateway.Header{}
			for range 50 {
				h.Add("X-"+strconv.Itoa(len(h))+"-"+strconv.Itoa(i), "v")
			}
			_ = x.Interim(103, h)
		}
		return text(200, "hello")(x)
	})
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: p}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			left := i
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error {
				if left--; left < 0 {
					cancel()
				}
				return nil
			}})
			req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.addr.String(), nil)
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	all.Wait()
}

// A handler of net/http may panic on purpose. That isn't told.
func TestAbortHandler(t *testing.T) {
	for name, h := range map[string]gateway.HandlerFunc{
		"panic":    func(*gateway.Exchange) error { panic(http.ErrAbortHandler) },
		"returned": func(*gateway.Exchange) error { return &gateway.Error{Status: 500, Cause: http.ErrAbortHandler} },
	} {
		errs, done, closed := &errorHandler{}, make(chan error, 1), make(chan struct{}, 2)
		g := start(t, server.Options{Errors: errs}, func(x *gateway.Exchange) error {
			x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
			r, w := io.Pipe()
			go func() {
				_, _ = w.Write([]byte("never"))
				closed <- struct{}{}
			}()
			x.Response.Body = r
			return h(x)
		})
		c := g.dial(t)
		c.get("GET /")
		if rest, err := c.rest(); rest != "" || err != nil {
			t.Errorf("%s: %q, %v", name, rest, err)
		}
		if err := <-done; err == nil {
			t.Errorf("%s: no SendErr", name)
		}
		<-closed
		if len(errs.errors) > 0 {
			t.Errorf("%s: logged %v", name, errs.errors)
		}
	}
}
