package pattern_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace"
	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
	"github.com/aileron-gateway/aileronc/runtime/replace/pattern"
)

func TestFuncs(t *testing.T) {
	pair := regexp.MustCompile(`(?P<name>\w+)=(\w+)`)
	tests := []struct {
		name     string
		f        replace.Func
		in, want string
	}{
		{"regexp", pattern.Replace(pair, "$2=${name}"), "a=1&b=2", "1=a&2=b"},
		{"regexp, everything", pattern.Replace(regexp.MustCompile(`.*`), "###"), "Bearer abc", "###"},
		{"regexp, no match", pattern.Replace(pair, "x"), "a-b", "a-b"},
		{"leftmost-first", pattern.Replace(regexp.MustCompile(`a|ab`), "x"), "ab", "xb"},
		{"POSIX, leftmost-longest", pattern.Replace(regexp.MustCompilePOSIX(`a|ab`), "x"), "ab", "x"},
		{"literal", pattern.Literal(pair, "$1"), "a=1&b=2", "$1&$1"},
		{"expand", pattern.Expand(pair, "<$name>"), "a=1&b=2", "<a><b>"},
		{"expand, no match", pattern.Expand(pair, "<$name>"), "a-b", ""},
		{"each", pattern.Each(regexp.MustCompile(`\d+`), encode.Text(encode.Base16)), "a1b23", "a31b3233"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func Example() {
	mask := pattern.Replace(regexp.MustCompile(`"password":"[^"]*"`), `"password":"***"`)
	fmt.Println(mask(`{"user":"alice","password":"p4ss"}`))
	// Output: {"user":"alice","password":"***"}
}
