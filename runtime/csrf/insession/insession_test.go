package insession_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/csrf"
	"github.com/aileron-gateway/aileronc/runtime/csrf/insession"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

func setUp(t testing.TB) (*csrf.CSRF, gateway.Middleware) {
	t.Helper()
	c, err := csrf.New(csrf.Options{Keeper: insession.Keeper{}, Source: csrf.FromHeader("X-T")})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c, sessions
}

var ok = gateway.HandlerFunc(func(x *gateway.Exchange) error { x.Response.Status = 200; return nil })

// TestKeeper goes through the life of a token as a browser does it.
func TestKeeper(t *testing.T) {
	c, sessions := setUp(t)
	endpoint, guarded := sessions(c), sessions(c.Middleware(ok))
	get := func(cookie string) (token, set string) {
		t.Helper()
		x := &gateway.Exchange{}
		if x.Request.Method = "GET"; cookie != "" {
			x.Request.Header.Add("Cookie", cookie)
		}
		if err := endpoint.Serve(x); err != nil {
			t.Fatal(err)
		}
		set, _, _ = strings.Cut(x.Response.Header.Get("Set-Cookie"), ";")
		return string(x.Response.Bytes), set
	}
	token, cookie := get("")
	if again, set := get(cookie); again != token || set != "" {
		t.Errorf("the next token is %s, with the cookie %q; want %s", again, set, token)
	}
	stranger, strangers := get("")
	for name, tt := range map[string]struct {
		cookie, token string
		want          int
	}{
		"same":                   {cookie, token, 200},
		"another client's":       {cookie, stranger, 403},
		"another client":         {strangers, token, 403},
		"nothing is brought":     {cookie, "", 403},
		"no session has a token": {"", token, 403},
	} {
		x := &gateway.Exchange{}
		x.Request.Method = "POST"
		x.Request.Header.Add("Cookie", tt.cookie)
		x.Request.Header.Add("X-T", tt.token)
		err := guarded.Serve(x)
		status := x.Response.Status
		if err != nil {
			status = gateway.StatusOf(err)
		}
		if status != tt.want {
			t.Errorf("%s: %d, %v, want %d", name, status, err, tt.want)
		}
	}
}

func TestWithoutSession(t *testing.T) {
	c, _ := setUp(t)
	x := &gateway.Exchange{}
	x.Request.Method = "POST"
	x.Request.Header.Add("X-T", "x")
	for _, err := range []error{c.Middleware(ok).Serve(x), c.Serve(x), insession.Keeper{}.Keep(x, "x")} {
		if e, ok := gateway.AsError(err); !ok || e.Status != 500 || e.Code != "E3210" {
			t.Error(err)
		}
	}
}

func Example() {
	c, err := csrf.New(csrf.Options{Keeper: insession.Keeper{}, Source: csrf.FromHeader("X-CSRF-Token")})
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := session.New(session.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := sessions(c.Middleware(ok))
	x := &gateway.Exchange{}
	x.Request.Method = "POST"
	x.Request.Header.Add("X-CSRF-Token", "guessed")
	fmt.Println(h.Serve(x))
	// Output: E3209.AppMiddleCSRFToken no token has been given to the client
}
