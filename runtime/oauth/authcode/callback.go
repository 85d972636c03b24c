package authcode

import (
	"errors"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/query"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

func queryValue(rawQuery, key string) (string, bool) { return query.Get(rawQuery, key) }

// An answer is what the provider has had the client bring (RFC 6749, section 4.1.2, and RFC 9207).
type answer struct {
	code, state, issuer string
	problem, details    string // "error" and "error_description"
	response            string // "response", which holds the others signed (JARM)
	signed              bool   // it was
}

// isAnswer reports whether x, which is at the callback path, brings something.
func (h *Handler) isAnswer(x *gateway.Exchange) bool {
	if x.Request.Method == "POST" {
		return true
	}
	for _, name := range []string{"code", "error", "response"} {
		if _, ok := queryValue(x.Request.RawQuery, name); ok {
			return true
		}
	}
	return false
}

// readAnswer reads the query, or the form (OAuth 2.0 Form Post Response Mode).
func readAnswer(x *gateway.Exchange) (*answer, error) {
	q := &x.Request
	text := q.RawQuery
	switch q.Method {
	case "GET":
	case "POST":
		if media, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" || q.Body == nil {
			return nil, invalid("there is no form in the request", err)
		}
		b, err := io.ReadAll(io.LimitReader(q.Body, maxForm+1))
		switch {
		case err != nil:
			return nil, unreadable(err)
		case len(b) > maxForm:
			return nil, unreadable(gateway.ErrTooLarge)
		}
		text = string(b)
	default: // what only looks where a link leads mustn't use up the code
		e := &gateway.Error{Status: 405, Message: "the answer of the provider comes by GET or POST"}
		e.Header.Add("Allow", "GET, POST")
		return nil, e
	}
	a := &answer{}
	for name, p := range map[string]*string{
		"code": &a.code, "state": &a.state, "iss": &a.issuer, "error": &a.problem, "error_description": &a.details, "response": &a.response,
	} {
		*p, _ = queryValue(text, name)
	}
	return a, nil
}

// unreadable is the error of a body that can't be read.
func unreadable(err error) error {
	e := &gateway.Error{Status: 400, Code: "E3003", Kind: "AppGenReadHTTPBody", Message: "the body can't be read", Cause: err}
	switch {
	case errors.Is(err, gateway.ErrTooLarge), errors.Is(err, errTooLong):
		e.Status, e.Message = 413, "the body is too large"
	case gateway.IsTimeout(err):
		e.Status = 408
	}
	return e
}

// callback ends a login: x brings the answer of the provider. loggedIn tells that the client has logged in before.
func (h *Handler) callback(x *gateway.Exchange, s *session.Session, loggedIn bool) (authn.Outcome, error) {
	got, err := readAnswer(x)
	if err != nil {
		return authn.Failed, err
	}
	a, err := h.attempt(s, got)
	if err != nil && loggedIn {
		return h.redirect(x, h.home(x)) // an answer that was used already, from the history of the browser
	}
	if err != nil {
		return authn.Failed, err
	}
	c := h.Named(a.context)
	if c == nil {
		return authn.Failed, invalid("the context of the login isn't there any more", nil)
	}
	if err := h.check(x, c, got); err != nil {
		return h.failed(x, c, err)
	}
	l, err := h.redeem(x, c, a, got.code)
	if err != nil {
		return h.failed(x, c, err)
	}
	// Who knew the session before isn't in it now, if it wasn't the user himself.
	s.Regenerate()
	h.keep(s, l)
	if saved := h.takeSaved(s, a); saved != "" {
		return h.restore(x, s, l, saved)
	}
	return h.redirect(x, a.target)
}

// failed tells the log why a login has failed that the client has begun itself: that a secret is wrong, for example, can't be seen elsewhere.
func (h *Handler) failed(x *gateway.Exchange, c *oauth.Context, err error) (authn.Outcome, error) {
	if l := h.OAuth.Logger; l != nil && gateway.StatusOf(err) < 500 && l.Enabled(gateway.LevelWarn) {
		l.Log(x, gateway.LevelWarn, "a login has failed", gateway.String("context", c.Name()), gateway.String("reason", err.Error()))
	}
	return authn.Failed, err
}

// attempt takes the attempt that an answer is for.
func (h *Handler) attempt(s *session.Session, got *answer) (*attempt, error) {
	state := got.state
	if h.jarm != nil {
		if state = stateOf(got.response); state == "" && !h.DisableState {
			return nil, invalid("there is no signed response of the provider in the request", nil)
		}
	}
	a, others := h.take(s, state, time.Now())
	switch {
	case a != nil:
		return a, nil
	case others:
		return nil, invalid("the state is that of no login that the client has begun", nil)
	}
	return nil, &gateway.Error{Status: 401, Code: "E3004", Kind: "AppGenSessionOperation", Message: "the client has begun no login"}
}

// check makes sure that the answer is one of the provider, and that it has a code.
func (h *Handler) check(x *gateway.Exchange, c *oauth.Context, got *answer) error {
	if h.jarm != nil {
		if err := h.jarm.verify(x.Context(), c, got); err != nil {
			return err
		}
	}
	// A provider that the client has been led to by another one says so (RFC 9207).
	switch issuer, err := c.Issuer(x.Context()); {
	case err != nil:
		return err
	case got.issuer != "" && issuer != "" && got.issuer != issuer:
		return invalid("the answer is of another issuer", nil)
	case got.issuer == "" && !got.signed && c.NamesIssuer():
		return invalid("the answer doesn't say which issuer it is of, though the provider always says so", nil)
	}
	switch {
	case got.problem != "":
		return invalid("the provider says that "+printable(got.problem)+": "+printable(got.details), nil)
	case got.code == "":
		return invalid("there is no code in the request", nil)
	}
	return nil
}

// printable is a text of the provider, or of whoever has made the request, as it may stand in a log.
func printable(s string) string {
	const most = 200
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), most)])
}
