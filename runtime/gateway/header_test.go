package gateway

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeader(t *testing.T) {
	header := func() Header {
		return Header{{"Host-Like", "a"}, {"accept", "x, y"}, {"X-A", "1"}, {"ACCEPT", "z"}, {"x-a", ""}}
	}
	t.Run("look-ups ignore case and keep order", func(t *testing.T) {
		h := header()
		if got := h.Get("Accept"); got != "x, y" {
			t.Errorf("Get: %q", got)
		}
		if got := slices.Collect(h.Values("Accept")); !slices.Equal(got, []string{"x, y", "z"}) {
			t.Errorf("Values: %q", got)
		}
		if got := slices.Collect(h.Tokens("Accept")); !slices.Equal(got, []string{"x", "y", "z"}) {
			t.Errorf("Tokens: %q", got)
		}
		if got, ok := h.Joined("X-A", ","); got != "1," || !ok {
			t.Errorf("Joined: %q, %t", got, ok)
		}
		if _, ok := h.Joined("X-B", ","); ok {
			t.Error("Joined finds what isn't there")
		}
		if !h.Has("X-a") || h.Has("X") {
			t.Error("Has")
		}
		if !h.HasToken("accept", "Y") || h.HasToken("accept", "x, y") {
			t.Error("HasToken")
		}
	})
	tests := []struct {
		name string
		edit func(*Header)
		want Header
	}{
		{"set replaces all, in the place of the first", func(h *Header) { h.Set("Accept", "n") },
			Header{{"Host-Like", "a"}, {"Accept", "n"}, {"X-A", "1"}, {"x-a", ""}}},
		{"set appends what is new", func(h *Header) { h.Set("New", "n") },
			Header{{"Host-Like", "a"}, {"accept", "x, y"}, {"X-A", "1"}, {"ACCEPT", "z"}, {"x-a", ""}, {"New", "n"}}},
		{"set replaces the last", func(h *Header) { *h = (*h)[:3]; h.Set("x-A", "2") },
			Header{{"Host-Like", "a"}, {"accept", "x, y"}, {"x-A", "2"}}},
		{"del removes all", func(h *Header) { h.Del("X-A"); h.Del("Nothing") },
			Header{{"Host-Like", "a"}, {"accept", "x, y"}, {"ACCEPT", "z"}}},
		{"add", func(h *Header) { *h = nil; h.Add("A", "b") }, Header{{"A", "b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := header()
			tt.edit(&h)
			if d := cmp.Diff(tt.want, h); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestSplitList(t *testing.T) {
	for list, want := range map[string][]string{
		"":              nil,
		",, ,":          nil,
		"a":             {"a"},
		" a ,\tb,,c d ": {"a", "b", "c d"},
	} {
		if got := slices.Collect(SplitList(list)); !slices.Equal(got, want) {
			t.Errorf("%q: %q, not %q", list, got, want)
		}
	}
}

// FuzzNames compares with what net/http does to names.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "content-type", "X-FORWARDED-for", "-a--b", "été", "a b"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if valid(a) && CanonicalName(a) != http.CanonicalHeaderKey(a) {
			t.Errorf("%q: %q, not %q", a, CanonicalName(a), http.CanonicalHeaderKey(a))
		}
		if valid(a) && valid(b) && EqualName(a, b) != (http.CanonicalHeaderKey(a) == http.CanonicalHeaderKey(b)) {
			t.Errorf("EqualName(%q, %q) is %t", a, b, EqualName(a, b))
		}
	})
}

// valid reports whether s is a token: net/http leaves other names as they are.
func valid(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || slices.Contains([]byte(`"(),/:;<=>?@[\]{}`), c) {
			return false
		}
	}
	return s != ""
}

func BenchmarkGet(b *testing.B) {
	h := Header{{"Host", "a"}, {"User-Agent", "b"}, {"Accept", "c"}, {"Accept-Encoding", "d"}, {"Connection", "e"}, {"Origin", "f"}}
	b.ReportAllocs()
	for b.Loop() {
		if h.Get("Origin") == "" || h.Get("Cookie") != "" {
			b.Fatal("wrong")
		}
	}
}
