package debug_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/debug"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve returns the response of h, its body read.
func serve(t testing.TB, h gateway.Handler, method, path, query string) (*gateway.Response, string, error) {
	t.Helper()
	x := &gateway.Exchange{Request: gateway.Request{
		Method: method, Scheme: "http", Host: "localhost", Path: path, RawPath: path, RawQuery: query,
		Target: path + "?" + query, Proto: "HTTP/1.1", RemoteAddr: "127.0.0.1:1",
	}}
	if err := h.Serve(x); err != nil {
		return nil, "", err
	}
	body := x.Response.Bytes
	if b := x.Response.Body; b != nil {
		var err error
		if body, err = io.ReadAll(b); err != nil {
			t.Error(err)
		}
		_ = b.Close()
	}
	x.Finish()
	return &x.Response, string(body), nil
}

func TestProfiles(t *testing.T) {
	for _, tt := range []struct {
		handler                        gateway.Handler
		path, query, contentType, body string
	}{
		{debug.Index(), "/debug/pprof/", "", "text/html; charset=utf-8", "goroutine"},
		{debug.Index(), "/debug/pprof/goroutine", "debug=1", "text/plain; charset=utf-8", "goroutine profile"},
		{debug.Index(), "/debug/pprof/heap", "", "application/octet-stream", ""},
		{debug.Cmdline(), "/debug/pprof/cmdline", "", "text/plain; charset=utf-8", "debug.test"},
		{debug.Symbol(), "/debug/pprof/symbol", "0x1", "text/plain; charset=utf-8", "num_symbols: 1"},
		{debug.CPUProfile(), "/debug/pprof/profile", "seconds=1", "application/octet-stream", ""},
		{debug.Trace(), "/debug/pprof/trace", "seconds=0.01", "application/octet-stream", ""},
	} {
		t.Run(tt.path, func(t *testing.T) {
			res, body, err := serve(t, tt.handler, "GET", tt.path, tt.query)
			if err != nil {
				t.Fatal(err)
			}
			if res.Status != 200 || res.Header.Get("Content-Type") != tt.contentType || !strings.Contains(body, tt.body) || body == "" {
				t.Errorf("%d, %q, %.200q", res.Status, res.Header.Get("Content-Type"), body)
			}
		})
	}
	if res, _, err := serve(t, debug.Index(), "GET", "/debug/pprof/none", ""); err != nil || res.Status != 404 {
		t.Errorf("an unknown profile: %v, %v", res, err)
	}
}

func TestVars(t *testing.T) {
	res, body, err := serve(t, debug.Vars(), "GET", "/debug/vars", "")
	if err != nil {
		t.Fatal(err)
	}
	var vars map[string]any
	if err := json.Unmarshal([]byte(body), &vars); err != nil || vars["memstats"] == nil || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%v, %v, %.200q", err, res.Header, body)
	}
}

func Example() {
	var exchange gateway.Exchange
	exchange.Request = gateway.Request{Method: "GET", Path: "/debug/vars", RawPath: "/debug/vars"}
	if err := debug.Vars().Serve(&exchange); err != nil {
		panic(err)
	}
	fmt.Println(exchange.Response.Status, exchange.Response.Header.Get("Content-Type"))
	// Output: 200 application/json; charset=utf-8
}

func BenchmarkVars(b *testing.B) {
	h := debug.Vars()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := serve(b, h, "GET", "/debug/vars", ""); err != nil {
			b.Fatal(err)
		}
	}
}
