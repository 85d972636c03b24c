package gateway

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFailGRPC holds what a client of gRPC gets of an error, whatever the error handler makes of it.
func TestFailGRPC(t *testing.T) {
	handler := handlerOf(func(x *Exchange, err error) {
		r := &x.Response
		r.Status, r.Bytes = 418, []byte("a page")
		r.Header.Set("Content-Type", "text/html")
		r.Header.Set("X-Content-Type-Options", "nosniff")
		r.Header.Add("Vary", "Accept")
		r.Header.Add("X-Other", "1")
	})
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	tests := []struct {
		name    string
		err     error
		ctx     context.Context
		status  string
		message string
	}{
		{"no error of the gateway", fmt.Errorf("secret"), nil, "2", "Internal Server Error"},
		{"400", &Error{Status: 400, Message: "secret"}, nil, "13", "Bad Request"},
		{"401", &Error{Status: 401}, nil, "16", "Unauthorized"},
		{"403", &Error{Status: 403}, nil, "7", "Forbidden"},
		{"404", &Error{Status: 404}, nil, "12", "Not Found"},
		{"405", &Error{Status: 405}, nil, "12", "Method Not Allowed"},
		{"413", &Error{Status: 413}, nil, "8", "Request Entity Too Large"},
		{"418", &Error{Status: 418}, nil, "2", "I'm a teapot"},
		{"429", &Error{Status: 429}, nil, "14", "Too Many Requests"},
		{"431", &Error{Status: 431}, nil, "8", "Request Header Fields Too Large"},
		{"499", &Error{Status: 499}, nil, "1", ""},
		{"500", &Error{Status: 500}, nil, "2", "Internal Server Error"},
		{"501", &Error{Status: 501}, nil, "12", "Not Implemented"},
		{"502", &Error{Status: 502}, nil, "14", "Bad Gateway"},
		{"503", &Error{Status: 503}, nil, "14", "Service Unavailable"},
		{"504", &Error{Status: 504}, nil, "14", "Gateway Timeout"},
		{"504 by a deadline", &Error{Status: 504, Cause: context.DeadlineExceeded}, nil, "4", "Gateway Timeout"},
		{"504 after a deadline", &Error{Status: 504}, expired, "4", "Gateway Timeout"},
	}
	for _, tt := range tests {
		for name, h := range map[string]ErrorHandler{"": handler, ", without an error handler": nil} {
			t.Run(tt.name+name, func(t *testing.T) {
				x := &Exchange{Errors: h}
				x.Request.Header.Add("Content-Type", "application/grpc+proto")
				x.Response.Header.Add("Www-Authenticate", "Basic")
				if tt.ctx != nil {
					x.SetContext(tt.ctx)
				}
				x.Fail(tt.err)
				got := map[string]string{}
				for _, f := range x.Response.Header {
					got[f.Name] = f.Value
				}
				want := map[string]string{
					"Content-Type": "application/grpc", "Grpc-Status": tt.status, "Grpc-Message": tt.message,
					"Www-Authenticate": "Basic",
				}
				if h != nil {
					want["X-Other"] = "1"
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				if r := &x.Response; r.Status != 200 || r.Bytes != nil || r.Body != nil {
					t.Errorf("status %d, body %q", r.Status, r.Bytes)
				}
			})
		}
	}
}

// Only a client of gRPC itself gets one of its statuses.
func TestIsGRPC(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/grpc":                true,
		"application/grpc+proto":          true,
		"Application/GRPC; charset=utf-8": true,
		"application/grpc ; a=b":          true,
		"application/grpc-web":            false,
		"application/grpc-web+proto":      false,
		"application/grpc-web-text":       false,
		"application/grpcs":               false,
		"application/json":                false,
		"":                                false,
	} {
		x := &Exchange{}
		x.Request.Header.Add("Content-Type", contentType)
		x.Fail(&Error{Status: 503})
		if got := x.Response.Header.Has("Grpc-Status"); got != want || want == (x.Response.Status == 503) {
			t.Errorf("%q: %t, status %d", contentType, got, x.Response.Status)
		}
	}
	x := &Exchange{}
	x.Request.Header.Add("Content-Type", "application/grpc")
	if x.Fail(&Error{Status: LogOnly}); x.Response.Status != LogOnly || len(x.Response.Header) > 0 {
		t.Errorf("an error for the log is answered: %+v", x.Response)
	}
}

// A message needs no encoding (gRPC over HTTP2, "Status-Message").
func TestStatusTextsArePlain(t *testing.T) {
	for status := range 1000 {
		for _, c := range []byte(StatusText(status)) {
			if c < ' ' || c > '~' || c == '%' {
				t.Errorf("%d: %q", status, StatusText(status))
			}
		}
	}
}
