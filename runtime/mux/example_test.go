package mux_test

import (
	"fmt"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/mux"
)

// shop is a router as the compiler emits it.
type shop struct{ item, site gateway.Handler }

func (r *shop) Serve(x *gateway.Exchange) error { return mux.Serve(x, r) }

func (r *shop) Route(x *gateway.Exchange, path string) gateway.Handler {
	if rest, ok := strings.CutPrefix(path, "/item/"); ok && mux.IsSegment(rest) {
		if x.Request.Method != "GET" {
			return mux.Allow("GET")
		}
		mux.Param(x, "id", rest)
		return r.item
	}
	return r.site
}

func Example() {
	router := &shop{
		item: gateway.HandlerFunc(func(x *gateway.Exchange) error {
			fmt.Println("item", x.Request.Param("id"))
			return nil
		}),
		site: gateway.HandlerFunc(func(x *gateway.Exchange) error {
			fmt.Println("site", x.Request.RawPath)
			return nil
		}),
	}
	for _, request := range []string{"GET /item/hat%2Fblue", "POST /item/hat", "GET /about", "GET /shop//item"} {
		x := &gateway.Exchange{}
		x.Request.Method, x.Request.Path, _ = strings.Cut(request, " ")
		x.Request.RawPath = x.Request.Path
		if err := router.Serve(x); err != nil {
			fmt.Println(err)
		}
		if x.Response.Status == 307 {
			fmt.Println("redirect to", x.Response.Header.Get("Location"))
		}
	}
	// Output:
	// item hat/blue
	// E2131.CoreServerNotFound method POST not allowed for /item/hat
	// site /about
	// redirect to /shop/item
}
