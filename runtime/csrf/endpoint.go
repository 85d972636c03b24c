package csrf

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Serve gives the client a token, as plain text, JSON or XML. One that it has and that is good is given again, unless
// IssueNew is set.
func (c *CSRF) Serve(x *gateway.Exchange) error {
	token, err := c.current(x)
	if err != nil {
		return err
	}
	if c.IssueNew || !c.tokens.valid(token) {
		token = c.tokens.issue()
	}
	if c.Keeper != nil {
		if err := c.Keeper.Keep(x, token); err != nil {
			return err
		}
	}
	accept, _ := x.Request.Header.Joined("Accept", ",")
	contentType, text := "text/plain; charset=utf-8", token
	switch {
	case strings.Contains(accept, "text/plain"):
	case strings.Contains(accept, "application/json"), strings.Contains(accept, "text/json"):
		contentType, text = "application/json; charset=utf-8", `{"token":"`+token+`"}`
	case strings.Contains(accept, "application/xml"), strings.Contains(accept, "text/xml"):
		contentType, text = "application/xml; charset=utf-8", "<token>"+token+"</token>"
	}
	r := &x.Response
	r.Status = 200
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Content-Type-Options", "nosniff")
	r.Header.Set("Cache-Control", "no-store")
	if x.Request.Method == "HEAD" {
		r.ContentLength = int64(len(text))
		return nil
	}
	r.Bytes = []byte(text)
	return nil
}

// current returns the token that the client has, "" if it has none.
func (c *CSRF) current(x *gateway.Exchange) (string, error) {
	if c.Keeper != nil {
		return c.Keeper.Token(x)
	}
	return x.Request.Header.Get(c.Header), nil
}

// A Cookie keeps tokens in a cookie of the client (double submit).
type Cookie struct {
	// Name is the name of the cookie; empty is "__csrfToken".
	Name string
	// Attributes are those of the cookie; nil is the path "/", only over TLS, and not for scripts.
	Attributes *cookie.Attributes
}

func (c Cookie) name() string {
	if c.Name == "" {
		return "__csrfToken"
	}
	return c.Name
}

// Token returns the value of the cookie.
func (c Cookie) Token(x *gateway.Exchange) (string, error) {
	value, _ := cookie.Get(x.Request.Header, c.name())
	return value, nil
}

// Keep sends the cookie.
func (c Cookie) Keep(x *gateway.Exchange, token string) error {
	a := c.Attributes
	if a == nil {
		a = &cookie.Attributes{Path: "/", Secure: true, HTTPOnly: true}
	}
	x.Response.Header.Add("Set-Cookie", cookie.Set(c.name(), token, a))
	return nil
}
