package session

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// spans are what a Tracer is told.
type spans []string

func (s *spans) Trace(_ *gateway.Exchange, name string, tags ...gateway.Field) func(error) {
	return func(err error) { *s = append(*s, fmt.Sprint(name, " ", tags, " ", err)) }
}

func TestTracer(t *testing.T) {
	store, told := newMemory(), &spans{}
	m, err := New(Options{Store: store, Tracer: told, Cookie: &cookie.Attributes{}})
	if err != nil {
		t.Fatal(err)
	}
	jar := ""
	serve := func(f func(s *Session)) {
		var x gateway.Exchange
		if jar != "" {
			x.Request.Header.Add("Cookie", jar)
		}
		_ = m(gateway.HandlerFunc(func(x *gateway.Exchange) error {
			s, err := Of(x)
			if err != nil {
				return err
			}
			f(s)
			return nil
		})).Serve(&x)
		if set := x.Response.Header.Get("Set-Cookie"); len(set) >= len("_SESSION=")+idChars { // shorter when it's deleted
			jar = set[:len("_SESSION=")+idChars]
		}
	}
	serve(func(s *Session) { s.Set("a", []byte("1")) })
	serve(func(*Session) {})
	serve(func(s *Session) { s.Destroy() })
	store.err = errors.New("away")
	serve(func(*Session) {})
	want := spans{
		"session [{operation SET}] <nil>", "session [{operation GET}] <nil>", "session [{operation GET}] <nil>", "session [{operation DELETE}] <nil>", "session [{operation GET}] away",
	}
	if d := cmp.Diff(want, *told); d != "" {
		t.Error(d)
	}
}
