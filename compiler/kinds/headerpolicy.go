package kinds

import (
	"mime"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var headerPolicyMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "HeaderPolicyMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New:        func() Spec { return &HeaderPolicyMiddlewareSpec{} },
}

// HeaderPolicyMiddlewareSpec is the spec of a HeaderPolicyMiddleware, which keeps, removes, adds and rewrites the
// headers of requests and responses, and refuses requests by their media type and
// declared length.
//
// Unlike in AILERON Gateway, several rewrites of one header run one after the other, and
// the response policy holds for all responses, also for those to refused requests.
type HeaderPolicyMiddlewareSpec struct {
	// AllowMIMEs are the media types that requests may have, without parameters. If there are any, other requests are refused with 415, also those without a Content-Type.
	AllowMIMEs []string `json:"allowMIMEs"`
	// MaxContentLength is the longest declared body, in bytes. Longer ones are refused with 413, bodies of unknown length with 411. 0 is no limit, and so is a negative value.
	MaxContentLength int64 `json:"maxContentLength"`
	// RequestPolicy is applied to the headers of requests.
	RequestPolicy *HeaderPolicySpec `json:"requestPolicy"`
	// ResponsePolicy is applied to the headers of responses.
	ResponsePolicy *HeaderPolicySpec `json:"responsePolicy"`
}

// HeaderPolicySpec changes headers, in the order of its fields.
type HeaderPolicySpec struct {
	// Allows are the headers that stay. Empty stands for all.
	Allows []string `json:"allows" format:"header-name"`
	// Removes are the headers that go.
	Removes []string `json:"removes" format:"header-name"`
	// Add are headers to add to those of the same name.
	Add decode.Map `json:"add" keys:"header-name" format:"header-value"`
	// Set are headers to put in the place of those of the same name.
	Set decode.Map `json:"set" keys:"header-name" format:"header-value"`
	// Rewrites change the values of headers.
	Rewrites []HeaderRewriteSpec `json:"rewrites"`
}

// HeaderRewriteSpec rewrites the values of a header.
type HeaderRewriteSpec struct {
	// Name is the name of the header.
	Name string `json:"name" required:"true" format:"header-name"`
	// Replacer changes each value. Without it the entry does nothing.
	Replacer *ReplacerSpec `json:"replacer"`
}

// Check reports media types that no request has, and what the replacers find.
func (s *HeaderPolicyMiddlewareSpec) Check(c *Check) {
	for i, m := range s.AllowMIMEs {
		if t, params, err := mime.ParseMediaType(m); err != nil || len(params) > 0 || !strings.Contains(t, "/") {
			c.Warnf(&s.AllowMIMEs[i], diag.NoEffect, "%q is no media type like application/json, without parameters: it matches nothing", m)
		} else if strings.Contains(t, "*") {
			c.Warnf(&s.AllowMIMEs[i], diag.NoEffect, "there are no wildcards in media types here: %q matches nothing", m)
		}
	}
	s.RequestPolicy.checkNames(c, requestFraming)
	s.ResponsePolicy.checkNames(c, responseFraming)
	for _, p := range []*HeaderPolicySpec{s.RequestPolicy, s.ResponsePolicy} {
		if p == nil {
			continue
		}
		for i := range p.Rewrites {
			r := &p.Rewrites[i]
			if r.Replacer == nil {
				c.Warnf(r, diag.NoEffect, "a rewrite without a replacer changes nothing")
				continue
			}
			r.Replacer.check(c)
		}
	}
}

// Refuses tells that preflight requests are refused: they have no Content-Type.
func (s *HeaderPolicyMiddlewareSpec) Refuses() bool { return len(s.AllowMIMEs) > 0 }

// requestFraming and responseFraming are headers that a policy can't change, since they say how a message is
// sent, not what it is. Of Host there is one in each request.
var (
	requestFraming = map[string]string{
		"Content-Length": "follows from the body", "Transfer-Encoding": "follows from the body",
	}
	responseFraming = map[string]string{
		"Content-Length": "follows from the body", "Transfer-Encoding": "follows from the body", "Connection": "belongs to the server",
	}
)

// checkNames warns of headers for which a policy does nothing.
func (s *HeaderPolicySpec) checkNames(c *Check, framing map[string]string) {
	if s == nil {
		return
	}
	for _, m := range []decode.Map{s.Add, s.Set} {
		for i := range m {
			if why, ok := framing[canonicalName(m[i].Key)]; ok {
				c.Warnf(&m[i].Value, diag.NoEffect, "%s can't be set: it %s", m[i].Key, why)
			}
		}
	}
}

// Lower returns the middleware.
func (s *HeaderPolicyMiddlewareSpec) Lower(l *Lower) ir.Expr {
	return l.Call("headerpolicy.New", l.Struct("headerpolicy.Options",
		ir.Set("AllowMIMEs", l.Strings(s.AllowMIMEs)),
		ir.Set("MaxContentLength", l.Int64(&s.MaxContentLength)),
		ir.Set("Request", s.RequestPolicy.lower(l)),
		ir.Set("Response", s.ResponsePolicy.lower(l)),
	))
}

func (s *HeaderPolicySpec) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	rewrites := ir.List{Elem: ir.Runtime("headerpolicy.Rewrite")}
	for i := range s.Rewrites {
		r := &s.Rewrites[i]
		if r.Replacer == nil {
			l.String(&r.Name) // not used
			continue
		}
		rewrites.Items = append(rewrites.Items, l.Struct("headerpolicy.Rewrite",
			ir.Set("Name", l.String(&r.Name)),
			ir.Set("Replace", r.Replacer.lower(l))))
	}
	return l.Struct("headerpolicy.Policy",
		ir.Set("Allow", l.Strings(s.Allows)),
		ir.Set("Remove", l.Strings(s.Removes)),
		ir.Set("Add", l.Fields(s.Add)),
		ir.Set("Set", l.Fields(s.Set)),
		ir.Set("Rewrite", rewrites),
	)
}
