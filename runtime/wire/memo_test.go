package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/internal/wirerows"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// readRequest is what a connection makes of the head at the start of b.
func readRequest(b []byte, q *gateway.Request, m *requestMemo) (framing, *Fault) {
	n, line := m.match(b)
	if end := headEnd(b, 0); n > 0 && n != end {
		panic(fmt.Sprintf("the head ends at %d, not %d: %q", end, n, b))
	} else if n > 0 {
		return m.parse(b[:line], q)
	} else {
		return parseRequest(string(b[:end]), q, m)
	}
}

// Whatever came before on its connection, a request is what it is.
func TestRequestMemo(t *testing.T) {
	var heads, lines []string
	for _, r := range wirerows.Requests {
		n := headEnd([]byte(r.Head), 0)
		line, _, _ := strings.Cut(r.Head[:n], "\n")
		heads = append(heads, r.Head[:n])
		lines = append(lines, line+"\n")
	}
	hits := 0
	for _, first := range heads {
		var m requestMemo
		var q gateway.Request
		_, _ = readRequest([]byte(first), &q, &m)
		if m.fields == "" {
			continue
		}
		edit(q.Header)
		tries := append([]string{first, "GET /\n\r\n"}, heads...)
		for _, line := range lines {
			tries = append(tries, line+m.fields)
		}
		for _, next := range tries {
			if headEnd([]byte(next), 0) != len(next) {
				continue // the fields begin with an end
			}
			var want, got gateway.Request
			wantFraming, wantFault := parseRequest(next, &want, nil)
			m := m // as the first request has left it
			m.header = append(gateway.Header(nil), m.header...)
			if n, _ := m.match([]byte(next)); n > 0 {
				hits++
			}
			for range 2 { // the second one is the same again
				gotFraming, gotFault := readRequest([]byte(next), &got, &m)
				if gotFault != wantFault {
					t.Fatalf("%q after %q: %v; want %v", next, first, gotFault, wantFault)
				}
				if wantFault != nil {
					break
				}
				if g, w := showRequest(&got, gotFraming), showRequest(&want, wantFraming); g != w || got.Proto != want.Proto || got.ContentLength != want.ContentLength {
					t.Fatalf("%q after %q:\n got %s\nwant %s", next, first, g, w)
				}
				edit(got.Header)
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d requests had the fields of the one before", hits)
	}
}

// edit edits all fields, as middleware may: nothing may come of it for the next message.
func edit(h gateway.Header) {
	for i := range h {
		h[i] = gateway.Field{Name: "Edited", Value: "yes"}
	}
}

// The same with responses.
func TestResponseMemo(t *testing.T) {
	for _, first := range wirerows.Responses {
		for _, next := range append([]wirerows.Row{first}, wirerows.Responses...) {
			var m responseMemo
			var q gateway.Response
			_, _ = parseResponse(measure(t, first.Head), rowMethod(first.Name), &q, &m)
			edit(q.Header)
			head, method := measure(t, next.Head), rowMethod(next.Name)
			if known := m.match([]byte(next.Head)); known != "" && known != head {
				t.Fatalf("%q is taken for %q", head, known)
			}
			var want, got gateway.Response
			wantFraming, wantFault := parseResponse(head, method, &want, nil)
			for range 2 {
				gotFraming, gotFault := parseResponse(head, method, &got, &m)
				g := fmt.Sprint(gotFault, got.Status, showFields(got.Header), showFraming(gotFraming), got.ContentLength)
				w := fmt.Sprint(wantFault, want.Status, showFields(want.Header), showFraming(wantFraming), want.ContentLength)
				if g != w {
					t.Fatalf("%q after %q:\n got %s\nwant %s", head, first.Head, g, w)
				}
				edit(got.Header)
			}
		}
	}
}

// Who never says the same twice is not remembered each time.
func TestMemoOfOthers(t *testing.T) {
	var m requestMemo
	kept := 0
	for i := range 100 {
		head, before := fmt.Sprintf("GET / HTTP/1.1\r\nHost: a\r\nX-N: %d\r\n\r\n", i), m.fields
		var q gateway.Request
		if _, fault := readRequest([]byte(head), &q, &m); fault != nil {
			t.Fatal(fault)
		}
		if m.fields != before {
			kept++
		}
	}
	if kept < memoTries || kept > memoTries+100/memoPause {
		t.Errorf("%d of 100 were kept", kept)
	}
	var large requestMemo
	for _, head := range []string{
		"GET /" + strings.Repeat("x", memoSize) + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", memoSize) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", memoFields+1) + "\r\n",
	} {
		var q gateway.Request
		if _, fault := readRequest([]byte(head), &q, &large); fault != nil || large.fields != "" {
			t.Errorf("%d bytes were kept: %v", len(large.fields), fault)
		}
	}
}

// A long first line isn't kept, whatever its fields are.
func TestMemoOfLongLine(t *testing.T) {
	var m requestMemo
	for _, path := range []string{"/", "/" + strings.Repeat("x", memoSize), "/"} {
		var q gateway.Request
		if _, fault := readRequest([]byte("GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"), &q, &m); fault != nil || q.Path != path {
			t.Fatalf("%.10q: %.10q, %v", path, q.Path, fault)
		}
		if len(m.line) > memoSize || m.fields == "" {
			t.Errorf("%.10q: a line of %d bytes and %d more are kept", path, len(m.line), len(m.fields))
		}
	}
}

// A request that says what the one before did takes no memory, and another path takes that of the first line.
func TestMemoAllocs(t *testing.T) {
	var m requestMemo
	var q gateway.Request
	heads := [][]byte{[]byte(browserHead), []byte(strings.Replace(browserHead, "page=3", "page=4", 1))}
	for _, tt := range []struct {
		name   string
		heads  [][]byte
		allocs float64
	}{{"same", heads[:1], 0}, {"other path", heads, 2}} {
		if n := testing.AllocsPerRun(100, func() {
			for _, head := range tt.heads {
				if _, fault := readRequest(head, &q, &m); fault != nil {
					t.Fatal(fault)
				}
			}
		}); n != tt.allocs {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}
