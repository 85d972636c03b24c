package csrf

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestSources(t *testing.T) {
	const form, js = "application/x-www-form-urlencoded", "application/json"
	long := strings.Repeat("x", maxBody)
	for name, tt := range map[string]struct {
		source      Source
		contentType string
		body        string
		want        string
		status      int
	}{
		"form":            {FromForm("t"), form + "; charset=utf-8", "a=1&t=x%20y&t=z", "x y", 0},
		"form, escaped":   {FromForm("a b"), form, "a+b=x", "x", 0},
		"form, none":      {FromForm("t"), form, "a=1", "", 0},
		"form, empty":     {FromForm("t"), form, "", "", 0},
		"no form":         {FromForm("t"), js, "t=x", "", 403},
		"no type":         {FromForm("t"), "", "t=x", "", 403},
		"form, too long":  {FromForm("t"), form, "t=" + long, "", 413},
		"form, long":      {FromForm("t"), form, "t=" + long[2:], long[2:], 0},
		"JSON":            {FromJSON("t"), js, `{"t":"x"}`, "x", 0},
		"JSON, upper":     {FromJSON("t"), "Application/JSON", `{"t":"x"}`, "x", 0},
		"JSON, nested":    {FromJSON("foo.bar.token"), js, `{"foo":{"bar":{"token":"x"}}}`, "x", 0},
		"JSON, array":     {FromJSON("a.1.t"), js, `{"a":[0,{"t":"x"}]}`, "x", 0},
		"JSON, outermost": {FromJSON("0"), js, `["x"]`, "x", 0},
		"JSON, escaped":   {FromJSON(`a\.b.c\\`), js, `{"a.b":{"c\\":"x"}}`, "x", 0},
		"JSON, no index":  {FromJSON("a.2"), js, `{"a":["x"]}`, "", 0},
		"JSON, negative":  {FromJSON("a.-1"), js, `{"a":["x"]}`, "", 0},
		"JSON, number":    {FromJSON("t"), js, `{"t":5}`, "", 0},
		"JSON, through":   {FromJSON("t.x"), js, `{"t":"x"}`, "", 0},
		"JSON, broken":    {FromJSON("t"), js, `{"t":`, "", 403},
		"JSON, empty":     {FromJSON("t"), js, ``, "", 403},
		"no JSON":         {FromJSON("t"), "text/json", `{"t":"x"}`, "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			for _, length := range []int64{int64(len(tt.body)), -1} {
				x := request("POST", "Content-Type", tt.contentType)
				x.Request.Body, x.Request.ContentLength = io.NopCloser(strings.NewReader(tt.body)), length
				got, err := tt.source(x)
				if err != nil && gateway.StatusOf(err) != tt.status || (err != nil) != (tt.status != 0) || got != tt.want {
					t.Errorf("%q, %v", got, err)
				}
				if err != nil {
					continue
				}
				if b, all := gateway.Buffered(x.Request.Body); string(b) != tt.body || !all || x.Request.ContentLength != int64(len(tt.body)) {
					t.Errorf("%d bytes are buffered of %d, all: %v", len(b), x.Request.ContentLength, all)
				}
				if again, err := io.ReadAll(x.Request.Body); err != nil || string(again) != tt.body || x.Request.Body.Close() != nil {
					t.Errorf("%d bytes are left, %v", len(again), err)
				}
			}
		})
	}
	if got, err := FromForm("t")(request("POST", "Content-Type", form)); got != "" || err != nil {
		t.Error(got, err)
	}
}

func TestUnreadable(t *testing.T) {
	for err, want := range map[error]int{io.ErrUnexpectedEOF: 400, gateway.ErrTooLarge: 413, timeout{errors.New("slow")}: 408} {
		x := request("POST", "Content-Type", "application/json")
		x.Request.Body, x.Request.ContentLength = failing{err}, -1
		if _, got := FromJSON("t")(x); gateway.StatusOf(got) != want {
			t.Errorf("%v: %v, want %d", err, got, want)
		}
	}
}

func FuzzSources(f *testing.F) {
	f.Add("a=1&t=x", "t", true)
	f.Add(`{"a":[{"b":"x"}]}`, "a.0.b", false)
	f.Add(`[[["x"]]]`, `0.0\.0.`, false)
	f.Fuzz(func(t *testing.T, text, key string, form bool) {
		source, contentType := FromJSON(key), "application/json"
		if form {
			source, contentType = FromForm(key), "application/x-www-form-urlencoded"
		}
		x := request("POST", "Content-Type", contentType)
		x.Request.Body, x.Request.ContentLength = io.NopCloser(strings.NewReader(text)), -1
		if _, err := source(x); err != nil {
			return
		}
		if again, err := io.ReadAll(x.Request.Body); err != nil || string(again) != text {
			t.Errorf("%q is left of %q, %v", again, text, err)
		}
	})
}
