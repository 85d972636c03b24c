package wire

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/envproxy"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// newTLSServer starts an https upstream that offers HTTP/2, too, and returns the file of the authority to trust.
func newTLSServer(t *testing.T, h http.HandlerFunc) (s *httptest.Server, ca string) {
	t.Helper()
	authority := testpki.New(t)
	cert, err := tls.LoadX509KeyPair(authority.Issue(t, "upstream.example"))
	if err != nil {
		t.Fatal(err)
	}
	s = httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, authority.File
}

func TestTransportTLS(t *testing.T) {
	s, ca := newTLSServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", r.TLS.ServerName, " ", r.TLS.DidResume, " ", r.RemoteAddr, " ", len(b))
	})
	trust := tlsconf.Options{RootCAs: []string{ca}, NextProtos: []string{"h2", "http/1.1"}, ServerName: "upstream.example"}
	for name, tt := range map[string]struct {
		close, resumes bool
	}{"kept": {}, "one each": {true, true}} {
		t.Run(name, func(t *testing.T) {
			tr := testTransport(t, TransportOptions{TLS: trust, DisableKeepAlives: tt.close})
			var remote []string
			for i := range 3 {
				n := i * 40000 // at once, and streamed
				leg, end := newLeg(t, "POST", s.URL)
				if n > 0 {
					setBody(leg, strings.Repeat("x", n), int64(n))
				}
				mustServe(t, tr, leg)
				var proto, server, addr string
				var got int
				var resumed bool
				fmt.Sscan(readBody(t, leg), &proto, &server, &resumed, &addr, &got)
				if proto != "HTTP/1.1" || server != "upstream.example" || got != n || i > 0 && resumed != tt.resumes {
					t.Errorf("%s, %s, resumed: %v, %d bytes", proto, server, resumed, got)
				}
				remote = append(remote, addr)
				end()
			}
			if kept := remote[0] == remote[1] && remote[1] == remote[2]; kept == tt.close {
				t.Errorf("the connections were %v", remote)
			}
		})
	}
	for name, o := range map[string]tlsconf.Options{
		"unknown authority": {}, "unexpected name": {RootCAs: []string{ca}, ServerName: "other.example"},
	} {
		leg, end := newLeg(t, "GET", s.URL)
		if err := testTransport(t, TransportOptions{TLS: o}).Serve(leg); err == nil || !strings.Contains(err.Error(), "x509") {
			t.Errorf("%s: %v", name, err)
		}
		end()
	}
	plain := rawUpstream(t, func(_ int, c net.Conn, _ *bufio.Reader) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	leg, end := newLeg(t, "GET", "https://"+plain)
	defer end()
	err := testTransport(t, TransportOptions{}).Serve(leg)
	if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
		t.Errorf("to a cleartext upstream: %v", err)
	}
}

// A oneWrite puts what is written while it holds in front of the next write.
type oneWrite struct {
	net.Conn
	hold bool
	held []byte
}

func (w *oneWrite) Write(p []byte) (int, error) {
	w.held = append(w.held, p...)
	if w.hold {
		return len(p), nil
	}
	_, err := w.Conn.Write(w.held)
	w.held = nil
	return len(p), err
}

// What TLS has read beyond a response isn't taken for the next one.
func TestTransportTLSUnsolicited(t *testing.T) {
	authority := testpki.New(t)
	cert, err := tls.LoadX509KeyPair(authority.Issue(t, "upstream.example"))
	if err != nil {
		t.Fatal(err)
	}
	addr := rawUpstream(t, func(n int, c net.Conn, _ *bufio.Reader) {
		together := &oneWrite{Conn: c}
		s := tls.Server(together, &tls.Config{Certificates: []tls.Certificate{cert}})
		r := bufio.NewReader(s)
		if _, err := requestHead(r); err != nil {
			return
		}
		// Two records in one segment.
		ok, evil := "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"+fmt.Sprint(n), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
		together.hold = true
		io.WriteString(s, ok)
		together.hold = false
		io.WriteString(s, evil)
		io.Copy(io.Discard, r)
	})
	tr := testTransport(t, TransportOptions{TLS: tlsconf.Options{RootCAs: []string{authority.File}}})
	for i := range 3 {
		leg, end := newLeg(t, "GET", "https://"+addr)
		mustServe(t, tr, leg)
		if b := readBody(t, leg); b != fmt.Sprint(i) {
			t.Errorf("read %q", b)
		}
		end()
	}
}

// forwardProxy is an HTTP proxy that forwards requests, and connects.
func forwardProxy(t *testing.T, secure bool) (proxy, ca string, seen func() string) {
	lines := make(chan string, 10)
	h := func(w http.ResponseWriter, r *http.Request) {
		lines <- r.Method + " " + r.RequestURI + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		if r.Method != "CONNECT" {
			r.RequestURI = ""
			r.URL.Host = r.Header.Get("X-To")
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			defer resp.Body.Close()
			io.Copy(w, resp.Body)
			return
		}
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer to.Close()
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(to, c)
			to.Close()
		}()
		io.Copy(c, to)
	}
	seen = func() string { return <-lines }
	if secure {
		s, ca := newTLSServer(t, h)
		return s.URL, ca, seen
	}
	s := httptest.NewServer(http.HandlerFunc(h))
	t.Cleanup(s.Close)
	return s.URL, "", seen
}

// through makes tr use a proxy, also for what is on the same host.
func through(t *testing.T, tr *Transport, o origin, proxy string) *upstream {
	t.Helper()
	u, err := tr.newUpstream(o)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	u.through(parsed, o.scheme)
	tr.upstreams[o] = u
	return u
}

func TestTransportHTTPProxies(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "plain "+r.URL.Path) }))
	defer plain.Close()
	secret, ca := newTLSServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "secret "+r.URL.Path) })
	for _, secure := range []bool{false, true} {
		proxy, proxyCA, seen := forwardProxy(t, secure)
		cas := []string{ca}
		if secure {
			cas = append(cas, proxyCA)
		}
		proxy = strings.Replace(proxy, "://", "://user:pass@", 1)
		tr := testTransport(t, TransportOptions{TLS: tlsconf.Options{RootCAs: cas}})
		auth := "Basic dXNlcjpwYXNz"
		for _, tt := range []struct{ url, host, want, line string }{
			{plain.URL, "upstream.example:8080", "plain /a", "GET http://upstream.example:8080/a upstream.example:8080 " + auth},
			{secret.URL, strings.TrimPrefix(secret.URL, "https://"), "secret /a", "CONNECT HOST HOST " + auth},
		} {
			scheme, addr, _ := strings.Cut(tt.url, "://")
			through(t, tr, origin{scheme, tt.host}, proxy)
			for i := range 2 {
				leg, end := newLeg(t, "GET", scheme+"://"+tt.host+"/a")
				leg.Request.Header.Add("X-To", addr)
				mustServe(t, tr, leg)
				if body := readBody(t, leg); body != tt.want {
					t.Errorf("%s", body)
				}
				end()
				if i == 1 && scheme == "https" {
					continue // through the same tunnel
				}
				if got := strings.ReplaceAll(seen(), addr, "HOST"); got != tt.line {
					t.Errorf("the proxy got %q, not %q", got, tt.line)
				}
			}
		}
	}
}

func TestTransportProxyRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ scheme, answer, want string }{
		"CONNECT":         {"http", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "status 407"},
		"too much":        {"http", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1", "more than a head"},
		"malformed":       {"http", "HTTP/1.1 200 OK\nX: 1\n\n", "malformed"},
		"no SOCKS":        {"socks5", "HTTP/1.1 200", "malformed SOCKS5"},
		"SOCKS, no way":   {"socks5", "\x05\xff", "no way of authentication"},
		"SOCKS, no login": {"socks5://u:p@", "\x05\x02\x01\x01", "refuses the user name"},
		"SOCKS, refused":  {"socks5", "\x05\x00\x05\x05\x00\x01", "connection refused"},
		"SOCKS, cut":      {"socks5h", "\x05\x00\x05\x00\x00\x01\x00", "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				io.WriteString(c, tt.answer)
				c.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, r)
			})
			proxy := tt.scheme + "://" + addr
			if strings.Contains(tt.scheme, "@") {
				proxy = tt.scheme + addr
			}
			tr := testTransport(t, TransportOptions{})
			u := through(t, tr, origin{"https", "upstream.example"}, proxy)
			leg, end := newLeg(t, "GET", "https://upstream.example")
			defer end()
			err := tr.Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), ":p@") {
				t.Errorf("the error is %v, and should say %q", err, tt.want)
			}
			if u.links != 0 {
				t.Errorf("%d connections are left", u.links)
			}
		})
	}
}

// socksServer is a SOCKS5 proxy that connects everybody to addr.
func socksServer(t *testing.T, login bool, addr string) (proxy string, asked chan string) {
	asked = make(chan string, 1)
	return rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
		b := make([]byte, 300)
		io.ReadFull(r, b[:3])
		c.Write([]byte{5, b[2]})
		got := ""
		if login {
			io.ReadFull(r, b[:len("\x01\x04user\x04pass")])
			got = string(b[2:6]) + ":" + string(b[7:11]) + " "
			c.Write([]byte{1, 0})
		}
		io.ReadFull(r, b[:5])
		n := map[byte]int{1: 4 - 1, 3: int(b[4]), 4: 16 - 1}[b[3]]
		io.ReadFull(r, b[5:5+n+2])
		asked <- got + fmt.Sprintf("%q", b[3:5+n+2])
		c.Write([]byte{5, 0, 0, 3, 1, 'x', 0, 0})
		to, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer to.Close()
		go func() {
			io.Copy(to, r)
			to.Close()
		}()
		io.Copy(c, to)
	}), asked
}

func TestTransportSOCKS(t *testing.T) {
	addr := numbered(t)
	for name, tt := range map[string]struct {
		user, host, want string
	}{
		"name":  {"", "upstream.example", `"\x03\x10upstream.example\x00P"`},
		"login": {"user:pass@", "upstream.example:8080", `user:pass "\x03\x10upstream.example\x1f\x90"`},
		"IPv4":  {"", "192.0.2.1", `"\x01\xc0\x00\x02\x01\x00P"`},
		"IPv6":  {"", "[2001:db8::1]:1", `"\x04 \x01\r\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"`},
	} {
		t.Run(name, func(t *testing.T) {
			proxy, asked := socksServer(t, tt.user != "", addr)
			tr := testTransport(t, TransportOptions{})
			through(t, tr, origin{"http", tt.host}, "socks5://"+tt.user+proxy)
			if status, _ := ask(t, tr, "http://"+tt.host); status != 200 {
				t.Error(status)
			}
			if got := <-asked; got != tt.want {
				t.Errorf("the proxy was asked for %s, not %s", got, tt.want)
			}
		})
	}
}

func TestTransportEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	addr := numbered(t)
	tr := testTransport(t, TransportOptions{Dial: dial.Options{ReplaceTargets: []string{"(tcp|proxy.example:3128) > (tcp|" + addr + ")"}}})
	leg, end := newLeg(t, "GET", "http://upstream.example/a")
	defer end()
	mustServe(t, tr, leg)
	if u := tr.upstreams[origin{"http", "upstream.example"}]; u.absolute != "http://upstream.example" {
		t.Errorf("%+v", u)
	}
	t.Setenv("HTTP_PROXY", "ftp://proxy.example")
	if _, err := NewTransport(TransportOptions{}); err == nil {
		t.Error("no error")
	}
	if _, err := envproxy.FromEnvironment(); err == nil {
		t.Error("no error")
	}
	broken := &Transport{err: gateway.ErrTooLarge}
	if err := broken.Serve(leg); !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("the error is %v", err)
	}
}
