package adapter_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A proxy keeps the memory of the header that it finds in an exchange for its next leg. Nobody
// else may have it.
func TestHeaderMemoryIsNotShared(t *testing.T) {
	var kept []gateway.Header
	x := exchange()
	x.Response.Header = make(gateway.Header, 0, 8)
	proxy := serve(func(x *gateway.Exchange) error {
		kept = append(kept, x.Response.Header[:0])
		x.Response = gateway.Response{Status: 200}
		return nil
	})
	kept = append(kept, x.Response.Header)
	twice := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			next.ServeHTTP(w, r)
		})
	}
	_, err := run(t, adapter.Middleware(twice)(proxy), x)
	must(t, err)
	for i := range kept {
		kept[i] = append(kept[i], gateway.Field{Name: string(rune('A' + i))})
	}
	for i := range kept {
		if want := string(rune('A' + i)); kept[i][0].Name != want {
			t.Errorf("memory %d is that of another: %q", i, kept[i][0].Name)
		}
	}
}

// Whatever the pieces that a handler writes, all of them arrive.
func TestPieces(t *testing.T) {
	for _, sizes := range [][]int{{4095, 1, 1}, {4096}, {4096, 1}, {4096, 4096, 5}, {1, 4096, 1}, {4097, 1}, {10000, 4096, 4095, 1}, {4095, 4096, 2}} {
		want := ""
		h := handler(func(w http.ResponseWriter, r *http.Request) {
			for i, n := range sizes {
				_, _ = io.WriteString(w, strings.Repeat(string(rune('a'+i)), n))
			}
		})
		for i, n := range sizes {
			want += strings.Repeat(string(rune('a'+i)), n)
		}
		x := exchange()
		a, err := run(t, adapter.Handler(h), x)
		must(t, err)
		if a.Body != want {
			t.Errorf("%v: %d bytes", sizes, len(a.Body))
		}
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A transport that has given up may still read a response.
func TestLateInterim(t *testing.T) {
	var late *httptrace.ClientTrace
	rt := adapter.RoundTripper(tripper(func(r *http.Request) (*http.Response, error) {
		late = httptrace.ContextClientTrace(r.Context())
		if err := late.Got1xxResponse(103, nil); err != nil {
			t.Error(err)
		}
		return nil, errors.New("given up")
	}))
	interims := 0
	leg, finish := newLeg("a", func(x *gateway.Exchange) {
		x.Interim = func(int, gateway.Header) error { interims++; return nil }
	})
	defer finish()
	if err := rt.Serve(leg); err == nil {
		t.Error("no error")
	}
	if err := late.Got1xxResponse(103, nil); err == nil || interims != 1 {
		t.Errorf("%d informational responses, %v", interims, err)
	}
}
