package digestauth

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func file(t testing.TB, text string) credentials.Files {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users.list")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return credentials.Files{Paths: []string{name}}
}

func create(t testing.TB, o Options) *Authenticator {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(method, target string, values ...string) *gateway.Exchange {
	x := &gateway.Exchange{Start: time.Now()}
	x.Request.Method, x.Request.Target = method, target
	for _, v := range values {
		x.Request.Header.Add("Authorization", v)
	}
	return x
}

// TestRFC has the examples of RFC 7616, section 3.9, as far as their algorithms are those of here. The one
// of SHA-512-256 is of a corrected text.
func TestRFC(t *testing.T) {
	for name, tt := range map[string]struct {
		realm, user, password string
		p                     params
	}{
		"MD5": {"http-auth@example.org", "Mufasa", "Circle of Life", params{
			nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri: "/dir/index.html", nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			qop: "auth", response: "8ca523f5e9506fed4657c9700eebdbec",
		}},
		"SHA-256": {"http-auth@example.org", "Mufasa", "Circle of Life", params{
			nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri: "/dir/index.html", nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			qop: "auth", response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		}},
	} {
		a := newAlgorithm(name)
		if !a.verify(&user{ha1: a.hash(tt.user, tt.realm, tt.password)}, &tt.p, "GET") {
			t.Errorf("%s: the response of the RFC is refused", name)
		}
	}
	a := newAlgorithm("SHA-512-256")
	if got := a.hash("J\u00e4s\u00f8n Doe", "api@example.org"); got != "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b" {
		t.Errorf("the hash of the user is %s", got)
	}
}

// answer answers a challenge as a client would.
type answer struct {
	user, password, method, uri string
	nc                          int
	// edit changes the parameters, after the response has been computed.
	edit func(p map[string]string)
}

var param = regexp.MustCompile(`([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))`)

func parameters(challenge string) map[string]string {
	m := make(map[string]string)
	for _, f := range param.FindAllStringSubmatch(strings.TrimPrefix(challenge, "Digest "), -1) {
		m[f[1]] = strings.ReplaceAll(f[2], `\`, "") + f[3]
	}
	return m
}

func (a answer) to(challenge string) string {
	c := parameters(challenge)
	alg := newAlgorithm(c["algorithm"])
	ha1 := alg.hash(a.user, c["realm"], a.password)
	nc := fmt.Sprintf("%08x", max(a.nc, 1))
	if alg.session {
		ha1 = alg.hash(ha1, c["nonce"], "client")
	}
	p := map[string]string{
		"username": a.user, "realm": c["realm"], "nonce": c["nonce"], "uri": a.uri, "algorithm": c["algorithm"], "opaque": c["opaque"], "qop": "auth",
		"nc": nc, "cnonce": "client", "response": alg.hash(ha1, c["nonce"], nc, "client", "auth", alg.hash(a.method, a.uri)),
	}
	if a.edit != nil {
		a.edit(p)
	}
	var out []string
	for name, value := range p {
		if strings.Contains(" nc qop algorithm userhash username* ", " "+name+" ") {
			out = append(out, name+"="+value)
		} else {
			out = append(out, name+"="+authn.Quote(value))
		}
	}
	return "Digest " + strings.Join(out, ", ")
}

func challenge(a *Authenticator, why error) string {
	var h gateway.Header
	a.Challenge(&h, why)
	return h.Get("WWW-Authenticate")
}

func TestChallenge(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		why  error
		want string
	}{
		{Options{}, nil, `^Digest realm="", qop="auth", algorithm=MD5, nonce="[\w-]{43}", opaque="[0-9a-f]{32}", charset=UTF-8$`},
		{Options{Realm: `a "b"`, Algorithm: "SHA-256"}, errWrong,
			`^Digest realm="a \\"b\\"", qop="auth", algorithm=SHA-256, nonce="[\w-]{43}", opaque="[0-9a-f]{64}", charset=UTF-8, userhash=true$`},
		{Options{Algorithm: "SHA-512-256-sess"}, errStale,
			`^Digest realm="", qop="auth", algorithm=SHA-512-256-sess, nonce="[\w-]{43}", opaque="[0-9a-f]{64}", charset=UTF-8, userhash=true, stale=true$`},
	} {
		tt.o.Users = credentials.Files{}
		a := create(t, tt.o)
		got := challenge(a, tt.why)
		if !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		if got == challenge(a, tt.why) {
			t.Error("two challenges have the same nonce")
		}
	}
}

func TestAuthenticate(t *testing.T) {
	users := "alice:s3cret:{\"a\":1}\nbob:hunter2\nJäsøn Doe:pass\nq\"uo,te\\d:x"
	plain := create(t, Options{Realm: `my, "realm"`, Users: file(t, users)})
	good := answer{user: "alice", password: "s3cret", method: "GET", uri: "/x?y=1"}
	with := func(change func(*answer)) answer {
		a := good
		change(&a)
		return a
	}
	edit := func(name, value string) answer {
		return with(func(a *answer) {
			a.edit = func(p map[string]string) {
				if p[name] = value; value == "" {
					delete(p, name)
				}
			}
		})
	}
	for name, tt := range map[string]struct {
		answer answer
		want   error
	}{
		"right":                    {good, nil},
		"another user":             {with(func(a *answer) { a.user, a.password = "bob", "hunter2" }), nil},
		"commas and quotes":        {with(func(a *answer) { a.user, a.password = `q"uo,te\d`, "x" }), nil},
		"wrong password":           {with(func(a *answer) { a.password = "s3cre" }), errWrong},
		"unknown user":             {with(func(a *answer) { a.user = "carol" }), errWrong},
		"password of another user": {with(func(a *answer) { a.password = "hunter2" }), errWrong},
		"other method":             {with(func(a *answer) { a.method = "PUT" }), errWrong},
		"other path":               {with(func(a *answer) { a.uri = "/z?y=1" }), errTarget},
		"other query":              {with(func(a *answer) { a.uri = "/x" }), errTarget},
		"path in the answer only":  {edit("uri", "/x?y=1&z"), errTarget},
		"absolute uri":             {with(func(a *answer) { a.uri = "http://example.com/x?y=1" }), nil},
		"no algorithm":             {edit("algorithm", ""), nil},
		"algorithm in lower case":  {edit("algorithm", "md5"), nil},
		"no opaque":                {edit("opaque", ""), nil},
		"other opaque":             {edit("opaque", "x"), errMalformed},
		"no nonce":                 {edit("nonce", ""), errMalformed},
		"no count":                 {edit("nc", ""), errMalformed},
		"a short count":            {edit("nc", "1"), errMalformed},
		"a count that is none":     {edit("nc", "0000000g"), errMalformed},
		"no cnonce":                {edit("cnonce", ""), errMalformed},
		"no qop":                   {edit("qop", ""), errMalformed},
		"other qop":                {edit("qop", "auth-int"), errMalformed},
		"no response":              {edit("response", ""), errWrong},
		"short response":           {edit("response", "0"), errWrong},
		"no user":                  {edit("username", ""), errWrong},
		"other nonce":              {edit("nonce", "made-up"), errWrong},
		"user in UTF-8": {with(func(a *answer) {
			a.user, a.password = "Jäsøn Doe", "pass"
			a.edit = func(p map[string]string) { delete(p, "username"); p["username*"] = "UTF-8''J%C3%A4s%C3%B8n%20Doe" }
		}), nil},
		"user in another charset": {with(func(a *answer) {
			a.edit = func(p map[string]string) { delete(p, "username"); p["username*"] = "ISO-8859-1''alice" }
		}), errMalformed},
		"user twice": {with(func(a *answer) { a.edit = func(p map[string]string) { p["username*"] = "UTF-8''alice" } }), errMalformed},
		"user hashed": {with(func(a *answer) {
			a.edit = func(p map[string]string) {
				p["userhash"], p["username"] = "true", plain.alg.hash("alice", plain.Realm)
			}
		}), nil},
		"hash of an unknown user": {with(func(a *answer) {
			a.edit = func(p map[string]string) { p["userhash"], p["username"] = "true", plain.alg.hash("carol", plain.Realm) }
		}), errWrong},
		"name for a hash":   {edit("userhash", "true"), errWrong},
		"without a hash":    {edit("userhash", "false"), nil},
		"foreign parameter": {edit("foo", "bar"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			x := request("GET", "/x?y=1", tt.answer.to(challenge(plain, nil)))
			outcome, err := plain.Authenticate(x)
			if err != tt.want || (outcome == authn.Accepted) != (err == nil) || (outcome == authn.Refused) != (err != nil) {
				t.Errorf("%v, %v, want %v", outcome, err, tt.want)
			}
			if who := claims.Get(x, claims.DefaultKey); (who != nil) != (err == nil) || who != nil && who["name"] != tt.answer.user {
				t.Errorf("the claims are %v", who)
			}
			if x.Request.Header.Has("Authorization") != (err != nil) {
				t.Errorf("the header is %v", x.Request.Header)
			}
		})
	}
}

func TestAlgorithms(t *testing.T) {
	for _, alg := range []string{"MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"} {
		a := create(t, Options{Algorithm: alg, Users: file(t, "alice:s3cret"), KeepCredentials: true, ClaimsKey: "who"})
		for password, want := range map[string]authn.Outcome{"s3cret": authn.Accepted, "secret": authn.Refused} {
			x := request("GET", "/", answer{user: "alice", password: password, method: "GET", uri: "/"}.to(challenge(a, nil)))
			if got, err := a.Authenticate(x); got != want {
				t.Errorf("%s: %v, %v", alg, got, err)
			}
			if !x.Request.Header.Has("Authorization") || (claims.Get(x, "who") != nil) != (want == authn.Accepted) {
				t.Errorf("%s: the header is %v", alg, x.Request.Header)
			}
		}
	}
}

// TestAbsent has what is for other handlers of an AuthenticationMiddleware.
func TestAbsent(t *testing.T) {
	a := create(t, Options{Realm: "r", Algorithm: "SHA-256", Users: file(t, "alice:s3cret")})
	other := create(t, Options{Realm: "r", Users: file(t, "alice:s3cret")})
	elsewhere := create(t, Options{Realm: "s", Algorithm: "SHA-256", Users: file(t, "alice:s3cret")})
	good := answer{user: "alice", password: "s3cret", method: "GET", uri: "/"}
	for _, value := range []string{
		"", "Basic x", "DigestX", good.to(challenge(other, nil)), good.to(challenge(elsewhere, nil)),
	} {
		if got, err := a.Authenticate(request("GET", "/", value)); got != authn.Absent || err != nil {
			t.Errorf("%s: %v, %v", value, got, err)
		}
	}
	twice := request("GET", "/", good.to(challenge(a, nil)), good.to(challenge(a, nil)))
	if got, err := a.Authenticate(twice); got != authn.Refused || err != errSeveral {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMiddleware(t *testing.T) {
	a := create(t, Options{Realm: "r", Users: file(t, "alice:s3cret")})
	passed := 0
	h := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { passed++; return nil }))
	serve := func(values ...string) *gateway.Exchange {
		t.Helper()
		x := request("GET", "/", values...)
		if err := h.Serve(x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	x := serve()
	c := x.Response.Header.Get("WWW-Authenticate")
	if x.Response.Status != 401 || passed != 0 || strings.Contains(c, "stale") {
		t.Errorf("%d, %s", x.Response.Status, c)
	}
	good := answer{user: "alice", password: "s3cret", method: "GET", uri: "/"}.to(c)
	if x = serve(good); passed != 1 || x.Response.Status != 0 {
		t.Errorf("passed %d, status %d", passed, x.Response.Status)
	}
	x = serve(good)
	c = x.Response.Header.Get("WWW-Authenticate")
	if passed != 1 || x.Response.Status != 401 || !strings.HasSuffix(c, ", stale=true") {
		t.Errorf("passed %d, %d, %s", passed, x.Response.Status, c)
	}
	if x = serve("Digest garbage"); x.Response.Status != 401 {
		t.Error(x.Response.Status)
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]Options{
		`there is no digest algorithm "SHA-1"`:        {Algorithm: "SHA-1", Users: credentials.Files{}},
		"users.list:1: the secret can't be decrypted": {Users: file(t, "a:b"), Cipher: credentials.AESGCM("ZXhhbXBsZV9wYXNzd29yZA==")},
		"users.list:2: the user or id a is in ":       {Users: file(t, "a:b\na:c")},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	for target, want := range map[string]string{
		"/a?b": "/a?b", "*": "*", "": "", "http://h": "/", "HTTPS://h:1/a?b": "/a?b", "http://h?b": "/?b", "httpx://h/": "httpx://h/", "h:443": "h:443",
	} {
		if got := origin(target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func FuzzAuthenticate(f *testing.F) {
	a := create(f, Options{Users: file(f, "alice:s3cret")})
	f.Add("Digest garbage")
	f.Add(answer{user: "alice", password: "x", method: "GET", uri: "/"}.to(challenge(a, nil)))
	f.Fuzz(func(t *testing.T, value string) {
		if outcome, err := a.Authenticate(request("GET", "/", value)); outcome == authn.Accepted || (outcome == authn.Refused) != (err != nil) {
			t.Errorf("%v, %v", outcome, err)
		}
	})
}

func Example() {
	vars := env.New([]string{"USER_1=alice", "PASS_1=s3cret"})
	staff, err := New(Options{
		Realm: "staff", Algorithm: "SHA-256",
		Users: credentials.Variables{IDs: vars.Prefixed("", "USER_"), Secrets: vars.Prefixed("", "PASS_")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := staff.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	x := &gateway.Exchange{}
	err = h.Serve(x)
	fmt.Println(err, x.Response.Status, x.Response.Header.Get("WWW-Authenticate")[:56])
	// Output: <nil> 401 Digest realm="staff", qop="auth", algorithm=SHA-256, non
}

func BenchmarkMiddleware(b *testing.B) {
	for _, alg := range []string{"MD5", "SHA-256"} {
		b.Run(alg, func(b *testing.B) {
			a := create(b, Options{Realm: "r", Algorithm: alg, Users: file(b, "alice:s3cret")})
			h := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
			x := request("GET", "/")
			now := time.Now()
			value := answer{user: "alice", password: "s3cret", method: "GET", uri: "/"}.to(challenge(a, nil))
			id, ok := a.nonces.open(parameters(value)["nonce"], now)
			if !ok {
				b.Fatal("the nonce is refused")
			}
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				x.Start = now
				x.Request.Method, x.Request.Target = "GET", "/"
				x.Request.Header.Add("Authorization", value)
				if err := h.Serve(x); err != nil || x.Response.Status != 0 {
					b.Fatal(err, x.Response.Status)
				}
				delete(a.nonces.uses, id) // so that the same one can be used again
			}
		})
	}
}
