package backchannel

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A body notes that it has been closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

func TestDo(t *testing.T) {
	var got gateway.Request
	var sent string
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		got = leg.Request
		if got.Body != nil {
			b, err := io.ReadAll(got.Body)
			if err != nil {
				return err
			}
			sent = string(b)
		}
		leg.Response.Status = 203
		leg.Response.Header.Add("X-Y", "z")
		leg.Response.Bytes = []byte("known")
		return nil
	})
	resp, err := Do(t.Context(), transport, Request{Method: "POST", URL: "https://op.example:8443/a%2Fb?x=y", Header: gateway.Header{{Name: "A", Value: "b"}}, Body: []byte("form")})
	if err != nil || resp.Status != 203 || string(resp.Body) != "known" || resp.Header.Get("x-y") != "z" {
		t.Errorf("got %+v, %v", resp, err)
	}
	if got.Method != "POST" || got.Scheme != "https" || got.Host != "op.example:8443" || got.Path != "/a/b" || got.RawPath != "/a%2Fb" || got.RawQuery != "x=y" ||
		got.ContentLength != 4 || sent != "form" || got.Header.Get("A") != "b" {
		t.Errorf("sent %+v with %q", got, sent)
	}
	if _, err := Do(t.Context(), transport, Request{Method: "GET", URL: "http://op.example"}); err != nil || got.RawPath != "/" || got.Body != nil {
		t.Errorf("sent %+v, %v", got, err)
	}
}

func TestFailures(t *testing.T) {
	ok := Request{Method: "GET", URL: "https://op.example/?token=s3cret"}
	away := errors.New("no route")
	for name, tt := range map[string]struct {
		transport gateway.Handler
		r         Request
		want      string
	}{
		"no transport": {nil, ok, "there is nothing to send requests by"},
		"no URL":       {answering(strings.NewReader("")), Request{URL: "ftp://op.example"}, "the URL of the request isn't one of http or https with a host"},
		"no host":      {answering(strings.NewReader("")), Request{URL: "https:///x"}, "the URL of the request isn't one of http or https with a host"},
		"away":         {gateway.HandlerFunc(func(*gateway.Exchange) error { return away }), ok, "no route"},
		"cut off":      {answering(io.MultiReader(strings.NewReader("a"), failing{})), ok, "reading the answer of op.example: cut off"},
		"too long":     {answering(endless{}), ok, "reading the answer of op.example: the answer is longer than 1 MiB"},
	} {
		if _, err := Do(t.Context(), tt.transport, tt.r); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func answering(r io.Reader) gateway.Handler {
	return gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status, leg.Response.Body = 200, io.NopCloser(r)
		return nil
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut off") }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Nothing stays open, and the transport hears when nobody waits any more.
func TestCloses(t *testing.T) {
	b := &body{Reader: strings.NewReader("answer")}
	mine, theirs := net.Pipe()
	ended := false
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := Do(ctx, gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.OnDone(func(*gateway.Exchange) { ended = true })
		leg.Response.Body, leg.Response.Conn = b, mine
		cancel()
		if leg.Context().Err() == nil {
			t.Error("the transport doesn't hear that nobody waits")
		}
		return nil
	}), Request{URL: "https://op.example"})
	if err != nil || string(resp.Body) != "answer" || !b.closed || !ended {
		t.Errorf("got %v, %v; closed: %v, ended: %v", resp, err, b.closed, ended)
	}
	if _, err := theirs.Read(make([]byte, 1)); err == nil {
		t.Error("a connection that wasn't asked for is open")
	}
}
