package adapter_test

import (
	"fmt"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func ExampleMiddleware() {
	noSniff := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Content-Type-Options", "nosniff")
			next.ServeHTTP(w, r)
		})
	}
	hello := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Bytes = []byte("hello")
		return nil
	})

	x := new(gateway.Exchange)
	err := adapter.Middleware(noSniff)(hello).Serve(x)
	fmt.Println(err, x.Response.Status, x.Response.Header, string(x.Response.Bytes))
	// Output: <nil> 200 [{X-Content-Type-Options nosniff}] hello
}

func ExampleHandler() {
	h := adapter.Handler(http.RedirectHandler("/new", http.StatusFound))

	x := new(gateway.Exchange)
	x.Request.Method = "GET"
	err := h.Serve(x)
	fmt.Println(err, x.Response.Status, x.Response.Header.Get("Location"))
	// Output: <nil> 302 /new
}

func ExampleRoundTripper() {
	h := adapter.RoundTripper(http.NewFileTransport(http.Dir("testdata")))

	x, leg := new(gateway.Exchange), new(gateway.Exchange)
	x.Leg(leg)
	leg.Request = gateway.Request{Method: "GET", Scheme: "http", Host: "upstream", Path: "/none"}
	err := h.Serve(leg)
	fmt.Println(err, leg.Response.Status)
	leg.Response.Body.Close()
	x.Finish()
	// Output: <nil> 404
}

func ExampleTripperware() {
	sign := func(next http.RoundTripper) http.RoundTripper {
		return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Signature of "+r.URL.Path)
			return next.RoundTrip(r)
		})
	}
	upstream := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		fmt.Println(leg.Request.Header)
		leg.Response.Status = 204
		return nil
	})

	x, leg := new(gateway.Exchange), new(gateway.Exchange)
	x.Leg(leg)
	leg.Request = gateway.Request{Method: "GET", Scheme: "http", Host: "upstream", Path: "/a"}
	err := adapter.Tripperware(sign)(upstream).Serve(leg)
	fmt.Println(err, leg.Response.Status)
	// Output:
	// [{Authorization Signature of /a}]
	// <nil> 204
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
