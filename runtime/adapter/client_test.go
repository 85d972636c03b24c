package adapter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// newLeg is a leg of an exchange to host, and the function that ends the exchange.
func newLeg(host string, edit ...func(x *gateway.Exchange)) (leg *gateway.Exchange, finish func()) {
	x := exchange()
	leg = new(gateway.Exchange)
	x.Leg(leg)
	leg.Request = gateway.Request{
		Method: "GET", Scheme: "http", Host: host, Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "q=1",
	}
	for _, f := range edit {
		f(leg)
	}
	return leg, x.Finish
}

func roundTrip(t *testing.T, h gateway.Handler, leg *gateway.Exchange) answer {
	t.Helper()
	a, err := run(t, h, leg)
	must(t, err)
	a.Header.Del("Date")
	return a
}

func TestRoundTripper(t *testing.T) {
	up := httptest.NewServer(handler(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		w.Header().Del("Link")
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("Content-Type", "a/b")
		_, _ = io.WriteString(w, strings.Join([]string{
			r.Method, r.RequestURI, r.UserAgent(), r.Header.Get("X-A"), string(b), r.Trailer.Get("X-Req"),
		}, " "))
		w.Header().Set("X-Sum", "1")
	}))
	defer up.Close()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	interim := 0
	leg, finish := newLeg(up.Listener.Addr().String(), body("abc", -1), field("x-a", "1"), field("Trailer", "X-Req"),
		func(x *gateway.Exchange) {
			x.Request.Trailer = func() gateway.Header { return fields("X-Req", "t") }
			x.Interim = func(status int, h gateway.Header) error {
				interim = status
				if h.Get("Link") == "" {
					t.Error("no Link in the informational response")
				}
				return nil
			}
		})
	defer finish()
	want := answer{
		Status: 200, Body: "POST /a%2Fb?q=1  1 abc t", ContentLength: -1,
		Header:  fields("Content-Type", "a/b", "Trailer", "X-Sum"),
		Trailer: fields("X-Sum", "1"),
	}
	if d := cmp.Diff(want, roundTrip(t, adapter.RoundTripper(transport), leg)); d != "" {
		t.Error(d)
	}
	if interim != 103 {
		t.Errorf("informational response %d", interim)
	}
}

func TestRoundTripperError(t *testing.T) {
	broken := errors.New("broken")
	leg, finish := newLeg("a.example")
	defer finish()
	err := adapter.RoundTripper(tripperFunc(func(*http.Request) (*http.Response, error) { return nil, broken })).Serve(leg)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type tripperFunc func(*http.Request) (*http.Response, error)

func (f tripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// upstream answers like a transport.
var upstream = serve(func(leg *gateway.Exchange) error {
	q := &leg.Request
	b := []byte("none")
	if q.Body != nil {
		b, _ = io.ReadAll(q.Body)
	}
	leg.Response = gateway.Response{
		Status: 200, Header: fields("x-seen", q.Method+" "+q.Host+q.RawPath+" "+q.Header.Get("X-A")), Bytes: b,
	}
	return nil
})

func TestTripperware(t *testing.T) {
	type ctxKey struct{}
	sign := func(next http.RoundTripper) http.RoundTripper {
		return tripperFunc(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(context.WithValue(r.Context(), ctxKey{}, "v"))
			r.Header.Set("X-A", "signed")
			r.URL.Host = "b.example"
			resp, err := next.RoundTrip(r)
			if err == nil {
				resp.Header.Set("X-Signed", "1")
			}
			return resp, err
		})
	}
	retry := func(next http.RoundTripper) http.RoundTripper {
		return tripperFunc(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			for range 2 {
				r.Body = io.NopCloser(bytes.NewReader(b))
				resp, err := next.RoundTrip(r)
				must(t, err)
				_ = resp.Body.Close()
			}
			r.Body = io.NopCloser(bytes.NewReader(b))
			return next.RoundTrip(r)
		})
	}
	calls, done := 0, 0
	count := func(next gateway.Handler) gateway.Handler {
		return serve(func(leg *gateway.Exchange) error {
			calls++
			leg.OnDone(func(*gateway.Exchange) { done++ })
			if leg.Context().Value(ctxKey{}) != "v" || leg.Parent == nil || leg.Parent.Parent != nil {
				t.Error("another leg than expected")
			}
			return next.Serve(leg)
		})
	}
	leg, finish := newLeg("a.example", body("abc", 3))
	before := leg.Request
	h := adapter.Tripperware(sign)(adapter.Tripperware(retry)(serve(count(upstream).Serve)))
	want := answer{
		Status: 200, Body: "abc", ContentLength: 3,
		Header: fields("x-seen", "POST b.example/a%2Fb signed", "X-Signed", "1"),
	}
	if d := cmp.Diff(want, roundTrip(t, h, leg)); d != "" {
		t.Error(d)
	}
	if leg.Request.Host != before.Host || len(leg.Request.Header) != 0 {
		t.Errorf("the leg further out has changed: %v", leg.Request)
	}
	finish()
	if calls != 3 || done != 3 {
		t.Errorf("%d calls, %d done", calls, done)
	}
}

func TestTripperwareStream(t *testing.T) {
	next := serve(func(leg *gateway.Exchange) error {
		leg.Response = gateway.Response{
			Status: 200, Header: fields("B", "1", "A", "2", "Trailer", "X-Sum"), ContentLength: -1,
			Body:    io.NopCloser(strings.NewReader("stream")),
			Trailer: func() gateway.Header { return fields("X-Sum", "1", "X-More", "2") },
		}
		return nil
	})
	leg, finish := newLeg("a.example")
	defer finish()
	same := func(next http.RoundTripper) http.RoundTripper { return next }
	want := answer{
		Status: 200, Body: "stream", ContentLength: -1,
		Header:  fields("B", "1", "A", "2", "Trailer", "X-Sum"),
		Trailer: fields("X-More", "2", "X-Sum", "1"),
	}
	if d := cmp.Diff(want, roundTrip(t, adapter.Tripperware(same)(next), leg)); d != "" {
		t.Error(d)
	}
}

func TestTripperwareErrors(t *testing.T) {
	refused := &gateway.Error{Status: 503, Message: "no upstream"}
	leg, finish := newLeg("a.example")
	defer finish()
	same := func(next http.RoundTripper) http.RoundTripper { return next }
	err := adapter.Tripperware(same)(serve(func(*gateway.Exchange) error { return refused })).Serve(leg)
	if e, ok := gateway.AsError(err); !ok || e != refused {
		t.Errorf("got %v", err)
	}
	foreign := func(next http.RoundTripper) http.RoundTripper {
		return tripperFunc(func(r *http.Request) (*http.Response, error) {
			return next.RoundTrip(r.WithContext(context.Background()))
		})
	}
	if err := adapter.Tripperware(foreign)(upstream).Serve(leg); err == nil {
		t.Error("a request of unknown origin was sent")
	}
}

func TestTripperwareUpgrade(t *testing.T) {
	a, b := newConns()
	leg, finish := newLeg("a.example")
	defer finish()
	same := func(next http.RoundTripper) http.RoundTripper { return next }
	must(t, adapter.Tripperware(same)(serve(func(leg *gateway.Exchange) error {
		leg.Response = gateway.Response{Status: 101, Conn: a}
		return nil
	})).Serve(leg))
	if leg.Response.Conn != io.ReadWriteCloser(a) || leg.Response.Body != nil {
		t.Errorf("got %+v", leg.Response)
	}
	_ = b.Close()
}

func TestHeaderAndFields(t *testing.T) {
	h := fields("b", "1", "A", "2", "B", "3")
	m := adapter.Header(h)
	if d := cmp.Diff(http.Header{"A": {"2"}, "B": {"1", "3"}}, m); d != "" {
		t.Error(d)
	}
	for name, tt := range map[string]struct {
		edit func(m http.Header)
		want gateway.Header
	}{
		"unchanged":    {func(http.Header) {}, fields("b", "1", "A", "2", "B", "3")},
		"one less":     {func(m http.Header) { m.Set("B", "x") }, fields("b", "x", "A", "2")},
		"one more":     {func(m http.Header) { m.Add("A", "x") }, fields("b", "1", "A", "2", "A", "x", "B", "3")},
		"gone":         {func(m http.Header) { m.Del("B") }, fields("A", "2")},
		"new":          {func(m http.Header) { m["Z"], m["C"] = []string{"1"}, []string{"2"} }, fields("b", "1", "A", "2", "B", "3", "C", "2", "Z", "1")},
		"odd spelling": {func(m http.Header) { m["b"] = []string{"x"} }, fields("b", "1", "A", "2", "B", "3", "b", "x")},
	} {
		t.Run(name, func(t *testing.T) {
			m := adapter.Header(h)
			tt.edit(m)
			if d := cmp.Diff(tt.want, adapter.Fields(m, h)); d != "" {
				t.Error(d)
			}
		})
	}
}
