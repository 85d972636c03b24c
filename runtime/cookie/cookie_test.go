package cookie

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestGet(t *testing.T) {
	h := gateway.Header{{Name: "X", Value: "a=0"}, {Name: "cookie", Value: `a=1; b="2 3";c = 4 ; d`}, {Name: "Cookie", Value: "a=5; e=6=7;f=\""}}
	for name, want := range map[string]string{"a": "1", "b": "2 3", "c": "4", "d": "", "e": "6=7", "f": `"`} {
		if got, ok := Get(h, name); got != want || !ok {
			t.Errorf("%s: %q, %t, not %q", name, got, ok, want)
		}
	}
	if v, ok := Get(h, "A"); ok {
		t.Errorf("names of cookies have a case, but A is %q", v)
	}
	var all []string
	for n, v := range All(h) {
		all = append(all, n+"="+v)
		if len(all) == 6 {
			break
		}
	}
	if d := cmp.Diff([]string{"a=1", "b=2 3", "c=4", "d=", "a=5", "e=6=7"}, all); d != "" {
		t.Error(d)
	}
}

func TestWithout(t *testing.T) {
	sid := func(name string) bool { return strings.HasPrefix(name, "sid") }
	for in, want := range map[string]string{
		"a=1": "a=1", "a=1;  b=2;": "a=1;  b=2;", "sid=1": "-", "sid0=1; a=b; sid1=2": "a=b", "a=1;sid=2;b=3": "a=1; b=3", "sid=": "-", "": "", "xsid=1": "xsid=1",
	} {
		h := gateway.Header{{Name: "A", Value: "1"}, {Name: "Cookie", Value: in}, {Name: "B", Value: "sid=2"}}
		before := h[1]
		got := Without(h, sid)
		wantHeader := gateway.Header{h[0], {Name: "Cookie", Value: want}, h[2]}
		if want == "-" {
			wantHeader = gateway.Header{h[0], h[2]}
		}
		if d := cmp.Diff(wantHeader, got); d != "" || h[1] != before {
			t.Errorf("%q: %s", in, d)
		}
	}
}

func TestSet(t *testing.T) {
	for _, tt := range []struct {
		a    Attributes
		want string
	}{
		{Attributes{}, "n=v"},
		{Attributes{Path: "/app", Domain: "example.com", MaxAge: time.Hour, Secure: true, HTTPOnly: true, SameSite: SameSiteStrict}, "n=v; Path=/app; Domain=example.com; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"},
		{Attributes{SameSite: SameSiteLax}, "n=v; SameSite=Lax"},
		{Attributes{SameSite: SameSiteNone, Secure: true}, "n=v; Secure; SameSite=None"},
		{Attributes{MaxAge: -time.Hour}, "n=v; Max-Age=0"},
	} {
		if got := Set("n", "v", &tt.a); got != tt.want {
			t.Errorf("%q, not %q", got, tt.want)
		}
	}
	before := time.Now().Add(time.Hour - time.Second)
	_, expires, _ := strings.Cut(Set("n", "v", &Attributes{ExpiresIn: time.Hour}), "; Expires=")
	if at, err := http.ParseTime(expires); err != nil || at.Before(before) || at.After(time.Now().Add(time.Hour)) {
		t.Errorf("%q: %v", expires, err)
	}
	if got := Delete("n", &Attributes{Path: "/", MaxAge: time.Hour, ExpiresIn: time.Hour, Secure: true}); got != "n=; Path=/; Max-Age=0; Secure" {
		t.Errorf("Delete: %q", got)
	}
}

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{"": true, "aZ09!#$%&'()*+-./:<=>?@[]^_`{|}~": true, "a b": false, "a;b": false, "a,b": false, `a"b`: false, `a\b`: false, "a\x7f": false, "é": false, "\n": false} {
		if Valid(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}

// FuzzGet compares with net/http, which drops more.
func FuzzGet(f *testing.F) {
	for _, s := range []string{"", "a=b", `a="b"; c`, ";;=;a=;", "a=b=c; a=d", "a=\"", "\x00=\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		if strings.ContainsAny(list, "\r\n") {
			return // which net/http takes for blanks; no field has them
		}
		h := gateway.Header{{Name: "Cookie", Value: list}}
		seen := make(map[string]bool)
		for name, value := range All(h) {
			if got, ok := Get(h, name); !ok || !seen[name] && got != value {
				t.Errorf("%q is %q, %t, not %q", name, got, ok, value)
			}
			seen[name] = true
		}
		r := &http.Request{Header: http.Header{"Cookie": {list}}}
		for _, c := range r.Cookies() {
			if !seen[c.Name] {
				t.Errorf("%q isn't found in %q", c.Name, list)
			}
		}
		kept := Without(h, func(name string) bool { return name == "a" })
		if _, ok := Get(kept, "a"); ok {
			t.Errorf("a is still in %v", kept)
		}
		for name := range seen {
			want, _ := Get(h, name)
			if got, _ := Get(kept, name); name != "a" && name != "" && got != want {
				t.Errorf("%q was %q, and is %q without a", name, want, got)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	h := gateway.Header{{Name: "Accept", Value: "*/*"}, {Name: "Cookie", Value: "a=b; theme=dark; sid=0123456789"}}
	b.ReportAllocs()
	for b.Loop() {
		if v, _ := Get(h, "sid"); v == "" {
			b.Fatal("not found")
		}
	}
}

func Example() {
	h := gateway.Header{{Name: "Cookie", Value: "theme=dark; sid=4711"}}
	value, ok := Get(h, "sid")
	fmt.Println(value, ok)
	fmt.Println(Set("sid", "4712", &Attributes{Path: "/", Secure: true, HTTPOnly: true, SameSite: SameSiteLax}))
	// Output:
	// 4711 true
	// sid=4712; Path=/; HttpOnly; Secure; SameSite=Lax
}
