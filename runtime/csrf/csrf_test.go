package csrf

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
)

const secret = "bXktc2VjdXJlLXNlY3JldC1rZXktc3RyaW5nLWZvci1jc3Jm"

func create(t testing.TB, o Options) *CSRF {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(method string, pairs ...string) *gateway.Exchange {
	x := &gateway.Exchange{}
	x.Request.Method, x.Request.Host = method, "example.com"
	for i := 0; i < len(pairs); i += 2 {
		x.Request.Header.Add(pairs[i], pairs[i+1])
	}
	return x
}

// serve returns the status and error of the middleware, and whether the request has passed.
func serve(c *CSRF, x *gateway.Exchange) (status int, err error) {
	err = c.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	})).Serve(x)
	if err != nil {
		return gateway.StatusOf(err), err
	}
	return x.Response.Status, nil
}

// memory is a Keeper of one client.
type memory struct {
	token string
	err   error
}

func (m *memory) Token(*gateway.Exchange) (string, error) { return m.token, m.err }
func (m *memory) Keep(_ *gateway.Exchange, token string) error {
	m.token = token
	return m.err
}

func TestCustomHeader(t *testing.T) {
	c := create(t, Options{Secret: secret})
	allowing := create(t, Options{Secret: secret, Header: "X-C", Allowed: []match.Matcher{match.Exact("localhost")}, UpstreamHeader: "X-Up"})
	token, stranger := c.tokens.issue(), create(t, Options{}).tokens.issue()
	for name, tt := range map[string]struct {
		c      *CSRF
		x      *gateway.Exchange
		status int
	}{
		"token":                  {c, request("POST", "X-Requested-With", token), 200},
		"token in upper case":    {c, request("POST", "X-Requested-With", strings.ToUpper(token)), 200},
		"nothing":                {c, request("POST"), 403},
		"empty":                  {c, request("POST", "X-Requested-With", ""), 403},
		"anything":               {c, request("POST", "X-Requested-With", "XMLHttpRequest"), 403},
		"of another secret":      {c, request("POST", "X-Requested-With", stranger), 403},
		"another method":         {c, request("DELETE"), 403},
		"GET":                    {c, request("GET"), 200},
		"HEAD":                   {c, request("HEAD"), 200},
		"OPTIONS":                {c, request("OPTIONS"), 200},
		"TRACE":                  {c, request("TRACE"), 200},
		"allowed":                {allowing, request("POST", "X-C", "localhost"), 200},
		"token where is allowed": {allowing, request("POST", "X-C", token), 200},
		"not allowed":            {allowing, request("POST", "X-C", "localhost.evil"), 403},
	} {
		status, err := serve(tt.c, tt.x)
		if e, ok := gateway.AsError(err); status != tt.status || ok && e.Code != "E3209" {
			t.Errorf("%s: %d, %v, want %d", name, status, err, tt.status)
		}
	}
	x := request("POST", "X-C", "localhost", "x-up", "mine")
	if _, err := serve(allowing, x); err != nil || x.Request.Header.Has("X-Up") || x.Upstream.Get("X-Up") != "localhost" {
		t.Error(err, x.Request.Header, x.Upstream)
	}
	x = request("GET", "x-up", "mine")
	if _, err := serve(allowing, x); err != nil || x.Request.Header.Has("X-Up") || x.Upstream.Has("X-Up") {
		t.Error(err, x.Request.Header, x.Upstream)
	}
}

func TestMethods(t *testing.T) {
	some := create(t, Options{SkipMethods: []string{"POST"}})
	all := create(t, Options{CheckAll: true})
	for method, want := range map[string][2]int{"POST": {200, 403}, "PUT": {403, 403}, "GET": {403, 403}} {
		if status, _ := serve(some, request(method)); status != want[0] {
			t.Errorf("%s: %d, want %d", method, status, want[0])
		}
		if status, _ := serve(all, request(method)); status != want[1] {
			t.Errorf("%s, all: %d, want %d", method, status, want[1])
		}
	}
}

func TestKeptTokens(t *testing.T) {
	kept := &memory{}
	c := create(t, Options{Secret: secret, Keeper: kept, Source: FromHeader("X-T"), UpstreamHeader: "X-Up"})
	token, other := c.tokens.issue(), c.tokens.issue()
	for name, tt := range map[string]struct {
		kept   string
		header []string
		err    string
	}{
		"same":               {token, []string{"X-T", token}, ""},
		"different":          {token, []string{"X-T", other}, "the token isn't the one that was given to the client"},
		"nothing is brought": {token, nil, "there is no token in the request"},
		"nothing is kept":    {"", []string{"X-T", token}, "no token has been given to the client"},
		"neither":            {"", nil, "there is no token in the request"},
		"not a token":        {"x", []string{"X-T", "x"}, "the token isn't one of this gateway"},
		"longer":             {token, []string{"X-T", "x" + token}, "the token isn't the one that was given to the client"},
	} {
		kept.token = tt.kept
		x := request("POST", tt.header...)
		status, err := serve(c, x)
		switch {
		case tt.err == "":
			if err != nil || x.Upstream.Get("X-Up") != token {
				t.Errorf("%s: %v, %v", name, err, x.Upstream)
			}
		case status != 403 || err.Error() != "E3209.AppMiddleCSRFToken "+tt.err:
			t.Errorf("%s: %d, %v, want %s", name, status, err, tt.err)
		}
	}
	kept.err = &gateway.Error{Status: 500, Message: "no session"}
	if _, err := serve(c, request("POST", "X-T", token)); err != kept.err {
		t.Error(err)
	}
	if err := c.Serve(request("GET")); err != kept.err {
		t.Error(err)
	}
}

// TestCookie goes through the double submit of a token as a browser does it.
func TestCookie(t *testing.T) {
	for name, tt := range map[string]struct {
		keeper Cookie
		cookie string
		attrs  string
	}{
		"by default": {Cookie{}, "__csrfToken", "; Path=/; HttpOnly; Secure"},
		"configured": {Cookie{Name: "__Host-t", Attributes: &cookie.Attributes{Path: "/a", SameSite: cookie.SameSiteStrict}}, "__Host-t", "; Path=/a; SameSite=Strict"},
	} {
		t.Run(name, func(t *testing.T) {
			c := create(t, Options{Secret: secret, Keeper: tt.keeper, Source: FromHeader("X-T")})
			x := request("GET", "Accept", "*/*")
			if err := c.Serve(x); err != nil {
				t.Fatal(err)
			}
			token := string(x.Response.Bytes)
			if got := x.Response.Header.Get("Set-Cookie"); got != tt.cookie+"="+token+tt.attrs {
				t.Errorf("the cookie is %s", got)
			}
			pair := tt.cookie + "=" + token
			if status, err := serve(c, request("POST", "Cookie", "a=b; "+pair, "X-T", token)); status != 200 {
				t.Error(err)
			}
			for _, header := range [][]string{{"X-T", token}, {"Cookie", pair}, {"Cookie", "x" + pair, "X-T", token}} {
				if status, err := serve(c, request("POST", header...)); status != 403 {
					t.Error(header, status, err)
				}
			}
			again := request("GET", "Cookie", pair)
			if err := c.Serve(again); err != nil || string(again.Response.Bytes) != token {
				t.Error("a token that is good isn't given again", err)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	c := create(t, Options{Secret: secret})
	token := c.tokens.issue()
	for accept, want := range map[string][2]string{
		"":                             {"text/plain; charset=utf-8", token},
		"*/*":                          {"text/plain; charset=utf-8", token},
		"text/plain":                   {"text/plain; charset=utf-8", token},
		"application/json":             {"application/json; charset=utf-8", `{"token":"` + token + `"}`},
		"text/json":                    {"application/json; charset=utf-8", `{"token":"` + token + `"}`},
		"text/html, application/xml":   {"application/xml; charset=utf-8", "<token>" + token + "</token>"},
		"text/xml":                     {"application/xml; charset=utf-8", "<token>" + token + "</token>"},
		"application/json, text/plain": {"text/plain; charset=utf-8", token},
		"text/html":                    {"text/plain; charset=utf-8", token},
	} {
		x := request("GET", "Accept", accept, "X-Requested-With", token)
		if err := c.Serve(x); err != nil {
			t.Fatal(err)
		}
		got := [2]string{x.Response.Header.Get("Content-Type"), string(x.Response.Bytes)}
		if d := cmp.Diff(want, got); d != "" || x.Response.Status != 200 || x.Response.Header.Get("Cache-Control") != "no-store" ||
			x.Response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s%d %v", accept, d, x.Response.Status, x.Response.Header)
		}
	}
	x := request("HEAD")
	if err := c.Serve(x); err != nil || x.Response.Bytes != nil || x.Response.ContentLength != int64(len(token)) {
		t.Error(err, x.Response)
	}
	for name, tt := range map[string]struct {
		c      *CSRF
		header string
		same   bool
	}{
		"good":        {c, token, true},
		"bad":         {c, "0" + token[1:], token[0] == '0'},
		"always new":  {create(t, Options{Secret: secret, IssueNew: true}), token, false},
		"not a token": {c, "x", false},
	} {
		x := request("GET", "X-Requested-With", tt.header)
		if err := tt.c.Serve(x); err != nil {
			t.Fatal(err)
		}
		got := string(x.Response.Bytes)
		if (got == tt.header) != tt.same || !tt.c.tokens.valid(got) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		o    Options
		size int
	}{
		"default": {Options{Secret: secret}, 20 + 32}, "long seed": {Options{Secret: secret, SeedSize: 100}, 100 + 32}, "shortest": {Options{SeedSize: 5}, 5 + 32},
		"SHA512": {Options{Hash: digest.SHA512}, 20 + 64},
	} {
		tokens := create(t, tt.o).tokens
		token := tokens.issue()
		if !regexp.MustCompile("^[0-9a-f]+$").MatchString(token) || len(token) != 2*tt.size || !tokens.valid(token) || token == tokens.issue() {
			t.Errorf("%s: %s", name, token)
		}
		for i := range token {
			changed := []byte(token)
			if changed[i] ^= 1; tokens.valid(string(changed)) {
				t.Errorf("%s: %s is valid after a change at %d", name, changed, i)
			}
		}
		for _, bad := range []string{"", "0", token[:len(token)-1], token[:len(token)-2], token + "00", "00" + token, strings.Repeat("zz", tt.size), strings.Repeat("00", 4000)} {
			if tokens.valid(bad) {
				t.Errorf("%s: %q is valid", name, bad)
			}
		}
	}
	// As AILERON Gateway makes them, whatever its seedSize is: a seed as long as the hash.
	c := create(t, Options{Secret: secret})
	seed := make([]byte, 32)
	w := c.tokens.hasher.Get()
	if !c.tokens.valid(hex.EncodeToString(append(seed, w.SumBytes(seed)...))) {
		t.Error("a token with a seed of 32 bytes isn't valid")
	}
}

// failing is a body that can't be read.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
func (failing) Close() error               { return nil }

type timeout struct{ error }

func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// TestOrigin holds the check of origins against that of net/http.
func TestOrigin(t *testing.T) {
	c := create(t, Options{CheckOrigin: true, TrustedOrigins: []string{"https://trusted.example"}, Allowed: []match.Matcher{match.Prefix("")}})
	oracle := http.NewCrossOriginProtection()
	if err := oracle.AddTrustedOrigin("https://trusted.example"); err != nil {
		t.Fatal(err)
	}
	for _, site := range []string{"", "same-origin", "same-site", "cross-site", "none", "other"} {
		for _, origin := range []string{"", "null", "https://example.com", "http://example.com", "https://EXAMPLE.com", "https://example.com:8443", "https://evil.example", "https://trusted.example"} {
			x := request("POST", "X-Requested-With", "x")
			r, _ := http.NewRequest("POST", "https://example.com/", nil)
			for name, value := range map[string]string{"Sec-Fetch-Site": site, "Origin": origin} {
				if value != "" {
					x.Request.Header.Add(name, value)
					r.Header.Set(name, value)
				}
			}
			_, err := serve(c, x)
			want := oracle.Check(r)
			if strings.Contains(origin, "EXAMPLE") && site == "" {
				want = nil // hosts are compared without regard to case
			}
			if (err != nil) != (want != nil) {
				t.Errorf("%q, %q: %v, want %v", site, origin, err, want)
			}
		}
	}
	if status, _ := serve(c, request("GET", "Sec-Fetch-Site", "cross-site")); status != 200 {
		t.Errorf("a link gives %d", status)
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]Options{
		"the secret of the HMAC is not Base64 with padding":          {Secret: "!"},
		"the seed of tokens must have from 5 to 1024 bytes":          {SeedSize: 4},
		"where tokens are kept, there must be a source of them, too": {Keeper: Cookie{}},
	} {
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzToken(f *testing.F) {
	c := create(f, Options{Secret: secret})
	f.Add(c.tokens.issue())
	f.Add("00")
	f.Fuzz(func(t *testing.T, token string) {
		if !c.tokens.valid(token) {
			return
		}
		raw, err := hex.DecodeString(token)
		if err != nil || len(raw) < minSeed+32 {
			t.Fatalf("%q is valid", token)
		}
		w := c.tokens.hasher.Get()
		if seed := raw[:len(raw)-32]; string(w.SumBytes(seed)) != string(raw[len(raw)-32:]) {
			t.Fatalf("%q is valid", token)
		}
	})
}

func Example() {
	c, err := New(Options{Secret: secret})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := &gateway.Exchange{}
	if err := c.Serve(page); err != nil {
		fmt.Println(err)
	}
	h := c.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	x := &gateway.Exchange{}
	x.Request.Method = "POST"
	fmt.Println(h.Serve(x))
	x.Request.Header.Add("X-Requested-With", string(page.Response.Bytes))
	fmt.Println(h.Serve(x))
	// Output:
	// E3209.AppMiddleCSRFToken there is no token in the request
	// <nil>
}

func BenchmarkMiddleware(b *testing.B) {
	for name, o := range map[string]Options{
		"header": {Secret: secret},
		"cookie": {Secret: secret, Keeper: Cookie{}, Source: FromHeader("X-Requested-With")},
	} {
		b.Run(name, func(b *testing.B) {
			c := create(b, o)
			token := c.tokens.issue()
			cookies := "a=b; __csrfToken=" + token
			h := c.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
			x := request("POST")
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				x.Request.Method = "POST"
				x.Request.Header.Add("Cookie", cookies)
				x.Request.Header.Add("X-Requested-With", token)
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
