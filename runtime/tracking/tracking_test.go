package tracking

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var nothing = gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })

func serve(t *testing.T, o Options, x *gateway.Exchange) (request, trace string) {
	t.Helper()
	if err := New(o)(nothing).Serve(x); err != nil {
		t.Fatal(err)
	}
	id, ok := RequestID.Get(x)
	if !ok {
		t.Fatal("no request id")
	}
	attrs := x.Attached()
	last := attrs[len(attrs)-1]
	m := last.Members()
	if last.Key != "ids" || len(m) != 2 || m[0].Key != "request" || m[1].Key != "trace" || m[0].Text() != id {
		t.Fatalf("attached %v", attrs)
	}
	return id, m[1].Text()
}

func TestIDs(t *testing.T) {
	x := new(gateway.Exchange)
	x.Request.Header.Add("X-Request-ID", "client")
	x.Upstream.Add("x-trace-id", "of another middleware")
	request, trace := serve(t, Options{RequestHeader: "X-Request-ID", TraceHeader: "X-Trace-ID"}, x)
	if !regexp.MustCompile(`^[0-9B-DF-HJ-NP-Z]{48}$`).MatchString(request) || strings.ContainsAny(request, "AEIO") || trace != request {
		t.Errorf("got %q, %q", request, trace)
	}
	want := gateway.Header{{Name: "X-Trace-ID", Value: trace}, {Name: "X-Request-ID", Value: request}}
	if d := cmp.Diff(want, x.Upstream); d != "" {
		t.Error(d)
	}
	again, _ := serve(t, Options{}, x)
	if again != request {
		t.Error("a second middleware makes another id")
	}
}

func TestNoHeaders(t *testing.T) {
	x := new(gateway.Exchange)
	serve(t, Options{}, x)
	if len(x.Upstream) != 0 {
		t.Errorf("upstream gets %v", x.Upstream)
	}
}

func TestExtract(t *testing.T) {
	for value, want := range map[string]bool{
		"my-trace-id": true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":                    true,
		"Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1": true,
		"a4f3:1:0:01":            true,
		"YWJj/+==":               true,
		strings.Repeat("x", 256): true,
		strings.Repeat("x", 257): false,
		"":                       false,
		"a b":                    false,
		"a\"b":                   false,
		"a\nb":                   false,
		"a\x7fb":                 false,
		"ä":                      false,
	} {
		x := new(gateway.Exchange)
		x.Request.Header.Add("x-extract", value)
		request, trace := serve(t, Options{TraceHeader: "X-Trace", ExtractHeader: "X-Extract"}, x)
		if (trace == value) != want || !want && trace != request {
			t.Errorf("%q: got %q", value, trace)
		}
		if got := x.Upstream.Get("X-Trace"); got != trace {
			t.Errorf("%q: upstream gets %q", value, got)
		}
	}
}

func TestFormat(t *testing.T) {
	before := time.Now().UnixMicro()
	s := newSource()
	first := s.next()
	b, err := encoding.DecodeString(first)
	if err != nil || len(b) != 30 {
		t.Fatal(len(b), err)
	}
	if at := int64(binary.BigEndian.Uint64(b)); at < before || at > time.Now().UnixMicro() {
		t.Errorf("time is %d", at)
	}
	name, _ := os.Hostname()
	h := fnv.New64a()
	h.Write([]byte(name))
	if binary.BigEndian.Uint64(b[8:]) != h.Sum64() {
		t.Error("another host")
	}
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().UnixMicro() <= int64(binary.BigEndian.Uint64(b)) && time.Now().Before(deadline) {
	}
	if second := s.next(); second <= first {
		t.Errorf("%q does not sort after %q", second, first)
	}
}

func BenchmarkTracking(b *testing.B) {
	h := New(Options{RequestHeader: "X-Request-ID", TraceHeader: "X-Trace-ID", ExtractHeader: "X-Trace-ID"})(nothing)
	x := new(gateway.Exchange)
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		x.Reset()
	}
}

func Example() {
	upstream := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		id, _ := RequestID.Get(x)
		fmt.Println(len(id), x.Upstream.Get("X-Request-ID") == id, x.Upstream.Get("X-Trace-ID"))
		return nil
	})
	h := New(Options{RequestHeader: "X-Request-ID", TraceHeader: "X-Trace-ID", ExtractHeader: "X-Trace-ID"})(upstream)

	x := new(gateway.Exchange)
	x.Request.Header.Add("X-Trace-ID", "4bf92f3577b34da6")
	fmt.Println(h.Serve(x))
	// Output:
	// 48 true 4bf92f3577b34da6
	// <nil>
}
