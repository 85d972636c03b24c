package authcode

import (
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// save makes a text of the request of x, and of what comes after the authentication in its way.
func (h *Handler) save(x *gateway.Exchange, s *session.Session) (string, error) {
	saved, err := saveRequest(x, saveable(s))
	if err != nil {
		return "", unreadable(err)
	}
	return string(appendNumber(nil, authn.Chain(x))) + saved, nil
}

// restore answers the request that has begun the login, after it.
//
// That is done right here, in the place of the request with the answer of the provider, if what comes next is the same as it
// would have been. If it's something else, another handler or one behind other middleware, the client is sent to where it wanted to go, and
// the request is restored when it comes there.
func (h *Handler) restore(x *gateway.Exchange, s *session.Session, l *login, a *attempt) (authn.Outcome, error) {
	chain, saved := cutChain(a.saved)
	if chain == authn.Chain(x) {
		if !restoreRequest(x, saved) {
			return authn.Failed, &gateway.Error{Status: 500, Code: "E3004", Kind: "AppGenSessionOperation", Message: "the request can't be restored"}
		}
		l.context.Accept(x, l.Result)
		return authn.Accepted, nil
	}
	s.Set(h.restoreKey, append(appendNumber(nil, time.Now().Unix()), a.saved...))
	return h.redirect(x, a.origin())
}

func cutChain(saved string) (chain int64, rest string) {
	r := readFields([]byte(saved))
	chain = r.number()
	return chain, r.rest
}

// origin is where the request was sent that has begun the login.
func (a *attempt) origin() string {
	_, saved := cutChain(a.saved)
	r := readFields([]byte(saved))
	r.field() // the method
	r.field() // the target
	r.field() // the path, decoded
	path, query := r.field(), r.field()
	if query != "" {
		path += "?" + query
	}
	if !localTarget(path) {
		return "/"
	}
	return path
}

// pendingLife is how long it may take a client to go where it's sent by restore.
const pendingLife = 2 * time.Minute

// restorePending restores a request that was waiting for its client to come.
func (h *Handler) restorePending(x *gateway.Exchange, s *session.Session) {
	value, ok := s.Get(h.restoreKey)
	if !ok {
		return
	}
	r := readFields(value)
	since := time.Now().Unix() - r.number()
	if since < 0 || since > int64(pendingLife/time.Second) {
		s.Delete(h.restoreKey)
		return
	}
	a := &attempt{saved: r.rest}
	chain, saved := cutChain(a.saved)
	here := x.Request.RawPath
	if x.Request.RawQuery != "" {
		here += "?" + x.Request.RawQuery
	}
	if x.Request.Method == "GET" && chain == authn.Chain(x) && here == a.origin() {
		s.Delete(h.restoreKey)
		restoreRequest(x, saved)
	}
}
