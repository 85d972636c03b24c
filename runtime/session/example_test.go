package session_test

import (
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

func Example() {
	sessions, err := session.New(session.Options{CookieName: "sid"})
	if err != nil {
		panic(err)
	}
	h := sessions(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		s, err := session.Of(x)
		if err != nil {
			return err
		}
		last, _ := s.Get("last page")
		fmt.Printf("new: %t, last page: %q\n", s.IsNew(), last)
		s.Set("last page", []byte(x.Request.Path))
		return nil
	}))

	x := new(gateway.Exchange)
	x.Request.Path = "/a"
	_ = h.Serve(x)
	cookie := x.Response.Header.Get("Set-Cookie")

	x.Reset()
	x.Request.Path = "/b"
	x.Request.Header.Add("Cookie", cookie[:len(cookie)-len("; Path=/; HttpOnly; Secure")])
	_ = h.Serve(x)
	// Output:
	// new: true, last page: ""
	// new: false, last page: "/a"
}
