package adapter_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

type teapot struct{}

func (teapot) ServeHTTPError(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Content-Type", "a/b")
	w.WriteHeader(418)
	_, _ = io.WriteString(w, r.URL.Path+": "+err.Error())
}

func TestErrorHandler(t *testing.T) {
	x := exchange(func(x *gateway.Exchange) {
		x.Errors = adapter.ErrorHandler(teapot{})
		x.Response.Header.Add("X-Before", "1")
	})
	x.Fail(&gateway.Error{Status: 403, Message: "no"})
	if d := cmp.Diff(fields("X-Before", "1", "Content-Type", "a/b"), x.Response.Header); d != "" {
		t.Error(d)
	}
	if x.Response.Status != 418 || string(x.Response.Bytes) != "/a/b: no" {
		t.Errorf("got %d %q", x.Response.Status, x.Response.Bytes)
	}
	x.Finish()
}
