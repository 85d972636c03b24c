package protocols

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
)

// testMatrix holds what passes between each two protocols.
func (g *gateway) testMatrix(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, p *pair)
	}{
		{"GET", matrixGet},
		{"POST", matrixPost},
		{"HEAD", matrixHead},
		{"304", matrixUnmodified},
		{"trailers", matrixTrailers},
		{"early hints", matrixHints},
		{"expectation met", matrixContinue},
		{"expectation refused", matrixRefuse},
		{"large", matrixLarge},
		{"large, of unknown length", matrixLargeChunked},
		{"early response", matrixEarly},
		{"upstream breaks off", matrixBroken},
		{"upstream breaks off a body of unknown length", matrixBrokenChunked},
		{"client leaves", matrixClientLeaves},
		{"client breaks off", matrixClientBreaks},
	} {
		t.Run(tt.name, func(t *testing.T) { g.forPairs(t, tt.run) })
	}
}

// do sends a request, whose response must come by the client's protocol, and must have reached the upstream by its.
func (p *pair) do(t *testing.T, r *http.Request, v *visit) *http.Response {
	t.Helper()
	resp, err := p.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.ProtoMajor != p.client.version {
		t.Errorf("the gateway speaks %s to the client", resp.Proto)
	}
	if got := receive(t, v.proto); got != p.upstream.version {
		t.Errorf("the gateway speaks HTTP/%d to the upstream", got)
	}
	return resp
}

func (p *pair) request(t *testing.T, method, path string, body io.Reader) (*http.Request, *visit) {
	t.Helper()
	id, v := p.id(t)
	r, err := http.NewRequestWithContext(t.Context(), method, p.url(path, id), body)
	if err != nil {
		t.Fatal(err)
	}
	return r, v
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func matrixGet(t *testing.T, p *pair) {
	resp := p.ask(t, "GET", "/echo", nil)
	if body := readAll(t, resp); resp.StatusCode != 200 || body != "<>" || resp.ContentLength != 2 {
		t.Errorf("%d, %q, %d bytes", resp.StatusCode, body, resp.ContentLength)
	}
	if got := resp.Header.Get("X-Length"); got != "0" {
		t.Errorf("the upstream got a body of %s bytes", got)
	}
}

func (p *pair) ask(t *testing.T, method, path string, body io.Reader) *http.Response {
	t.Helper()
	r, v := p.request(t, method, path, body)
	return p.do(t, r, v)
}

func matrixPost(t *testing.T, p *pair) {
	resp := p.ask(t, "POST", "/echo", strings.NewReader("hello"))
	if body := readAll(t, resp); body != "<hello>" || resp.Header.Get("X-Method") != "POST" || resp.Header.Get("X-Length") != "5" {
		t.Errorf("%q, %v", body, resp.Header)
	}
}

func matrixHead(t *testing.T, p *pair) {
	resp := p.ask(t, "HEAD", "/echo", nil)
	if body := readAll(t, resp); resp.StatusCode != 200 || body != "" || resp.ContentLength != 2 || resp.Header.Get("X-Method") != "HEAD" {
		t.Errorf("%d, %q, %d bytes", resp.StatusCode, body, resp.ContentLength)
	}
}

func matrixUnmodified(t *testing.T, p *pair) {
	resp := p.ask(t, "GET", "/unmodified", nil)
	if body := readAll(t, resp); resp.StatusCode != 304 || body != "" || resp.Header.Get("Etag") != `"1"` {
		t.Errorf("%d, %q, %v", resp.StatusCode, body, resp.Header)
	}
}

func matrixTrailers(t *testing.T, p *pair) {
	r, v := p.request(t, "POST", "/trailers", io.MultiReader(strings.NewReader("hello")))
	r.Trailer = http.Header{"X-Up": {"1"}}
	r.Header.Set("Te", "trailers")
	resp := p.do(t, r, v)
	if body := readAll(t, resp); body != "hello" || resp.Trailer.Get("X-Announced") != "1" || resp.Trailer.Get("X-Unannounced") != "2" {
		t.Errorf("%q, %v", body, resp.Trailer)
	}
}

func matrixHints(t *testing.T, p *pair) {
	r, v := p.request(t, "GET", "/hints", nil)
	got := ""
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		got += fmt.Sprint(status, h.Get("Link"))
		v.next <- struct{}{}
		return nil
	}}))
	resp := p.do(t, r, v)
	if body := readAll(t, resp); got != "103</style.css>" || body != "final" || resp.Header.Get("Link") != "" {
		t.Errorf("%q, then %q, %v", got, body, resp.Header)
	}
}

// A told is a body that says when it is read.
type told struct {
	io.Reader
	read chan struct{}
}

func (b *told) Read(p []byte) (int, error) {
	select {
	case b.read <- struct{}{}:
	default:
	}
	return b.Reader.Read(p)
}

func matrixContinue(t *testing.T, p *pair) {
	r, v := p.request(t, "POST", "/echo", &told{strings.NewReader("hello"), make(chan struct{}, 1)})
	r.Header.Set("Expect", "100-continue")
	if body := readAll(t, p.do(t, r, v)); body != "<hello>" {
		t.Errorf("%q", body)
	}
}

// An upstream that refuses spares the client the body, if both speak HTTP/1.1. A server of net/http tells no handler of
// expectations in HTTP/2, and a client of HTTP/2 has no time to wait for an upstream's word: the gateway asks for the body
// itself then, as it may (RFC 9110, section 10.1.1).
func matrixRefuse(t *testing.T, p *pair) {
	body := &told{strings.NewReader("hello"), make(chan struct{}, 1)}
	r, v := p.request(t, "POST", "/refuse", body)
	r.Header.Set("Expect", "100-continue")
	if resp := p.do(t, r, v); resp.StatusCode != 403 {
		t.Errorf("%d", resp.StatusCode)
	}
	if p.client.version > 1 || p.upstream.version > 1 {
		return
	}
	select {
	case <-body.read:
		t.Error("the client has been asked for the body")
	default:
	}
}

func matrixLarge(t *testing.T, p *pair)        { matrixLargeBodies(t, p, "", largeSize) }
func matrixLargeChunked(t *testing.T, p *pair) { matrixLargeBodies(t, p, "&chunked=1", -1) }

func matrixLargeBodies(t *testing.T, p *pair, query string, length int64) {
	want := sha256.New()
	_, _ = io.Copy(want, largeBody())
	r, v := p.request(t, "POST", "/large", largeBody())
	r.URL.RawQuery += query
	r.ContentLength = length
	resp := p.do(t, r, v)
	got := sha256.New()
	if n, err := io.Copy(got, resp.Body); n != largeSize || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	for _, sum := range []string{resp.Header.Get("X-Sum"), hex.EncodeToString(got.Sum(nil))} {
		if sum != hex.EncodeToString(want.Sum(nil)) {
			t.Errorf("the sum is %s; the upstream got %s bytes", sum, resp.Header.Get("X-Got"))
		}
	}
	if resp.ContentLength != length {
		t.Errorf("the length is %d", resp.ContentLength)
	}
}

// matrixEarly reads of the response before the body is sent.
func matrixEarly(t *testing.T, p *pair) {
	body, w := io.Pipe()
	r, v := p.request(t, "POST", "/early", body)
	go func() { _, _ = io.WriteString(w, "begin") }()
	resp := p.do(t, r, v)
	b := bufio.NewReader(resp.Body)
	if line, err := b.ReadString('\n'); line != "early\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := io.Copy(w, largeBody()); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := receive(t, v.ended); err != nil {
		t.Errorf("the upstream: %v", err)
	}
	if line, err := b.ReadString('\n'); line != fmt.Sprint(largeSize+len("begin"), " bytes\n") || err != nil {
		t.Errorf("%q, %v", line, err)
	}
}

func matrixBroken(t *testing.T, p *pair)        { matrixBreak(t, p, "") }
func matrixBrokenChunked(t *testing.T, p *pair) { matrixBreak(t, p, "&chunked=1") }

func matrixBreak(t *testing.T, p *pair, query string) {
	r, v := p.request(t, "GET", "/broken", nil)
	r.URL.RawQuery += query
	resp := p.do(t, r, v)
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%d bytes and a clean end", len(b))
	}
}

func matrixClientLeaves(t *testing.T, p *pair) {
	r, v := p.request(t, "GET", "/wait", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp := p.do(t, r.WithContext(ctx), v)
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "begin\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	cancel()
	if err := receive(t, v.ended); err != nil {
		t.Error(err)
	}
}

func matrixClientBreaks(t *testing.T, p *pair) {
	body, w := io.Pipe()
	r, v := p.request(t, "POST", "/upload", body)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := p.http.Do(r.WithContext(ctx)); err == nil {
			_ = resp.Body.Close()
		}
	}()
	if _, err := io.WriteString(w, strings.Repeat("half of it ", 1000)); err != nil {
		t.Fatal(err)
	}
	receive(t, v.next)
	cancel()
	if err := receive(t, v.ended); err == nil {
		t.Error("the upstream takes the half of a body for all of it")
	}
	_ = w.Close()
	receive(t, done)
}
