package replace_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace"
)

func TestFuncs(t *testing.T) {
	tests := []struct {
		name     string
		f        replace.Func
		in, want string
	}{
		{"fixed", replace.Fixed("x"), "secret", "x"},
		{"fixed, empty", replace.Fixed(""), "secret", ""},
		{"value", replace.Value(map[string]string{"a": "1", "b": "2"}), "abcab", "12c12"},
		{"value, longest key first", replace.Value(map[string]string{"a": "1", "aa": "2", "aaa": "3"}), "aaaaaa aa a", "33 2 1"},
		{"value, alphabetical, each on the outcome before", replace.Value(map[string]string{"b": "c", "a": "b"}), "ab", "cc"},
		{"value, empty key", replace.Value(map[string]string{"": "x"}), "ab", "ab"},
		{"value, no keys", replace.Value(nil), "ab", "ab"},
		{"left", replace.Left("*", 2), "abcd", "**cd"},
		{"left, shorter input", replace.Left("*", 9), "abcd", "****"},
		{"left, none", replace.Left("*", 0), "abcd", "abcd"},
		{"left, cut", replace.Left("", 2), "abcd", "cd"},
		{"left, several characters", replace.Left("<>", 2), "abc", "<><>c"},
		{"left, code points", replace.Left("*", 2), "äöü", "**ü"},
		{"left, not UTF-8", replace.Left("*", 2), "\xff\xfea", "**a"},
		{"right", replace.Right("*", 2), "abcd", "ab**"},
		{"right, shorter input", replace.Right("*", 9), "abcd", "****"},
		{"right, cut", replace.Right("", 3), "abcd", "a"},
		{"right, code points", replace.Right("*", 2), "äöü", "ä**"},
		{"left bytes", replace.LeftBytes("*", 2), "äöü", "**öü"},
		{"left bytes, shorter input", replace.LeftBytes("*", 9), "ab", "**"},
		{"right bytes", replace.RightBytes("*", 2), "äöü", "äö**"},
		{"right bytes, shorter input", replace.RightBytes("*", 9), "ab", "**"},
		{"trim", replace.Trim(" \t"), "\t a b ", "a b"},
		{"trim, first set that changes something", replace.Trim("x", "y", "z"), "yzazy", "zaz"},
		{"trim, nothing to do", replace.Trim("x"), "abc", "abc"},
		{"trim, no sets", replace.Trim(), "abc", "abc"},
		{"trim, code points", replace.Trim("ä"), "äaöä", "aö"},
		{"trim left", replace.TrimLeft("ab"), "abcba", "cba"},
		{"trim right", replace.TrimRight("ab"), "abcba", "abc"},
		{"trim bytes", replace.TrimBytes("\xc3"), "\xc3a\xc3", "a"},
		{"trim bytes, part of a code point", replace.TrimLeftBytes("\xc3"), "ä", "\xa4"},
		{"trim right bytes", replace.TrimRightBytes("x", "\xa4"), "ä", "\xc3"},
		{"trim prefix", replace.TrimPrefix("x", "ab", "a"), "ababc", "abc"},
		{"trim prefix, none fits", replace.TrimPrefix("x"), "abc", "abc"},
		{"trim suffix", replace.TrimSuffix("x", "bc", "c"), "abcbc", "abc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestApply(t *testing.T) {
	fs := []replace.Func{replace.TrimPrefix("Bearer "), replace.Left("*", 3)}
	if got := replace.Apply(fs, "Bearer abcdef"); got != "***def" {
		t.Errorf("got %q", got)
	}
	if got := replace.Apply(nil, "as it is"); got != "as it is" {
		t.Errorf("got %q", got)
	}
}

func Example() {
	mask := replace.Right("*", 4)
	fmt.Println(mask("4111111111111111"))
	// Output: 411111111111****
}

func BenchmarkLeft(b *testing.B) {
	f := replace.Left("*", 8)
	b.ReportAllocs()
	for b.Loop() {
		f("Bearer abcdefghijklmnop")
	}
}
