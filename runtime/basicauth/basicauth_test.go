package basicauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/password"
	"github.com/aileron-gateway/aileronc/runtime/password/bcrypt"
)

func file(t testing.TB, text string) credentials.Files {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users.list")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return credentials.Files{Paths: []string{name}}
}

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

func request(values ...string) *gateway.Exchange {
	x := &gateway.Exchange{Start: time.Unix(1700000000, 0)}
	for _, v := range values {
		x.Request.Header.Add("Authorization", v)
	}
	return x
}

const bcryptHash = "$2y$04$Wdh9mMKylYYz0KUAAA9FaeJIxZlHDOzntqcMoihyUfFRPbZ1PVjdO" // correct horse

func TestMiddleware(t *testing.T) {
	users := Options{Realm: `my "realm"`, Users: file(t, "alice:s3cret:{\"a\":1}\nbob:é\n")}
	kept, errs, hashed, sealed := users, users, users, users
	kept.KeepCredentials, kept.ClaimsKey = true, "who"
	errs.PreferError = true
	hashed.Users, hashed.Passwords = file(t, "alice:"+bcryptHash), bcrypt.Scheme{}
	files := file(t, "user3:313233343536373839303132333435368e1d0838f4a08ab69a5961a9ce54ae24281541e1d1fc228dae66e9b23dfcfa8cb9e9656ee728d35b29e88385a011911e")
	files.Encoding = credentials.Base16
	sealed.Users, sealed.Cipher = files, credentials.AESCBC("ZXhhbXBsZV9wYXNzd29yZA==")
	variables := Options{Users: credentials.Variables{IDs: env.New([]string{"U_1=foo"}).Prefixed("", "U_"), Secrets: env.New([]string{"P_01=bar"}).Prefixed("", "P_")}}
	const challenge = `Basic realm="my \"realm\"", charset="UTF-8"`
	at := func(name string, attrs any) map[string]any {
		return map[string]any{"method": "Basic", "auth_time": 1.7e9, "name": name, "attrs": attrs}
	}
	type want struct {
		claims    map[string]any // of a client that passes
		challenge string
		err       string
	}
	for name, tt := range map[string]struct {
		o      Options
		header []string
		want   want
	}{
		"right":             {users, []string{basic("alice:s3cret")}, want{claims: at("alice", map[string]any{"a": 1.0})}},
		"not ASCII":         {users, []string{basic("bob:é")}, want{claims: at("bob", nil)}},
		"scheme in lower":   {users, []string{"basic  " + basic("bob:é")[6:] + " "}, want{claims: at("bob", nil)}},
		"wrong password":    {users, []string{basic("alice:s3cre")}, want{challenge: challenge}},
		"other's password":  {users, []string{basic("alice:é")}, want{challenge: challenge}},
		"unknown":           {users, []string{basic("carol:s3cret")}, want{challenge: challenge}},
		"unknown, other's":  {users, []string{basic("carol:é")}, want{challenge: challenge}},
		"nothing":           {users, nil, want{challenge: challenge}},
		"another scheme":    {users, []string{"Bearer " + basic("alice:s3cret")[6:]}, want{challenge: challenge}},
		"a longer scheme":   {users, []string{"BasicX " + basic("alice:s3cret")[6:]}, want{challenge: challenge}},
		"the scheme alone":  {users, []string{"Basic"}, want{challenge: challenge}},
		"not Base64":        {users, []string{"Basic !!!"}, want{challenge: challenge}},
		"no colon":          {users, []string{basic("alice")}, want{challenge: challenge}},
		"nothing but colon": {users, []string{basic(":")}, want{challenge: challenge}},
		"twice":             {users, []string{basic("alice:s3cret"), basic("alice:s3cret")}, want{challenge: challenge}},
		"kept":              {kept, []string{basic("bob:é")}, want{claims: at("bob", nil)}},
		"error":             {errs, []string{basic("bob:e")}, want{err: "E3050.AppAuthnAuthentication Basic authentication failed [E3056.AppAuthnInvalidCredential unknown user or wrong password]"}},
		"no error":          {errs, []string{"Basic !"}, want{challenge: challenge}},
		"hashed":            {hashed, []string{basic("alice:correct horse")}, want{claims: at("alice", nil)}},
		"hashed, wrong":     {hashed, []string{basic("alice:" + bcryptHash)}, want{challenge: challenge}},
		"hashed, unknown":   {hashed, []string{basic("bob:correct horse")}, want{challenge: challenge}},
		"encrypted":         {sealed, []string{basic("user3:bd16d0c8-7bc0-4bf4-a0b0-bccaa3e2f072")}, want{claims: at("user3", nil)}},
		"variables":         {variables, []string{basic("foo:bar")}, want{claims: at("foo", nil)}},
		"no users":          {Options{Users: credentials.Files{}}, []string{basic("foo:bar")}, want{challenge: `Basic realm="", charset="UTF-8"`}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := New(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time, something may be remembered
				x := request(tt.header...)
				passed := false
				err = a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error {
					passed = true
					return nil
				})).Serve(x)
				got := want{challenge: x.Response.Header.Get("WWW-Authenticate")}
				if err != nil {
					got.err = err.Error()
				}
				got.claims = claims.Get(x, claims.DefaultKey)
				if tt.o.ClaimsKey != "" {
					got.claims = claims.Get(x, tt.o.ClaimsKey)
				}
				if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); d != "" {
					t.Error(d)
				}
				status := x.Response.Status
				if err != nil {
					status = gateway.StatusOf(err)
				}
				if passed != (got.claims != nil) || !passed && status != 401 {
					t.Errorf("passed: %v, status: %d", passed, status)
				}
				if passed && x.Request.Header.Has("Authorization") != tt.o.KeepCredentials {
					t.Errorf("the header is %v", x.Request.Header)
				}
			}
		})
	}
}

// counting is a scheme whose hashes count how often they are computed.
type counting struct {
	scheme password.Scheme
	n      *atomic.Int32
}

type counted struct {
	password.Hash
	n *atomic.Int32
}

func (c counting) Parse(stored []byte) (password.Hash, error) {
	h, err := c.scheme.Parse(stored)
	return counted{h, c.n}, err
}

func (c counted) Verify(p []byte) bool {
	c.n.Add(1)
	return c.Hash.Verify(p)
}

// TestRemembered holds that a right password isn't hashed each time, and that all others are: also those of
// users that don't exist, though they be the right ones of others.
func TestRemembered(t *testing.T) {
	var n atomic.Int32
	files := file(t, "alice:"+bcryptHash)
	a, err := New(Options{Users: files, Passwords: counting{bcrypt.Scheme{}, &n}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	try := func(what, userAndPassword string, after time.Duration, want authn.Outcome, hashes int32) {
		t.Helper()
		n.Store(0)
		x := request(basic(userAndPassword))
		at = at.Add(after)
		x.Start = at
		if got, err := a.Authenticate(x); got != want || n.Load() != hashes {
			t.Errorf("%s: %v, %v after %d hashes; want %v after %d", what, got, err, n.Load(), want, hashes)
		}
	}
	const right, wrong, unknown = "alice:correct horse", "alice:battery staple", "bob:correct horse"
	try("at first", right, 0, authn.Accepted, 1)
	try("again", right, 0, authn.Accepted, 0)
	try("wrong", wrong, 0, authn.Refused, 1)
	try("wrong again", wrong, 0, authn.Refused, 1)
	try("unknown", unknown, 0, authn.Refused, 1)
	try("still there", right, remembered-time.Second, authn.Accepted, 0)
	try("after a minute", right, 2*time.Second, authn.Accepted, 1)
	try("and again", right, time.Second, authn.Accepted, 0)
	if err := os.WriteFile(files.Paths[0], []byte("alice:"+bcryptHash+":{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	try("read again", right, 10*time.Second, authn.Accepted, 1)
}

func TestAuthenticator(t *testing.T) {
	a, err := New(Options{Users: file(t, "a:b"), PreferError: true})
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]struct {
		outcome   authn.Outcome
		challenge bool
	}{
		"":           {authn.Absent, true},
		"Digest x":   {authn.Absent, true},
		"Basic x":    {authn.Refused, true},
		basic("a:c"): {authn.Refused, false},
		basic("a:b"): {authn.Accepted, true},
	} {
		outcome, err := a.Authenticate(request(value))
		var h gateway.Header
		a.Challenge(&h, err)
		if outcome != want.outcome || h.Has("WWW-Authenticate") != want.challenge || (err != nil) != (outcome == authn.Refused) {
			t.Errorf("%q: %v, %v, %v", value, outcome, err, h)
		}
	}
}

// TestFull holds that who comes when too many passwords are verified gets a 503.
func TestFull(t *testing.T) {
	a, err := New(Options{Users: file(t, "alice:"+bcryptHash), Passwords: bcrypt.Scheme{}})
	if err != nil {
		t.Fatal(err)
	}
	gone := request(basic("alice:correct horse"))
	gone.Cancel(errors.New("gone")) // so that it doesn't wait
	for a.gate.Enter(gone) == nil {
		defer a.gate.Leave()
	}
	outcome, err := a.Authenticate(gone)
	if outcome != authn.Failed || gateway.StatusOf(err) != 503 {
		t.Errorf("%v, %v", outcome, err)
	}
	if err := a.Middleware(nil).Serve(gone); gateway.StatusOf(err) != 503 {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]Options{
		"users.list:2: the hash isn't one of bcrypt":              {Users: file(t, "a:"+bcryptHash+"\nb:secret"), Passwords: bcrypt.Scheme{}},
		"users.list:1: the secret can't be decrypted":             {Users: file(t, "a:b"), Cipher: credentials.AESGCM("ZXhhbXBsZV9wYXNzd29yZA==")},
		"users.list:2: the user or id a is in ":                   {Users: file(t, "a:b\na:c")},
		"the key of the encryption is not Base64 with padding":    {Users: file(t, "a:b"), Cipher: credentials.AESGCM("x")},
		"read credentials: stat nowhere: no such file or directo": {Users: credentials.Files{Paths: []string{"nowhere"}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzAuthenticate(f *testing.F) {
	f.Add("Basic YTpi")
	f.Add("basic   YTpi ")
	f.Add("Basic Og==")
	f.Add("Basic")
	f.Add("Bearer YTpi")
	a, err := New(Options{Users: file(f, "a:b")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		outcome, err := a.Authenticate(request(value))
		if (err != nil) != (outcome == authn.Refused) {
			t.Fatalf("%v, %v", outcome, err)
		}
		if outcome != authn.Accepted {
			return
		}
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[len("Basic"):]))
		if err != nil || string(b) != "a:b" {
			t.Fatalf("accepted: %q", value)
		}
	})
}

func Example() {
	staff, err := New(Options{
		Realm: "staff",
		Users: credentials.Variables{IDs: env.New([]string{"USER_1=alice"}).Prefixed("", "USER_"), Secrets: env.New([]string{"PASS_1=s3cret"}).Prefixed("", "PASS_")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := staff.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println("hello,", claims.Get(x, claims.DefaultKey)["name"])
		return nil
	}))
	x := request()
	fmt.Println(h.Serve(x), x.Response.Status, x.Response.Header.Get("WWW-Authenticate"))
	fmt.Println(h.Serve(request("Basic YWxpY2U6czNjcmV0")))
	// Output:
	// <nil> 401 Basic realm="staff", charset="UTF-8"
	// hello, alice
	// <nil>
}

func BenchmarkMiddleware(b *testing.B) {
	for name, o := range map[string]Options{
		"plain":  {Users: file(b, "alice:correct horse")},
		"bcrypt": {Users: file(b, "alice:"+bcryptHash), Passwords: bcrypt.Scheme{}},
	} {
		b.Run(name, func(b *testing.B) {
			a, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			h := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
			x := request()
			value := basic("alice:correct horse")
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				x.Start = time.Unix(1700000000, 0)
				x.Request.Header.Add("Authorization", value)
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
