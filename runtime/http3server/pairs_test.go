package http3server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/http3server"
	"github.com/aileron-gateway/aileronc/runtime/http3transport"
	"github.com/aileron-gateway/aileronc/runtime/internal/socketkey"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

const patience = 30 * time.Second

// A pair is a gateway between a client and an upstream, each by the protocol that its name says.
type pair struct {
	client *http.Client
	url    string
	ca     *testpki.CA
}

var pairs = []struct{ client, upstream string }{{"h3", "h1"}, {"h3", "h3"}, {"h1", "h3"}}

// onPairs runs a test for each pair, with an upstream that is h.
func onPairs(t *testing.T, h http.HandlerFunc, test func(t *testing.T, p *pair)) {
	for _, names := range pairs {
		t.Run(names.client+" to "+names.upstream, func(t *testing.T) {
			t.Parallel()
			test(t, newPair(t, names.client, names.upstream, h))
		})
	}
}

func newPair(t testing.TB, client, upstream string, h http.HandlerFunc) *pair {
	t.Helper()
	p := &pair{ca: testpki.New(t)}
	p.url = p.serve(t, client, p.proxy(t, upstream, h))
	p.client = &http.Client{Transport: p.transport(t, client), Timeout: 4 * patience} // what is large takes longer
	return p
}

// transport is that of a client.
func (p *pair) transport(t testing.TB, proto string) http.RoundTripper {
	if proto == "h1" {
		tr := &http.Transport{DisableCompression: true}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}
	tr := &http3.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: p.ca.Pool}}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

type runner interface {
	Listen() error
	Addr() net.Addr
	Run(context.Context) error
}

// serve starts a gateway that answers by h, and returns where it is.
func (p *pair) serve(t testing.TB, proto string, h gateway.Handler) string {
	t.Helper()
	var s runner = wire.NewServer(wire.ServerOptions{Listen: listen.Options{Addr: "127.0.0.1:0"}}, h)
	url := "http://"
	if proto == "h3" {
		cert, key := p.ca.Issue(t, "localhost")
		config, err := tlsconf.Server(tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}})
		if err != nil {
			t.Fatal(err)
		}
		s = http3server.New(http3server.Options{Listen: listen.Options{Addr: "127.0.0.1:0", TLS: config}}, h)
		url = "https://"
	}
	return p.run(t, s, url)
}

// run runs a gateway, and returns where it is.
func (p *pair) run(t testing.TB, s runner, scheme string) string {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return scheme + s.Addr().String()
}

// proxy passes requests on to an upstream that is h.
func (p *pair) proxy(t testing.TB, proto string, h http.HandlerFunc) gateway.Handler {
	t.Helper()
	var tr interface {
		gateway.Handler
		Close() error
	}
	var url string
	var err error
	if proto == "h1" {
		up := httptest.NewServer(h)
		t.Cleanup(up.Close)
		url = up.URL
		tr, err = wire.NewTransport(wire.TransportOptions{})
	} else {
		url = p.upstream3(t, h)
		tr, err = http3transport.New(http3transport.Options{TLS: tlsconf.Options{RootCAs: []string{p.ca.File}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	handler, err := proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: url}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// upstream3 starts a server of quic-go.
func (p *pair) upstream3(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	cert, key := p.ca.Issue(t, "localhost")
	certificate, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return p.upstreamWithDatagrams(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, h)
}

// upstreamWithDatagrams is upstream3 with a TLS configuration.
func (p *pair) upstreamWithDatagrams(t testing.TB, config *tls.Config, h http.HandlerFunc) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http3.Server{Handler: h, Logger: slog.New(slog.DiscardHandler), TLSConfig: config, EnableDatagrams: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(pc)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
		_ = pc.Close()
	})
	return "https://" + pc.LocalAddr().String()
}

// do sends a request.
func (p *pair) do(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	res, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (p *pair) request(t *testing.T, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, p.url+"/a?x=1", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestPairEcho(t *testing.T) {
	t.Parallel()
	onPairs(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Coding", strings.Join(r.TransferEncoding, ""))
		w.WriteHeader(201)
		fmt.Fprintf(w, "%s %s %s %s [%s]", r.Method, r.RequestURI, r.Header.Get("X-Foo"), r.Header.Get("X-Forwarded-Proto"), b)
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
	}, func(t *testing.T, p *pair) {
		scheme, _, _ := strings.Cut(p.url, ":")
		for name, body := range map[string]func() io.Reader{
			"none": func() io.Reader { return nil }, "known": func() io.Reader { return strings.NewReader("hello") },
			"unknown": func() io.Reader { return io.MultiReader(strings.NewReader("hello")) },
		} {
			method, want := "POST", "hello"
			if name == "none" {
				method, want = "GET", ""
			}
			req := p.request(t, method, body())
			req.Header.Set("X-Foo", "1")
			if name == "unknown" {
				req.Trailer = http.Header{"X-Sum": {"5"}}
			}
			res := p.do(t, req)
			got, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != 201 || string(got) != method+" /a?x=1 1 "+scheme+" ["+want+"]" {
				t.Errorf("%s: %d %s, %v", name, res.StatusCode, got, err)
			}
			if sum := res.Trailer.Get("X-Sum"); sum != req.Trailer.Get("X-Sum") {
				t.Errorf("%s: trailer %q", name, sum)
			}
			if coding := res.Header.Get("X-Coding"); name == "none" && coding != "" {
				t.Errorf("a request without a body is passed on with one, %s", coding)
			}
		}
		if res := p.do(t, p.request(t, "HEAD", nil)); res.StatusCode != 201 {
			t.Errorf("HEAD: %d", res.StatusCode)
		}
	})
}

func TestPairEvents(t *testing.T) {
	t.Parallel()
	onPairs(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done() // until the client has enough
		if r.Context().Err() == nil {
			panic("it ended otherwise")
		}
	}, func(t *testing.T, p *pair) {
		ctx, cancel := context.WithCancel(t.Context())
		res := p.do(t, p.request(t, "GET", nil).WithContext(ctx))
		lines := bufio.NewReader(res.Body)
		for i := range 3 {
			if line, err := lines.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("got %q, %v", line, err)
			}
			_, _ = lines.ReadString('\n')
		}
		cancel() // else the upstream, and the test, doesn't end
	})
}

// Both sides talk in turn, and the status comes at the end.
func TestPairFullDuplex(t *testing.T) {
	t.Parallel()
	onPairs(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.(http.Flusher).Flush()
		b := make([]byte, 100)
		for {
			n, err := r.Body.Read(b)
			_, _ = w.Write(bytes.ToUpper(b[:n]))
			w.(http.Flusher).Flush()
			if err != nil {
				w.Header().Set("Grpc-Status", "0")
				return
			}
		}
	}, func(t *testing.T, p *pair) {
		r, w := io.Pipe()
		req := p.request(t, "POST", r)
		req.Header.Set("Te", "trailers")
		res := p.do(t, req)
		b := make([]byte, 100)
		for _, m := range []string{"one", "two", "three"} {
			if _, err := io.WriteString(w, m); err != nil {
				t.Fatal(err)
			}
			if n, err := res.Body.Read(b); string(b[:n]) != strings.ToUpper(m) {
				t.Fatalf("got %q, %v", b[:n], err)
			}
		}
		_ = w.Close()
		rest, err := io.ReadAll(res.Body)
		if err != nil || len(rest) > 0 || res.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("%q, %v, trailers %v", rest, err, res.Trailer)
		}
	})
}

func TestPairLargeBodies(t *testing.T) {
	t.Parallel()
	const size = 1 << 20 // more than the windows that connections begin with
	onPairs(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		_, _ = io.Copy(sum, r.Body)
		w.Header().Set("X-Sum", fmt.Sprintf("%x", sum.Sum(nil)))
		_, _ = w.Write(bytes.Repeat([]byte("0123456789abcdef"), size/16))
	}, func(t *testing.T, p *pair) {
		body := bytes.Repeat([]byte("fedcba9876543210"), size/16)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				res, err := p.client.Do(p.request(t, "POST", bytes.NewReader(body)))
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if err != nil || !bytes.Equal(got, bytes.Repeat([]byte("0123456789abcdef"), size/16)) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if sum := res.Header.Get("X-Sum"); sum != fmt.Sprintf("%x", sha256.Sum256(body)) {
					t.Errorf("the upstream has got something else: %s", sum)
				}
			})
		}
		all.Wait()
	})
}

func TestPairInterim(t *testing.T) {
	t.Parallel()
	onPairs(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(103)
		w.WriteHeader(204)
	}, func(t *testing.T, p *pair) {
		hints := 0
		req := p.request(t, "GET", nil)
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == 103 && h.Get("Link") == "</a.css>" {
					hints++
				}
				return nil
			},
		}))
		if res := p.do(t, req); res.StatusCode != 204 || hints != 1 {
			t.Errorf("%d hints, then %d", hints, res.StatusCode)
		}
	})
}

// A response that the upstream cuts off is cut off for the client; one that it never begins is a 502.
func TestPairCut(t *testing.T) {
	t.Parallel()
	for _, names := range pairs {
		t.Run(names.client+" to "+names.upstream, func(t *testing.T) {
			t.Parallel()
			seen := make(chan struct{})
			p := newPair(t, names.client, names.upstream, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					_, _ = io.WriteString(w, "abc")
					w.(http.Flusher).Flush()
					<-seen // what isn't delivered yet is lost with the stream
				}
				panic(http.ErrAbortHandler)
			})
			res := p.do(t, p.request(t, "GET", nil))
			if _, err := io.ReadFull(res.Body, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			close(seen)
			if b, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the client sees a clean end behind %q", b)
			}
			if res := p.do(t, p.request(t, "POST", nil)); res.StatusCode != 502 {
				t.Errorf("got %d", res.StatusCode)
			}
		})
	}
}

// The upstream learns that the client has gone, in the middle of its body, too.
func TestPairClientGoes(t *testing.T) {
	t.Parallel()
	for _, names := range pairs {
		t.Run(names.client+" to "+names.upstream, func(t *testing.T) {
			t.Parallel()
			begun, ended := make(chan struct{}), make(chan error, 1)
			p := newPair(t, names.client, names.upstream, func(w http.ResponseWriter, r *http.Request) {
				_, _ = r.Body.Read(make([]byte, 1))
				close(begun)
				_, err := io.Copy(io.Discard, r.Body)
				ended <- err
			})
			ctx, cancel := context.WithCancel(t.Context())
			r, w := io.Pipe()
			go func() {
				_, _ = io.WriteString(w, "abc")
				<-begun
				cancel()
				_ = w.CloseWithError(context.Canceled) // net/http waits for it
			}()
			// What the gateway says of the request that broke off may be faster than the client.
			if res, err := p.client.Do(p.request(t, "POST", r).WithContext(ctx)); err == nil {
				if res.Body.Close(); res.StatusCode < 400 {
					t.Errorf("there is an answer: %d", res.StatusCode)
				}
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("the upstream sees a clean end")
				}
			case <-time.After(patience):
				t.Error("the upstream doesn't learn of it")
			}
		})
	}
}

// echoSocket is an upstream of WebSocket, by HTTP/1.1.
func echoSocket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	for {
		kind, m, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, append([]byte("you said "), m...)) != nil {
			return
		}
	}
}

// A client of HTTP/3 talks to a WebSocket of HTTP/1.1, through any number of gateways.
func TestPairWebSocket(t *testing.T) {
	t.Parallel()
	for _, hops := range []string{"h3 h1", "h3 h3 h1", "h1 h3 h1"} {
		t.Run(hops, func(t *testing.T) {
			t.Parallel()
			p := &pair{ca: testpki.New(t)}
			protos := strings.Fields(hops)
			h := p.proxy(t, protos[len(protos)-1], echoSocket)
			for i := len(protos) - 2; i >= 0; i-- {
				url := p.serve(t, protos[i], h)
				if p.url = url; i == 0 {
					break
				}
				tr, err := http3transport.New(http3transport.Options{TLS: tlsconf.Options{RootCAs: []string{p.ca.File}}})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = tr.Close() })
				h, err = proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
					Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: url}),
				}}})
				if err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if protos[0] == "h1" {
				c, _, err := websocket.Dial(ctx, p.url+"/chat", nil)
				if err != nil {
					t.Fatal(err)
				}
				talk(t, ctx, c)
				return
			}
			c, _, err := websocket.Dial(ctx, "http://gw.test/chat", &websocket.DialOptions{HTTPClient: &http.Client{Transport: p.over3(t)}})
			if err != nil {
				t.Fatal(err)
			}
			talk(t, ctx, c)
		})
	}
}

func talk(t *testing.T, ctx context.Context, c *websocket.Conn) {
	t.Helper()
	for _, m := range []string{"hello", strings.Repeat("x", 20000)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); string(got) != "you said "+m {
			t.Fatalf("got %.100q, %v", got, err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// over3 makes the handshake of a client of HTTP/1.1 one of HTTP/3.
func (p *pair) over3(t *testing.T) http.RoundTripper {
	t.Helper()
	addr := strings.TrimPrefix(p.url, "https://")
	q, err := quic.DialAddr(t.Context(), addr, &tls.Config{RootCAs: p.ca.Pool, NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.CloseWithError(0, "") })
	return handshake{(&http3.Transport{}).NewClientConn(q)}
}

type handshake struct{ *http3.ClientConn }

func (h handshake) RoundTrip(req *http.Request) (*http.Response, error) {
	s, err := h.OpenRequestStream(req.Context())
	if err != nil {
		return nil, err
	}
	key := req.Header.Get("Sec-WebSocket-Key")
	c := req.Clone(req.Context())
	c.Method, c.Proto, c.URL.Scheme = http.MethodConnect, "websocket", "https"
	c.Header.Del("Sec-WebSocket-Key")
	if err := s.SendRequestHeader(c); err != nil {
		return nil, err
	}
	res, err := s.ReadResponse()
	if err != nil || res.StatusCode != 200 {
		return res, err
	}
	res.StatusCode = http.StatusSwitchingProtocols
	res.Header.Set("Connection", "Upgrade")
	res.Header.Set("Upgrade", "websocket")
	res.Header.Set("Sec-WebSocket-Accept", socketkey.Accept(key))
	res.Body = tunnel{res.Body, s}
	return res, nil
}

type tunnel struct {
	io.ReadCloser
	io.Writer
}
