package adapter_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange is one of a GET request, with an error handler that answers the status.
func exchange(edit ...func(x *gateway.Exchange)) *gateway.Exchange {
	x := new(gateway.Exchange)
	x.Request = gateway.Request{
		Method: "GET", Scheme: "http", Host: "example.com", Proto: "HTTP/1.1",
		Target: "/a%2Fb?q=1", Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "q=1",
		RemoteAddr: "192.0.2.1:1234",
	}
	x.Errors = plainErrors{}
	for _, f := range edit {
		f(x)
	}
	return x
}

func body(s string, length int64) func(x *gateway.Exchange) {
	return func(x *gateway.Exchange) {
		x.Request.Method = "POST"
		x.Request.Body = io.NopCloser(strings.NewReader(s))
		x.Request.ContentLength = length
	}
}

func field(name, value string) func(x *gateway.Exchange) {
	return func(x *gateway.Exchange) { x.Request.Header.Add(name, value) }
}

func contextOf(ctx context.Context) func(x *gateway.Exchange) {
	return func(x *gateway.Exchange) { x.SetContext(ctx) }
}

type plainErrors struct{}

func (plainErrors) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status = gateway.StatusOf(err)
	x.Response.Bytes = []byte(err.Error())
	x.Response.ContentLength = 0
	x.Response.Header.Set("Content-Type", "text/plain")
}

// An answer is what an engine would have sent.
type answer struct {
	Status        int
	Header        gateway.Header
	Body          string
	ContentLength int64
	Trailer       gateway.Header
}

// run does what an engine does, but for sending.
func run(t *testing.T, h gateway.Handler, x *gateway.Exchange) (answer, error) {
	t.Helper()
	defer x.Finish()
	if err := h.Serve(x); err != nil {
		return answer{}, err
	}
	r := &x.Response
	a := answer{Status: r.Status, Header: r.Header, Body: string(r.Bytes), ContentLength: int64(len(r.Bytes))}
	if r.Body == nil {
		return a, nil
	}
	b, err := io.ReadAll(r.Body)
	if e := r.Body.Close(); err == nil {
		err = e
	}
	a.Body, a.ContentLength = string(b), r.ContentLength
	if r.Trailer != nil {
		a.Trailer = r.Trailer()
	}
	return a, err
}

// fields makes a header of names and values.
func fields(pairs ...string) gateway.Header {
	h := gateway.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// panicOf runs f and returns what it panics with.
func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func handler(f func(w http.ResponseWriter, r *http.Request)) http.Handler { return http.HandlerFunc(f) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
