package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/internal/wirerows"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestResponseRules(t *testing.T) {
	for _, tt := range wirerows.Responses {
		t.Run(tt.Name, func(t *testing.T) {
			var p gateway.Response
			f, fault := parseResponse(measure(t, tt.Head), rowMethod(tt.Name), &p, nil)
			checkRow(t, &tt, fault, fmt.Sprintf("%d%s%s (%d)", p.Status, showFields(p.Header), showFraming(f), p.ContentLength))
		})
	}
}

func rowMethod(name string) string {
	for _, m := range []string{"HEAD", "CONNECT"} {
		if strings.HasPrefix(name, m) {
			return m
		}
	}
	return "GET"
}

// The end of a head is found wherever the reads have cut it.
func TestHeadEnd(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"", 0},
		{"\r\n", 0},
		{"A\r\n\r\n", 5},
		{"A\r\nB\r\n\r\nC\r\n\r\n", 8},
		{"A\r\n\r", 0},
		{"A\r\nB\r\n", 0},
		{"A\r\n\n", 4},
		{"A\n\n", 3},
		{"A\n\r\n", 4},
		{"A\r\n\r\r\n", 0},
		{"A\r\r\n", 0},
		{"\r\n\r\n", 4},
	} {
		for from := range len(tt.in) + 1 {
			if tt.want > 0 && from >= tt.want { // it would have been found before
				break
			}
			if got := headEnd([]byte(tt.in), from); got != tt.want {
				t.Errorf("%q from %d: %d, not %d", tt.in, from, got, tt.want)
			}
		}
	}
}

func TestSkipEmptyLines(t *testing.T) {
	for in, want := range map[string]int{
		"":                           0,
		"GET":                        0,
		"\r":                         0,
		"\r\n":                       2,
		"\r\nGET":                    2,
		"\r\n\r\nGET":                4,
		"\nGET":                      0,
		"\r\n\nGET":                  2,
		strings.Repeat("\r\n", 9):    2 * maxEmptyLines,
		"\r\nGET / HTTP/1.1\r\n\r\n": 2,
	} {
		if got := skipEmptyLines([]byte(in)); got != want {
			t.Errorf("%q: %d, not %d", in, got, want)
		}
	}
}

// What an earlier message has left behind doesn't show.
func TestParseAgain(t *testing.T) {
	var q gateway.Request
	for _, head := range []string{"GET http://b/%41?c HTTP/1.0\r\nHost: a\r\nA: b\r\nContent-Length: 5\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"} {
		if _, fault := parseRequest(head, &q, nil); fault != nil {
			t.Fatal(fault)
		}
	}
	if got, want := showRequest(&q, framing{})+" "+q.Proto, "GET / a / {B: c} HTTP/1.1"; got != want || q.ContentLength != 0 {
		t.Errorf("%q, not %q", got, want)
	}
}

// upgradeHead has a Connection field that must be looked through.
const upgradeHead = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\n"

func TestParseWithoutAllocation(t *testing.T) {
	var q gateway.Request
	for _, head := range []string{smallHead, browserHead, upgradeHead} {
		if n := testing.AllocsPerRun(10, func() {
			if _, fault := parseRequest(head, &q, nil); fault != nil {
				t.Fatal(fault)
			}
		}); n > 0 {
			t.Errorf("%v allocations for %q", n, head)
		}
	}
	var p gateway.Response
	if n := testing.AllocsPerRun(10, func() {
		if _, fault := parseResponse(responseHead, "GET", &p, nil); fault != nil {
			t.Fatal(fault)
		}
	}); n > 0 {
		t.Errorf("%v allocations for %q", n, responseHead)
	}
}

// TestTokens holds what a token is against its definition, whichever way it's looked at.
func TestTokens(t *testing.T) {
	if isToken("") {
		t.Error("nothing is a token")
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"
	for n := 1; n <= 20; n++ {
		for at := range n {
			for c := range 256 {
				s := []byte(strings.Repeat(letters, 2)[c%len(letters):][:n])
				s[at] = byte(c)
				if got, want := isToken(string(s)), class[c]&inToken != 0; got != want {
					t.Fatalf("%q: %t", s, got)
				}
			}
		}
	}
	for c := range 256 {
		x := uint64(c) * 0x0101010101010101
		if got, want := isNameWord(x), strings.IndexByte(letters, byte(c)) >= 0; got != want {
			t.Fatalf("byte %#x: %t", c, got)
		}
	}
}
