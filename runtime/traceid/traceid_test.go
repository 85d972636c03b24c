package traceid_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
)

func Example() {
	var x gateway.Exchange
	// A tracer puts it.
	traceid.Put(&x, &traceid.Span{TraceID: [16]byte{0xab}, SpanID: [8]byte{0xcd}, Sampled: true})
	// A meter finds it.
	if s := traceid.Of(&x); s != nil && s.Sampled {
		fmt.Println(s.Trace(), s.Span())
	}
	// Output: ab000000000000000000000000000000 cd00000000000000
}

func TestOf(t *testing.T) {
	var x, leg gateway.Exchange
	x.Leg(&leg)
	if traceid.Of(&leg) != nil {
		t.Error("a request that isn't traced has a span")
	}
	s := &traceid.Span{}
	traceid.Put(&leg, s)
	if traceid.Of(&x) != s {
		t.Error("what is put on a leg isn't found on its parent")
	}
}
