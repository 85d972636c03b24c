package jsonval

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

func TestAppend(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
	}{
		{nil, `null`}, {true, `true`}, {"a\"\\\n\x00é\xff<", `"a\"\\\u000a\u0000é` + "\ufffd" + `<"`}, {int64(-7), `-7`},
		{0.0, `0`}, {1.5, `1.5`}, {1764000000.0, `1764000000`}, {-1e300, `-1e+300`}, {1e15, `1e+15`}, {math.Inf(1), `null`}, {math.NaN(), `null`},
		{[]any{}, `[]`}, {[]any{1.0, "a", nil}, `[1,"a",null]`}, {[]string{"a", "b"}, `["a","b"]`}, {[]string(nil), `[]`},
		{map[string]any{}, `{}`}, {map[string]any{"b": []any{false}, "a": map[string]any{"x": 1.0}}, `{"a":{"x":1},"b":[false]}`},
		{map[string]string{"b": "1", "a": "2"}, `{"a":"2","b":"1"}`}, {map[string]any(nil), `{}`},
	} {
		if got := string(Append([]byte("x"), tt.v)); got != "x"+tt.want {
			t.Errorf("%v: %s, want x%s", tt.v, got, tt.want)
		}
	}
}

func TestAppendUnknown(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a struct has a form in JSON")
		}
	}()
	Append(nil, struct{}{})
}

// What is written is what is read, by this package and by encoding/json.
func FuzzAppend(f *testing.F) {
	f.Add(`{"a":[1,2.5e-7,"\ud83d\ude00",null,true],"b":{"c":""}}`)
	f.Add(`"\u0000\u001f\u007f<>&"`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		b := Append(nil, v)
		again, err := Parse(string(b))
		if err != nil || !reflect.DeepEqual(v, again) {
			t.Errorf("%s became %s, %v", text, b, err)
		}
		var other any
		if err := json.Unmarshal(b, &other); err != nil || !reflect.DeepEqual(v, other) {
			t.Errorf("%s became %s, to encoding/json: %v", text, b, err)
		}
	})
}
