package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// CookieSpec are the attributes of a cookie.
type CookieSpec struct {
	// Name is the name of the cookie, where nothing else gives it one.
	Name string `json:"name"`
	// Value is the value of the cookie, where nothing else gives it one.
	Value string `json:"value"`
	// Path is the path, and what lies below it, that browsers send the cookie to. Empty leaves it to them: the folder of the request.
	Path string `json:"path" pattern:"^(/[!-:<-~]*)?$"`
	// Domain is the domain that browsers send the cookie to, with all that belongs to it. Empty is the host of the request alone.
	Domain string `json:"domain" pattern:"^[0-9a-zA-Z.-]*$"`
	// ExpiresIn is in how many seconds the cookie expires, by the attribute Expires. 0 is when the browser ends.
	ExpiresIn int32 `json:"expiresIn"`
	// MaxAge is the same by the attribute Max-Age, which takes precedence. A negative number deletes the cookie at once.
	MaxAge int32 `json:"maxAge"`
	// Secure has browsers send the cookie over TLS only.
	Secure bool `json:"secure"`
	// HTTPOnly keeps the cookie from scripts.
	HTTPOnly bool `json:"httpOnly" alt:"HTTPOnly"`
	// SameSite says with which requests that other sites cause the cookie is sent: Lax with the following of links, Strict with none, None with all, and Default as the browser likes it.
	SameSite SameSite `json:"sameSite"`
}

// SameSite is a value of the attribute SameSite.
type SameSite string

// Values lists the values in the order of their numbers.
func (SameSite) Values() []string {
	return []string{"SameSiteUnknown", "Default", "Lax", "Strict", "None"}
}

// check reports attributes that browsers refuse, and fields that something else decides. secret means that who has the cookie has what it stands for.
func (s *CookieSpec) check(c *Check, secret bool) {
	if s == nil {
		return
	}
	for _, f := range []struct {
		name string
		p    *string
	}{{"name", &s.Name}, {"value", &s.Value}} {
		if isSet(c, f.p) {
			c.Warnf(f.p, diag.NoEffect, "%s has no effect here", f.name)
		}
	}
	insecure := !s.Secure && !c.Deferred(&s.Secure)
	switch {
	case insecure && s.SameSite == "None":
		c.Warnf(&s.SameSite, diag.NoEffect, "browsers refuse cookies with sameSite None that aren't secure")
	case insecure && secret:
		c.Warnf(s, diag.Insecure, "without secure the cookie can be read by whoever sees a request without TLS; set it")
	}
	if secret && !s.HTTPOnly && !c.Deferred(&s.HTTPOnly) {
		c.Warnf(s, diag.Insecure, "without httpOnly any script in a page can read the cookie; set it")
	}
}

// lower returns a *cookie.Attributes, or nil.
func (s *CookieSpec) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	var sameSite ir.Expr
	switch s.SameSite {
	case "Lax", "Strict", "None":
		sameSite = ir.Runtime("cookie.SameSite" + string(s.SameSite))
	}
	l.String(&s.Name) // which nothing is made of
	l.String(&s.Value)
	return ir.Struct{Type: ir.Runtime("cookie.Attributes"), Pointer: true, Fields: []ir.Field{
		ir.Set("Path", l.String(&s.Path)),
		ir.Set("Domain", l.String(&s.Domain)),
		ir.Set("ExpiresIn", l.Seconds(&s.ExpiresIn)),
		ir.Set("MaxAge", l.Seconds(&s.MaxAge)),
		ir.Set("Secure", l.Bool(&s.Secure)),
		ir.Set("HTTPOnly", l.Bool(&s.HTTPOnly)),
		ir.Set("SameSite", sameSite),
	}}
}
