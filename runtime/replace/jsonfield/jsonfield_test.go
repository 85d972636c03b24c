package jsonfield_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace"
	"github.com/aileron-gateway/aileronc/runtime/replace/jsonfield"
)

func edit(t *testing.T, doc string, paths []string, funcs ...replace.Func) (string, bool) {
	t.Helper()
	e, err := jsonfield.New(paths, funcs)
	if err != nil {
		t.Fatal(err)
	}
	return e.Edit(doc)
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name, paths, doc, want string // paths are separated by blanks; each value becomes <it>
	}{
		{"member", "a", `{"a":"x","b":"y"}`, `{"a":<"x">,"b":"y"}`},
		{"what is around stays", "b", " { \"a\" : 1 ,\n\t\"b\":\r2 } ", " { \"a\" : 1 ,\n\t\"b\":\r<2> } "},
		{"member of a member", "a.b", `{"a":{"b":1},"b":2}`, `{"a":{"b":<1>},"b":2}`},
		{"element", "a.1", `{"a":[1,2,3]}`, `{"a":[1,<2>,3]}`},
		{"member of an element", "0.a", `[{"a":1},{"a":2}]`, `[{"a":<1>},{"a":2}]`},
		{"a number is a name, too", "a.1", `{"a":{"0":1,"1":2}}`, `{"a":{"0":1,"1":<2>}}`},
		{"each element", "a.#", `{"a":[1,[2],{"b":3}]}`, `{"a":[<1>,<[2]>,<{"b":3}>]}`},
		{"member of each element", "#.a", `[{"a":1},2,{"b":3},{"a":4}]`, `[{"a":<1>},2,{"b":3},{"a":<4>}]`},
		{"any member", "*.a", `{"x":{"a":1},"y":{"a":2},"a":3}`, `{"x":{"a":<1>},"y":{"a":<2>},"a":3}`},
		{"wildcards", "pass* pi?", `{"password":1,"passphrase":2,"pin":3,"pi":4}`, `{"password":<1>,"passphrase":<2>,"pin":<3>,"pi":4}`},
		{"several paths", "a b.c", `{"a":1,"b":{"c":2}}`, `{"a":<1>,"b":{"c":<2>}}`},
		{"two paths to one value", "a *", `{"a":1}`, `{"a":<1>}`},
		{"a value within another", "a a.b", `{"a":{"b":1,"c":2},"d":3}`, `{"a":<{"b":<1>,"c":2}>,"d":3}`},
		{"name with a dot", `a\.b`, `{"a.b":1,"a":{"b":2}}`, `{"a.b":<1>,"a":{"b":2}}`},
		{"name in escapes", `passwörd a/b`, `{"p\u0061ssw\u00f6rd":1,"a\/b":2}`, `{"p\u0061ssw\u00f6rd":<1>,"a\/b":<2>}`},
		{"name in a pair of escapes", "\U0001F600", `{"\ud83d\ude00":1,"\ud83d":2,"\ud83d\u0041":3}`, `{"\ud83d\ude00":<1>,"\ud83d":2,"\ud83d\u0041":3}`},
		{"a name twice", "a", `{"a":1,"a":2}`, `{"a":<1>,"a":<2>}`},
		{"not there", "x a.x a.b.c a.0", `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		{"a scalar", "a", `"a"`, `"a"`},
		{"empty containers", "a #", ` [ { } , [ ] , "" ] `, ` [ <{ }> , <[ ]> , <""> ] `},
		{"all kinds", "*", `{"a":-1.5e+10,"b":true,"c":false,"d":null,"e":"\"\\\n","f":{"g":0}}`, `{"a":<-1.5e+10>,"b":<true>,"c":<false>,"d":<null>,"e":<"\"\\\n">,"f":<{"g":0}>}`},
		{"no paths", "", `{"a":1}`, `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := edit(t, tt.doc, strings.Fields(tt.paths), func(s string) string { return "<" + s + ">" })
			if !ok || got != tt.want {
				t.Errorf("got %s, %t, want %s", got, ok, tt.want)
			}
		})
	}
}

// Each replacer gets what the one before has made.
func TestChain(t *testing.T) {
	got, ok := edit(t, `{"a":"secret"}`, []string{"a"}, replace.Left("*", 3), replace.Right("#", 2))
	if want := `{"a":***cre##}`; !ok || got != want {
		t.Errorf("got %s, %t, want %s", got, ok, want)
	}
}

func TestNotJSON(t *testing.T) {
	for _, doc := range []string{
		"", " ", "x", "{", `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1}}`, `{"a":1} x`, "[1,]", "[1 2]", "[", "tru", "nul", "-", "01", "1.", ".5", "1e", "+1",
		`"`, `"\x"`, `"\u12g4"`, `"\u12`, "\"\n\"", `{"a":"b`, `{"a" 1}`, `{"a":1 "b":2}`,
	} {
		if got, ok := edit(t, doc, []string{"a"}, replace.Fixed("-")); ok {
			t.Errorf("%q becomes %q", doc, got)
		}
	}
	deep := strings.Repeat("[", 1001) + strings.Repeat("]", 1001)
	if _, ok := edit(t, deep, []string{"a"}); ok {
		t.Error("a document of 1001 levels is edited")
	}
	if _, ok := edit(t, deep[1:2001], []string{"a"}); !ok {
		t.Error("a document of 1000 levels isn't")
	}
}

func TestBadPaths(t *testing.T) {
	if _, err := jsonfield.New([]string{"a", "b.#(c==1)"}, nil); err == nil {
		t.Error("no error")
	}
}

// What is JSON is told as encoding/json does it, and stays so if its values become others.
func FuzzEdit(f *testing.F) {
	f.Add(`{"a":"x","b":[1,{"a":null}]}`, "a")
	f.Add(`[{"\u0061":-1.5e3},true]`, "#.a")
	f.Add(`{"a":{"a":{"a":"\ud83d\ude00"}}}`, "*.a*")
	f.Fuzz(func(t *testing.T, doc, path string) {
		e, err := jsonfield.New([]string{path}, []replace.Func{replace.Fixed("0")})
		if err != nil {
			return
		}
		got, ok := e.Edit(doc)
		if valid := json.Valid([]byte(doc)); valid != ok && strings.Count(doc, "[")+strings.Count(doc, "{") <= 1000 {
			t.Fatalf("%q: %t, but encoding/json says %t", doc, ok, valid)
		}
		if ok && !json.Valid([]byte(got)) {
			t.Errorf("%q becomes %q", doc, got)
		}
		keep, err := jsonfield.New([]string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if same, _ := keep.Edit(doc); ok && same != doc {
			t.Errorf("%q becomes %q without a replacer", doc, same)
		}
	})
}

func Example() {
	e, err := jsonfield.New([]string{"user.password", "cards.#.number"}, []replace.Func{replace.Fixed(`"***"`)})
	if err != nil {
		panic(err)
	}
	fmt.Println(e.Edit(`{"user":{"name":"alice","password":"p4ss"},"cards":[{"number":"4111"},{"number":"5500"}]}`))
	// Output: {"user":{"name":"alice","password":"***"},"cards":[{"number":"***"},{"number":"***"}]} true
}

func BenchmarkEdit(b *testing.B) {
	e, err := jsonfield.New([]string{"user.password", "cards.#.number"}, []replace.Func{replace.Fixed(`"***"`)})
	if err != nil {
		b.Fatal(err)
	}
	doc := `{"user":{"name":"alice","password":"p4ss"},"cards":[{"number":"4111"},{"number":"5500"}],"text":"` + strings.Repeat("x", 1000) + `"}`
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		e.Edit(doc)
	}
}
