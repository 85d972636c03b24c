package transport_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/transport"
)

func Example() {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s with X-Api %s", r.Method, r.RequestURI, r.Header.Get("X-Api"))
	}))
	defer upstream.Close()

	t, err := transport.HTTP1(transport.HTTPOptions{
		ResponseHeaderTimeout: 5 * time.Second,
		Dial:                  dial.Options{Timeout: time.Second},
	})
	if err != nil {
		panic(err)
	}
	defer t.Close()

	leg := new(gateway.Exchange)
	leg.Request = gateway.Request{
		Method: "GET", Scheme: "http", Host: strings.TrimPrefix(upstream.URL, "http://"),
		Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "q=1",
		Header: gateway.Header{{Name: "X-Api", Value: "2"}},
	}
	if err := t.Serve(leg); err != nil {
		panic(err)
	}
	defer leg.Response.Body.Close()
	body, _ := io.ReadAll(leg.Response.Body)
	fmt.Println(leg.Response.Status, string(body))
	// Output: 200 GET /a%2Fb?q=1 with X-Api 2
}
