package authcode

import (
	"slices"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// saveable is how long a request may be that is to be restored. Sessions in cookies come with each request, and servers limit the headers that they
// accept.
func saveable(s *session.Session) int {
	if s.InStore() {
		return 64 << 10
	}
	return 2 << 10
}

// maxSaved is how many requests a session keeps; in cookies it's the last one.
const maxSaved = 8

// A saved is a request that is kept for an attempt.
type saved struct {
	name  string // of the attempt
	begun int64
	text  string // the chain, see authn.Chain, and what saveRequest has made
}

func parseSaved(value []byte, now time.Time) (all []saved) {
	for r := readFields(value); r.more(); {
		k := saved{name: r.field(), begun: r.number(), text: r.field()}
		if r.ok && recent(k.begun, now) {
			all = append(all, k)
		}
	}
	return all
}

func (h *Handler) setSaved(s *session.Session, all []saved) {
	var value []byte
	for _, k := range all {
		value = appendField(appendNumber(appendField(value, k.name), k.begun), k.text)
	}
	if len(all) == 0 {
		s.Delete(h.savedKey)
	} else {
		s.Set(h.savedKey, value)
	}
}

// save keeps the request of x until the login that begins is over.
func (h *Handler) save(x *gateway.Exchange, s *session.Session, a *attempt) error {
	text, err := saveRequest(x, saveable(s))
	if err != nil {
		return unreadable(err)
	}
	value, _ := s.Get(h.savedKey)
	all := parseSaved(value, time.Unix(a.begun, 0))
	most := maxSaved
	if !s.InStore() {
		most = 1
	}
	all = append(all, saved{a.name(), a.begun, string(appendNumber(nil, authn.Chain(x))) + text})
	h.setSaved(s, all[max(len(all)-most, 0):])
	return nil
}

// takeSaved returns the request that was kept for an attempt, and drops it. It's empty if none was.
func (h *Handler) takeSaved(s *session.Session, a *attempt) (text string) {
	value, ok := s.Get(h.savedKey)
	if !ok {
		return ""
	}
	all := parseSaved(value, time.Now())
	name := a.name()
	all = slices.DeleteFunc(all, func(k saved) bool {
		if k.name == name {
			text = k.text
		}
		return k.name == name
	})
	h.setSaved(s, all)
	return text
}

// restore answers the request that has begun the login, after it.
//
// That is done right here, in the place of the request with the answer of the provider, if what comes next is the same as it
// would have been. If it's something else, another handler or one behind other middleware, the client is sent to where it wanted to go, and
// the request is restored when it comes there.
func (h *Handler) restore(x *gateway.Exchange, s *session.Session, l *login, text string) (authn.Outcome, error) {
	chain, request := cutChain(text)
	if chain == authn.Chain(x) {
		if !restoreRequest(x, request) {
			return authn.Failed, &gateway.Error{Status: 500, Code: "E3004", Kind: "AppGenSessionOperation", Message: "the request can't be restored"}
		}
		l.context.Accept(x, l.Result)
		return authn.Accepted, nil
	}
	s.Set(h.restoreKey, append(appendNumber(nil, time.Now().Unix()), text...))
	return h.redirect(x, originOf(request))
}

func cutChain(text string) (chain int64, rest string) {
	r := readFields([]byte(text))
	chain = r.number()
	return chain, r.rest
}

// originOf is where the request was sent that saveRequest has made a text of.
func originOf(request string) string {
	r := readFields([]byte(request))
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
	chain, request := cutChain(r.rest)
	here := x.Request.RawPath
	if x.Request.RawQuery != "" {
		here += "?" + x.Request.RawQuery
	}
	if x.Request.Method == "GET" && chain == authn.Chain(x) && here == originOf(request) {
		s.Delete(h.restoreKey)
		restoreRequest(x, request)
	}
}
