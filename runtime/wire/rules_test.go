package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/internal/wirerows"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/connection"
)

func TestRequestRules(t *testing.T) {
	for _, tt := range wirerows.Requests {
		t.Run(tt.Name, func(t *testing.T) {
			var q gateway.Request
			f, fault := parseRequest(measure(t, tt.Head), &q, nil)
			checkRow(t, &tt, fault, showRequest(&q, f))
			if fault == nil && q.ContentLength != f.length {
				t.Errorf("ContentLength is %d, not %d", q.ContentLength, f.length)
			}
		})
	}
}

func measure(t *testing.T, head string) string {
	t.Helper()
	n := headEnd([]byte(head), 0)
	if n == 0 {
		t.Fatal("the head has no end")
	}
	return head[:n]
}

func checkRow(t *testing.T, r *wirerows.Row, fault *Fault, got string) {
	t.Helper()
	switch {
	case r.Rule == wirerows.Accepted && fault != nil:
		t.Errorf("refused: %v", fault)
	case r.Rule == wirerows.Accepted && got != r.Want:
		t.Errorf("got  %q\nwant %q", got, r.Want)
	case r.Rule != wirerows.Accepted && fault == nil:
		t.Errorf("accepted as %q; want: %s", got, r.Rule)
	case r.Rule != wirerows.Accepted && fault.Name != r.Rule:
		t.Errorf("refused: %v; want: %s", fault, r.Rule)
	}
}

// showRequest is a request in a line: method, target, host, path, query, fields, framing.
func showRequest(q *gateway.Request, f framing) string {
	s := q.Method + " " + q.Target + " " + q.Host + " " + q.Path
	if q.RawPath != q.Path {
		s += " raw=" + q.RawPath
	}
	if q.RawQuery != "" {
		s += " ?" + q.RawQuery
	}
	return s + showFields(q.Header) + showFraming(f)
}

func showFields(h gateway.Header) string {
	s := ""
	for _, f := range h {
		s += "{" + f.Name + ": " + f.Value + "}"
	}
	if s != "" {
		s = " " + s
	}
	return s
}

func showFraming(f framing) string {
	s := ""
	for _, o := range []struct {
		is   bool
		name string
	}{{f.chunked, "chunked"}, {f.toEnd, "toEnd"}, {f.close, "close"}, {f.expect, "expect"}, {f.upgrade, "upgrade"}} {
		if o.is {
			s += " " + o.name
		}
	}
	if unknown := f.chunked || f.toEnd; unknown != (f.length == -1) {
		s += " unknown length?"
	}
	if f.length > 0 {
		s = strings.TrimSuffix(s, " expect") + fmt.Sprintf(" length=%d", f.length)
		if f.expect {
			s += " expect"
		}
	}
	return s
}

// Each rule says all that is to be said about it.
func TestRulesAreComplete(t *testing.T) {
	names := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if r.Name == "" || !strings.HasPrefix(r.Section, "RFC ") || r.Status < 400 || names[r.Name] {
			t.Errorf("rule %d: %+v", i, *r)
		}
		names[r.Name] = true
	}
	if got, want := rules[bareLF].Error(), "malformed message: a line ends in LF alone (RFC 9112, section 2.2)"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	broken := map[string]bool{}
	for _, r := range slices.Concat(wirerows.Requests, wirerows.Responses, wirerows.Chunks) {
		broken[r.Rule] = true
	}
	for i := range rules {
		r := &rules[i]
		if !broken[r.Name] {
			t.Errorf("no message breaks %q", r.Name)
		}
		if got := wirerows.Status(r.Name); got != r.Status {
			t.Errorf("%q is answered with %d, not %d", r.Name, r.Status, got)
		}
	}
	if wirerows.MaxFields != maxFields || wirerows.MaxOptions != connection.MaxOptions || wirerows.MaxChunkLine != maxChunkLine || wirerows.MaxTrailer != maxTrailer {
		t.Error("the limits are others")
	}
}
