package authcode

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// memory is a store for sessions.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
}

// A site is a gateway with a login, and what a client sees of it.
type site struct {
	t       *testing.T
	op      *provider
	handler gateway.Handler // behind session and authentication
	other   gateway.Handler // another one behind the same
	authn   *Handler

	sessions gateway.Middleware
}

// newSite makes one. change may change the options.
func newSite(t *testing.T, op *provider, change func(*Options, *oauth.Options)) *site {
	t.Helper()
	o := Options{OAuth: oauth.Options{Contexts: []oauth.ContextOptions{op.context("")}}, CallbackURL: callbackURL, LoginPath: "/login", UserInfoPath: "/me"}
	if change != nil {
		change(&o, &o.OAuth)
	}
	s := &site{t: t, op: op}
	var err error
	if s.authn, err = New(o); err != nil {
		t.Fatal(err)
	}
	if s.sessions, err = session.New(session.Options{}); err != nil {
		t.Fatal(err)
	}
	m := authn.New(authn.Options{Handlers: []authn.Authenticator{s.authn}})
	s.handler, s.other = s.sessions(m(page("page"))), s.sessions(m(page("other")))
	return s
}

// page answers with what it has got.
func page(name string) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		q := &x.Request
		body := ""
		if q.Body != nil {
			b, err := io.ReadAll(q.Body)
			if err != nil {
				return err
			}
			body = string(b)
		}
		said := claims.Get(x, claims.DefaultKey)
		who, _ := claims.Find(said, "idt_claims.sub")
		x.Response.Status = 200
		x.Response.Bytes = fmt.Appendf(nil, "%s for %v: %s %s %s?%s %s %s", name, who, q.Method, q.Path, q.RawPath, q.RawQuery, q.Header.Get("X-A"), body)
		if x.Upstream.Get("X-Access-Token") == "" {
			return errors.New("the upstream gets no token")
		}
		return nil
	})
}

// A tab sends requests with the cookies of a browser.
type tab struct {
	*site
	jar    map[string]string
	header gateway.Header
}

func (s *site) browser() *tab { return &tab{site: s, jar: make(map[string]string)} }

// A reply is what a client gets.
type reply struct {
	status   int
	location string
	body     string
	header   gateway.Header
	err      error
}

func (b *tab) send(h gateway.Handler, method, target, body string) *reply {
	x := exchange(method, target, append(gateway.Header(nil), b.header...), "")
	if body != "" {
		x.Request.Body, x.Request.ContentLength = bodyOf(body), int64(len(body))
	}
	for name, value := range b.jar {
		x.Request.Header.Add("Cookie", name+"="+value)
	}
	err := h.Serve(x)
	if err != nil {
		x.Response.Status = gateway.StatusOf(err)
		if e, ok := gateway.AsError(err); ok {
			x.Response.Header = append(x.Response.Header, e.Header...)
		}
	}
	for value := range x.Response.Header.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(value, ";")
		name, value, _ := strings.Cut(pair, "=")
		if b.jar[name] = value; strings.Contains(attributes, "Max-Age=0") {
			delete(b.jar, name)
		}
	}
	return &reply{x.Response.Status, x.Response.Header.Get("Location"), string(x.Response.Bytes), x.Response.Header, err}
}

func (b *tab) get(target string) *reply { return b.send(b.handler, "GET", target, "") }

// back follows the provider's way back.
func (b *tab) back(with url.Values) *reply { return b.get("/callback?" + with.Encode()) }

// want holds a reply against what is expected: a status, and a text in the location or the body.
func (b *tab) want(r *reply, status int, text string) *reply {
	b.t.Helper()
	where := r.body
	if status == 302 {
		where = r.location
	}
	if r.status != status || !strings.Contains(where, text) {
		b.t.Errorf("%d %q (%v), not %d %q", r.status, where, r.err, status, text)
	}
	return r
}

// login logs in.
func (b *tab) login() {
	b.t.Helper()
	r := b.want(b.get("/login"), 302, issuer)
	b.want(b.back(b.op.login(r.location)), 302, "/")
	b.want(b.get("/page"), 200, "page for alice: GET /page")
}

func onlyApp(o *Options, _ *oauth.Options) {
	o.RedirectPatterns = []match.Matcher{match.Prefix("/app/")}
}
