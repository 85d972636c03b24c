package reread

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A closer is a body that notes that it has been closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestAll(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		r      io.Reader
		length int64
		want   error
	}{
		"empty":              {strings.NewReader(""), 0, nil},
		"known length":       {strings.NewReader("0123456789"), 10, nil},
		"unknown length":     {strings.NewReader("0123456789"), -1, nil},
		"byte by byte":       {iotest.OneByteReader(strings.NewReader("0123456789")), -1, nil},
		"long":               {strings.NewReader("0123456789a"), 11, ErrTooLong},
		"long, unknown":      {strings.NewReader("0123456789a"), -1, ErrTooLong},
		"very long, unknown": {strings.NewReader(strings.Repeat("a", 1<<16)), -1, ErrTooLong},
		"broken":             {iotest.ErrReader(broken), -1, broken},
	} {
		t.Run(name, func(t *testing.T) {
			source := &closer{Reader: tt.r}
			r := &gateway.Request{Body: source, ContentLength: tt.length}
			b, err := All(r, 10)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			if p, all := gateway.Buffered(r.Body); string(p) != string(b) || !all {
				t.Errorf("%q is buffered, all: %v", p, all)
			}
			again, err := io.ReadAll(r.Body)
			if err != nil || string(again) != string(b) || r.ContentLength != int64(len(b)) {
				t.Errorf("%q became %q, of length %d, %v", b, again, r.ContentLength, err)
			}
			if err := r.Body.Close(); err != nil || !source.closed {
				t.Error("the body isn't closed")
			}
		})
	}
	if b, err := All(&gateway.Request{}, 10); b != nil || err != nil {
		t.Error(b, err)
	}
	r := &gateway.Request{Body: &closer{Reader: strings.NewReader("x")}, ContentLength: -1, Trailer: func() gateway.Header { return nil }}
	if _, err := All(r, 10); err != nil || r.ContentLength != -1 {
		t.Errorf("a body with a trailer has the length %d, %v", r.ContentLength, err)
	}
}

func TestIsMediaType(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, Form: true, "Application/X-WWW-Form-URLEncoded ; charset=utf-8": true, "application/json": false, Form + "x": false,
	} {
		r := &gateway.Request{Header: gateway.Header{{Name: "content-type", Value: value}}}
		if IsMediaType(r, Form) != want {
			t.Errorf("%q: %v", value, !want)
		}
	}
}
