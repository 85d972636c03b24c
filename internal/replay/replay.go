package replay

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/internal/freeport"
)

// clients are those that speak the versions of HTTP that a script may name. They verify no certificates.
var clients = map[string]*http.Client{
	"":       newClient(newTransport(http1, http2)),
	"HTTP/2": newClient(newTransport(http2, unhttp2)),
	"HTTP/3": newClient(&http3.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}),
}

var (
	http1   = (*http.Protocols).SetHTTP1
	http2   = (*http.Protocols).SetHTTP2
	unhttp2 = (*http.Protocols).SetUnencryptedHTTP2
)

func newTransport(protocols ...func(*http.Protocols, bool)) *http.Transport {
	t := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	for _, set := range protocols {
		set(t.Protocols, true)
	}
	return t
}

// newClient returns a client that follows no redirects, keeps no cookies and adds no headers of its own.
func newClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     t,
	}
}

// Do sends the request of e and returns what isn't as expected.
func (e *Entry) Do() []error {
	req, err := http.NewRequest(e.Method, e.URL, strings.NewReader(e.Body))
	if err != nil {
		return []error{err}
	}
	for _, f := range e.Header {
		if strings.EqualFold(f[0], "Host") {
			req.Host = f[1]
			continue
		}
		req.Header.Add(f[0], f[1])
	}
	resp, err := clients[e.Proto].Do(req)
	if err != nil {
		return []error{err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return []error{err}
	}
	var errs []error
	if resp.StatusCode != e.Status {
		errs = append(errs, fmt.Errorf("status %d, not %d: %.300s", resp.StatusCode, e.Status, body))
	}
	for _, f := range e.Want {
		errs = append(errs, compareField(resp.Header, f[0], f[1])...)
	}
	got := strings.TrimRight(string(body), "\n")
	if e.ExactBody && got != e.WantBody {
		errs = append(errs, fmt.Errorf("body %q, not %q", got, e.WantBody))
	}
	for _, re := range e.Matches {
		if !re.Match(body) {
			errs = append(errs, fmt.Errorf("body doesn't match %s: %.300s", re, body))
		}
	}
	return errs
}

func compareField(h http.Header, name, want string) []error {
	values, ok := h[http.CanonicalHeaderKey(name)]
	got := strings.Join(values, ", ")
	pattern, isPattern := strings.CutPrefix(want, "~ ")
	switch {
	case want == "!":
		if ok {
			return []error{fmt.Errorf("header %s is %q, but must be absent", name, got)}
		}
	case !ok:
		return []error{fmt.Errorf("header %s is missing", name)}
	case isPattern:
		re, err := regexp.Compile(pattern)
		if err != nil {
			return []error{err}
		}
		if !re.MatchString(got) {
			return []error{fmt.Errorf("header %s is %q, which doesn't match %s", name, got, pattern)}
		}
	case got != want:
		return []error{fmt.Errorf("header %s is %q, not %q", name, got, want)}
	}
	return nil
}

var address = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// A Ports maps the addresses of an example to addresses that are free.
type Ports map[string]string

// Rewrite replaces each address on the loopback interface by a free one, always by the same.
func (p Ports) Rewrite(t testing.TB, text string) string {
	t.Helper()
	return address.ReplaceAllStringFunc(text, func(a string) string {
		if p[a] == "" {
			p[a] = freeport.Addr(t)
		}
		return p[a]
	})
}

// WaitFor waits until something listens on an address, or done is closed.
func WaitFor(addr string, timeout time.Duration, done <-chan struct{}) error {
	return waitFor(addr, timeout, done, func(time.Duration) error {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// WaitForQUIC is WaitFor for HTTP/3.
func WaitForQUIC(addr string, timeout time.Duration, done <-chan struct{}) error {
	return waitFor(addr, timeout, done, func(left time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), min(left, time.Second)) // it isn't told that nobody listens yet
		defer cancel()
		c, err := quic.DialAddr(ctx, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}}, nil)
		if err != nil {
			return err
		}
		return c.CloseWithError(0, "")
	})
}

func waitFor(addr string, timeout time.Duration, done <-chan struct{}, try func(left time.Duration) error) error {
	deadline := time.Now().Add(timeout)
	for {
		err := try(time.Until(deadline))
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("nobody listens on %s: %w", addr, err)
		}
		select {
		case <-done:
			return fmt.Errorf("the gateway has ended")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
