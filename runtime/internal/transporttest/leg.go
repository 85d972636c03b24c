package transporttest

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// newTransport makes a transport that lives as long as the test.
func newTransport(t testing.TB, e Engine, o wire.TransportOptions) Transport {
	t.Helper()
	tr, err := e.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// A leg is an exchange with an upstream.
type leg struct {
	*gateway.Exchange
	t      testing.TB
	parent *gateway.Exchange
	cancel context.CancelFunc
}

// newLeg makes a leg to ask url with. It ends with the test, or when end is called.
func newLeg(t testing.TB, method, url string) *leg {
	t.Helper()
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut("/"+path, "?")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	l := &leg{new(gateway.Exchange), t, new(gateway.Exchange), cancel}
	l.parent.SetContext(ctx)
	l.parent.Leg(l.Exchange)
	l.Request = gateway.Request{Method: method, Scheme: scheme, Host: host, Path: path, RawPath: path, RawQuery: query}
	return l
}

// end is what the engine of the client's side does at the end of the exchange.
func (l *leg) end() {
	if b := l.Response.Body; b != nil {
		_ = b.Close()
	}
	l.parent.Finish()
	l.cancel()
}

func (l *leg) serve(tr Transport) *leg {
	l.t.Helper()
	if err := tr.Serve(l.Exchange); err != nil {
		l.t.Fatal(err)
	}
	return l
}

// text is the body of the response.
func (l *leg) text() string {
	l.t.Helper()
	if l.Response.Body == nil {
		return string(l.Response.Bytes)
	}
	b, err := io.ReadAll(l.Response.Body)
	if err != nil {
		l.t.Fatalf("%v after %q", err, b)
	}
	return string(b)
}

// expect checks the response.
func (l *leg) expect(status int, body string) {
	l.t.Helper()
	if got := l.text(); l.Response.Status != status || got != body {
		l.t.Errorf("%s: got %d %q, want %d %q", l.Request.Method, l.Response.Status, got, status, body)
	}
}

// get asks for url and returns the response, its body read.
func get(t testing.TB, tr Transport, url string) (status int, body string) {
	t.Helper()
	l := newLeg(t, "GET", url)
	defer l.end()
	body = l.serve(tr).text()
	return l.Response.Status, body
}

// body is the body of a request that no transport can know to be in memory.
type body struct {
	io.Reader
	reads int
}

func (b *body) Read(p []byte) (int, error) { b.reads++; return b.Reader.Read(p) }
func (*body) Close() error                 { return nil }

func (l *leg) setBody(text string, length int64) *body {
	b := &body{Reader: strings.NewReader(text)}
	l.Request.Body, l.Request.ContentLength = b, length
	return b
}

// sorted is h by canonical names, those of one name in the order in which they came; nil if it's empty.
func sorted(h gateway.Header) (list gateway.Header) {
	for _, f := range h {
		list.Add(gateway.CanonicalName(f.Name), f.Value)
	}
	slices.SortStableFunc(list, func(a, b gateway.Field) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// fields makes a header of names and values in turn.
func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
