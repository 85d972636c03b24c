package gunzip_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/gunzip"
	"github.com/aileron-gateway/aileronc/runtime/transport"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

// An outcome is what one sees of an exchange with an upstream.
type outcome struct {
	Asked   string // the Accept-Encoding that the upstream got
	Left    string // that of the request when it is over
	Status  int
	Length  int64
	Header  gateway.Header
	Body    string
	Err     string
	Trailer gateway.Header
}

// newTransport returns the transport of net/http.
func newTransport(t *testing.T, disableCompression bool) *transport.Transport {
	t.Helper()
	tr, err := transport.HTTP1(transport.HTTPOptions{DisableCompression: disableCompression})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// newWire returns the transport that doesn't decode.
func newWire(t *testing.T) *wire.Transport {
	t.Helper()
	tr, err := wire.NewTransport(wire.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// ask sends a request by h and reads the response.
func ask(t *testing.T, h gateway.Handler, addr, method string, header gateway.Header) outcome {
	t.Helper()
	leg := new(gateway.Exchange)
	leg.Request = gateway.Request{Method: method, Scheme: "http", Host: addr, Path: "/", RawPath: "/", Header: header}
	if err := h.Serve(leg); err != nil {
		t.Fatal(err)
	}
	defer leg.Finish()
	r := &leg.Response
	o := outcome{Asked: r.Header.Get("Asked"), Left: leg.Request.Header.Get("Accept-Encoding"), Status: r.Status, Length: r.ContentLength}
	for _, f := range r.Header {
		if f.Name != "Asked" && f.Name != "Date" {
			o.Header = append(o.Header, f)
		}
	}
	o.Body = string(r.Bytes)
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if o.Body = string(b); err != nil {
			o.Err = err.Error()
			if e, ok := errors.AsType[*gateway.UpstreamError](err); ok {
				o.Err = e.Err.Error() // who decodes can't name the upstream
			}
		}
		if r.Trailer != nil {
			o.Trailer = r.Trailer()
		}
		_ = r.Body.Close()
	}
	return o
}

// TestLikeNetHTTP holds that all is as with the transport of net/http when it decodes by itself.
func TestLikeNetHTTP(t *testing.T) {
	long := strings.Repeat("all work and no play ", 10_000)
	whole := gzipped(long)
	wrongSum := bytes.Clone(whole)
	wrongSum[len(wrongSum)-8]++
	answer := func(b []byte, fields ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(fields); i += 2 {
				w.Header().Add(fields[i], fields[i+1])
			}
			_, _ = w.Write(b)
		}
	}
	const coding = "Content-Encoding"
	for _, tt := range []struct {
		name, method string
		header       gateway.Header
		answer       http.HandlerFunc
	}{
		{name: "gzip", answer: answer(gzipped("hello"), coding, "gzip", "Etag", `"1"`, "Vary", "Accept-Encoding")},
		{name: "gzip, its length known", answer: answer(whole, coding, "gzip", "Content-Length", strconv.Itoa(len(whole)))},
		{name: "gzip in upper case", answer: answer(whole, coding, "GZIP")},
		{name: "two members", answer: answer(append(gzipped("one"), gzipped("two")...), coding, "gzip")},
		{name: "POST", method: "POST", answer: answer(whole, coding, "gzip")},
		{name: "no coding", answer: answer([]byte("hello"))},
		{name: "another coding", answer: answer([]byte("hello"), coding, "br")},
		{name: "two codings", answer: answer(whole, coding, "gzip, gzip")},
		{name: "the old name", answer: answer(whole, coding, "x-gzip")},
		{name: "the client asks for gzip", header: gateway.Header{{Name: "Accept-Encoding", Value: "gzip"}}, answer: answer(whole, coding, "gzip")},
		{name: "the client asks for something else", header: gateway.Header{{Name: "accept-encoding", Value: "br"}}, answer: answer(whole, coding, "gzip")},
		{name: "a range", header: gateway.Header{{Name: "Range", Value: "bytes=0-9"}}, answer: answer(whole, coding, "gzip")},
		{name: "HEAD", method: "HEAD", answer: answer(whole, coding, "gzip", "Content-Length", "77")},
		{name: "an empty body", answer: answer(nil, coding, "gzip")},
		{name: "304", answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(coding, "gzip")
			w.WriteHeader(http.StatusNotModified)
		}},
		{name: "204", answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(coding, "gzip")
			w.WriteHeader(http.StatusNoContent)
		}},
		{name: "nothing, its length unknown", answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(coding, "gzip")
			_ = http.NewResponseController(w).Flush()
		}},
		{name: "trailers", answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(coding, "gzip")
			w.Header().Set("Trailer", "X-Sum")
			_, _ = w.Write(whole)
			w.Header().Set("X-Sum", "1")
		}},
		{name: "not gzip at all", answer: answer([]byte("hello, this is no gzip"), coding, "gzip")},
		{name: "less than the head of a member", answer: answer(whole[:5], coding, "gzip")},
		{name: "less than a member", answer: answer(whole[:len(whole)/2], coding, "gzip")},
		{name: "more than members", answer: answer(append(bytes.Clone(whole), "and so on and on"...), coding, "gzip")},
		{name: "a wrong checksum", answer: answer(wrongSum, coding, "gzip")},
		{name: "the upstream breaks off", answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(coding, "gzip")
			_, _ = w.Write(whole[:len(whole)-20])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Asked", fmt.Sprint(r.Header["Accept-Encoding"]))
				tt.answer(w, r)
			}))
			defer s.Close()
			method := "GET"
			if tt.method != "" {
				method = tt.method
			}
			addr := s.Listener.Addr().String()
			want := ask(t, newTransport(t, false), addr, method, tt.header)
			got := ask(t, gunzip.New()(newTransport(t, true)), addr, method, tt.header)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("not as net/http does it (-want +got)\n%s", d)
			}
			got = ask(t, gunzip.New()(newWire(t)), addr, method, tt.header)
			same := got.Asked == want.Asked && got.Left == want.Left && got.Status == want.Status && got.Length == want.Length && got.Body == want.Body &&
				(got.Err == "") == (want.Err == "") && got.Header.Get(coding) == want.Header.Get(coding) && got.Trailer.Get("X-Sum") == want.Trailer.Get("X-Sum")
			if !same {
				t.Errorf("not as net/http does it, around the other transport (-want +got)\n%s", cmp.Diff(want, got))
			}
		})
	}
}

// TestUnlikeNetHTTP holds what net/http gets wrong.
func TestUnlikeNetHTTP(t *testing.T) {
	whole := gzipped("hello")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Asked", fmt.Sprint(r.Header["Accept-Encoding"]))
		w.Header()["Content-Encoding"] = []string{"gzip", "gzip"}
		_, _ = w.Write(whole)
	}))
	defer s.Close()
	h := gunzip.New()(newTransport(t, true))
	if o := ask(t, h, s.Listener.Addr().String(), "GET", nil); o.Body != string(whole) || len(o.Header) < 2 || o.Asked != "[gzip]" {
		t.Errorf("two codings in two fields: %+v", o)
	}
	if o := ask(t, h, s.Listener.Addr().String(), "GET", gateway.Header{{Name: "Accept-Encoding"}}); o.Asked != "[]" {
		t.Errorf("the client wants no coding: %+v", o)
	}
}

func TestUnless(t *testing.T) {
	for _, disabled := range []bool{true, false} {
		var asked bool
		h := gunzip.Unless(disabled)(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
			asked = leg.Request.Header.Has("Accept-Encoding")
			return nil
		}))
		if err := h.Serve(new(gateway.Exchange)); err != nil || asked == disabled {
			t.Errorf("disabled %t: asked for gzip %t, %v", disabled, asked, err)
		}
	}
}

// TestBytes decodes a body that the transport has read already.
func TestBytes(t *testing.T) {
	h := gunzip.New()(answering(func(r *gateway.Response) { r.Bytes = gzipped("hello") }))
	leg := new(gateway.Exchange)
	if err := h.Serve(leg); err != nil {
		t.Fatal(err)
	}
	r := &leg.Response
	if b, err := io.ReadAll(r.Body); string(b) != "hello" || err != nil || r.ContentLength != -1 || r.Bytes != nil || len(r.Header) != 0 {
		t.Errorf("%q, %v of %+v", b, err, r)
	}
}

// answering is a transport whose responses are in gzip.
func answering(fill func(*gateway.Response)) gateway.HandlerFunc {
	return func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		leg.Response.Header.Set("Content-Encoding", "gzip")
		fill(&leg.Response)
		return nil
	}
}

func TestErrorsPass(t *testing.T) {
	broken := errors.New("broken")
	h := gunzip.New()(gateway.HandlerFunc(func(*gateway.Exchange) error { return broken }))
	leg := new(gateway.Exchange)
	if err := h.Serve(leg); err != broken || len(leg.Request.Header) != 0 {
		t.Errorf("%v, and the request has %v", err, leg.Request.Header)
	}
}

// TestClose holds that an interrupted read gives nothing away that is still in use: the pool
// would give it to two bodies.
func TestClose(t *testing.T) {
	ours, theirs := net.Pipe()
	h := gunzip.New()(answering(func(r *gateway.Response) { r.Body, r.ContentLength = ours, -1 }))
	leg := new(gateway.Exchange)
	if err := h.Serve(leg); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, leg.Response.Body)
		read <- err
	}()
	if _, err := theirs.Write(gzipped("hello")[:15]); err != nil { // returns when it has been read
		t.Fatal(err)
	}
	if err := leg.Response.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; err == nil {
		t.Error("a closed body has a whole content")
	}
	if n, err := leg.Response.Body.Read(make([]byte, 1)); n > 0 || err == nil || err == io.EOF {
		t.Errorf("reading a closed body: %d, %v", n, err)
	}
	_ = theirs.Close()
}
