package authcode

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var localTargets = map[string]bool{
	"/":                        true,
	"/a/b?c=d&e=%2F#f":         true,
	"/a//b":                    true,
	"/?rd=https://example.com": true,
	"/%0a%5c":                  true,
	"/é":                       true,
	"":                         false,
	"a":                        false,
	"//evil.example":           false,
	"///evil.example":          false,
	`/\evil.example`:           false,
	`\/evil.example`:           false,
	`/a\..\..\evil`:            false,
	"/\t/evil.example":         false,
	"/\n/evil.example":         false,
	"/a\r\nSet-Cookie: a=b":    false,
	" /":                       false,
	"/a b":                     false,
	"/\x00":                    false,
	"/\x7f":                    false,
	"https://evil.example/":    false,
	"https:/evil.example/":     false,
	"javascript:alert(1)":      false,
	"?a":                       false,
}

func TestLocalTarget(t *testing.T) {
	for s, want := range localTargets {
		if localTarget(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
	if got := asciiTarget("/é?ü"); got != "/%C3%A9?%C3%BC" {
		t.Errorf("%q", got)
	}
}

// What is taken for local doesn't leave the site, and can be in a Location field.
func FuzzLocalTarget(f *testing.F) {
	for s := range localTargets {
		f.Add(s)
	}
	base, _ := url.Parse("https://site.example/login")
	f.Fuzz(func(t *testing.T, s string) {
		if !localTarget(s) {
			return
		}
		s = asciiTarget(s)
		for i := range len(s) {
			if s[i] <= ' ' || s[i] >= 0x7f {
				t.Fatalf("%q can't be in a field", s)
			}
		}
		u, err := base.Parse(s)
		if err == nil && (u.Host != base.Host || u.Scheme != base.Scheme) {
			t.Errorf("%q leads to %s", s, u)
		}
	})
}

func TestAttempt(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a, b := newAttempt("x", "/a", now), newAttempt("x", "/a", now)
	for name, get := range map[string]func(*attempt) string{"state": (*attempt).state, "nonce": (*attempt).nonce, "verifier": (*attempt).verifier} {
		want := map[string]int{"state": 112, "nonce": 43, "verifier": 112}[name]
		if s := get(a); len(s) != want || s == get(b) || s != get(a) {
			t.Errorf("%s is %q", name, s)
		}
	}
	if strings.HasPrefix(a.state(), a.nonce()) || a.state() == a.verifier() {
		t.Error("who knows one knows another")
	}
	// RFC 7636, appendix B
	if got := challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"); got != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" {
		t.Errorf("challenge %q", got)
	}
}

func TestParseAttempt(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a := newAttempt("ctx", "/target", now)
	for at, want := range map[time.Time]bool{now: true, now.Add(attemptLife - time.Second): true, now.Add(attemptLife): false, now.Add(-time.Minute): true, now.Add(-time.Hour): false} {
		got := parseAttempt(a.encode(), at)
		if (got != nil) != want {
			t.Errorf("at %v: %v", at, got)
		}
		if want && cmp.Diff(a, got, cmp.AllowUnexported(attempt{})) != "" {
			t.Errorf("%+v, not %+v", got, a)
		}
	}
	value := a.encode()
	for _, bad := range [][]byte{nil, value[1:], value[:len(value)-1], append(value, 0)} {
		if got := parseAttempt(bad, now); got != nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func FuzzAttempt(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	f.Add(newAttempt("a", "/", now).encode())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, value []byte) {
		parseSaved(value, now)
		if a := parseAttempt(value, now); a != nil {
			if d := cmp.Diff(a, parseAttempt(a.encode(), now), cmp.AllowUnexported(attempt{})); d != "" {
				t.Error(d)
			}
		}
	})
}

func TestParams(t *testing.T) {
	p := params{{"client_id", "a b"}, {"scope", "openid é"}}
	p.override("prompt", "login")
	p.override("scope", "openid&x=y")
	if got := p.encode(); got != "client_id=a+b&scope=openid%26x%3Dy&prompt=login" {
		t.Errorf("%q", got)
	}
	for endpoint, want := range map[string]string{
		"https://a/b":      "https://a/b?q",
		"https://a/b?":     "https://a/b?q",
		"https://a/b?c=d":  "https://a/b?c=d&q",
		"https://a/b?c=d&": "https://a/b?c=d&q",
		"https://a/b#c":    "https://a/b?q",
	} {
		if got := appendQuery(endpoint, "q"); got != want {
			t.Errorf("%q: %q, not %q", endpoint, got, want)
		}
	}
}

func exchange(method, target string, header gateway.Header, body string) *gateway.Exchange {
	x := new(gateway.Exchange)
	x.Request.Method, x.Request.Target, x.Request.Header, x.Request.Host = method, target, header, "site.example"
	x.Request.RawPath, x.Request.RawQuery, _ = strings.Cut(target, "?")
	x.Request.Path, _ = url.PathUnescape(x.Request.RawPath)
	if body != "" {
		x.Request.Body, x.Request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	return x
}

func TestRestore(t *testing.T) {
	x := exchange("POST", "/a%20b?c=d", gateway.Header{
		{Name: "Accept", Value: "*/*"}, {Name: "cookie", Value: "sid=1"}, {Name: "Authorization", Value: "Basic x"}, {Name: "Connection", Value: "close, X-Hop"},
		{Name: "X-Hop", Value: "1"}, {Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "Expect", Value: "100-continue"}, {Name: "Content-Type", Value: "text/plain"},
	}, "the body")
	x.Request.ContentLength = -1
	saved, err := saveRequest(x, 1000)
	if err != nil {
		t.Fatal(err)
	}
	y := exchange("GET", "/callback?code=1", gateway.Header{{Name: "Cookie", Value: "sid=2"}, {Name: "Accept", Value: "text/html"}}, "form=1")
	if !restoreRequest(y, saved) {
		t.Fatal("it can't be restored")
	}
	q := &y.Request
	if q.Method != "POST" || q.Target != "/a%20b?c=d" || q.Path != "/a b" || q.RawPath != "/a%20b" || q.RawQuery != "c=d" || q.ContentLength != 8 {
		t.Errorf("%+v", q)
	}
	want := gateway.Header{{Name: "Accept", Value: "*/*"}, {Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "Content-Type", Value: "text/plain"}, {Name: "Cookie", Value: "sid=2"}}
	if d := cmp.Diff(want, q.Header); d != "" {
		t.Error(d)
	}
	if b, err := io.ReadAll(q.Body); string(b) != "the body" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if saved, err = saveRequest(exchange("GET", "/", nil, ""), 1000); err != nil || !restoreRequest(y, saved) || y.Request.Body != nil || y.Request.ContentLength != 0 {
		t.Errorf("a request without a body: %v, %+v", err, y.Request)
	}
	for name, x := range map[string]*gateway.Exchange{
		"body":   exchange("POST", "/", nil, strings.Repeat("x", 1001)),
		"header": exchange("POST", "/", gateway.Header{{Name: "a", Value: strings.Repeat("x", 1001)}}, ""),
		"stream": {Request: gateway.Request{Method: "POST", Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 1001))), ContentLength: -1}},
	} {
		if _, err := saveRequest(x, 1000); !errors.Is(err, errTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRestore(f *testing.F) {
	saved, _ := saveRequest(exchange("POST", "/a?b", gateway.Header{{Name: "a", Value: "b"}}, "body"), 1000)
	f.Add([]byte(saved))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0x7f}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := exchange("GET", "/callback", gateway.Header{{Name: "Cookie", Value: "c"}}, "")
		before := x.Request
		if !restoreRequest(x, string(b)) {
			if d := cmp.Diff(before.Header, x.Request.Header); d != "" || x.Request.Method != "GET" {
				t.Errorf("it has been changed: %s", d)
			}
			return
		}
		if len(x.Request.Header) == 0 || x.Request.Header.Get("Cookie") == "" {
			t.Error("the cookie is lost")
		}
	})
}

func TestScripted(t *testing.T) {
	for value, want := range map[string]bool{"Sec-Fetch-Mode: navigate": false, "Sec-Fetch-Mode: cors": true, "Sec-Fetch-Mode: websocket": true, "X-Requested-With: XMLHttpRequest": true, "Accept: */*": false} {
		name, value, _ := strings.Cut(value, ": ")
		if scripted(gateway.Header{{Name: name, Value: value}}) != want {
			t.Errorf("%s: %s: %t", name, value, !want)
		}
	}
}
