package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func okWith(lines string) string { return "HTTP/1.1 200 OK\r\n" + lines + "\r\n" }

func statusWith(line string) string { return line + "\r\nContent-Length: 5\r\n\r\n" }

// responseRows are answers to GET, if the name doesn't begin with HEAD or CONNECT.
var responseRows = []row{
	{"plain", okWith("Content-Length: 5\r\nA: b\r\n"), accepted, "200 {A: b} length=5 (5)"},
	{"no reason", statusWith("HTTP/1.1 200 "), accepted, "200 length=5 (5)"},
	{"no reason and no space", statusWith("HTTP/1.1 200"), accepted, "200 length=5 (5)"},
	{"reason with obs-text", statusWith("HTTP/1.1 200 \xe9t\xe9 ok"), accepted, "200 length=5 (5)"},
	{"reason with a tab", statusWith("HTTP/1.1 200 a\tb"), accepted, "200 length=5 (5)"},
	{"a status of one's own", statusWith("HTTP/1.1 999 x"), accepted, "999 length=5 (5)"},
	{"HTTP/1.0", statusWith("HTTP/1.0 200 OK"), accepted, "200 close length=5 (5)"},
	{"HTTP/1.0 that keeps alive", statusWith("HTTP/1.0 200 OK\r\nConnection: keep-alive"), accepted, "200 {Connection: keep-alive} length=5 (5)"},
	{"HTTP/1.3", statusWith("HTTP/1.3 200 OK"), accepted, "200 length=5 (5)"},
	{"HTTP/2.0", statusWith("HTTP/2.0 200 OK"), unknownVersion, ""},
	{"HTTP/0.9", statusWith("HTTP/0.9 200 OK"), unknownVersion, ""},
	{"HTTP/2", statusWith("HTTP/2 200 OK"), badVersion, ""},
	{"http/1.1", statusWith("http/1.1 200 OK"), badVersion, ""},
	{"HTTP/1.10", statusWith("HTTP/1.10 200 OK"), badVersion, ""},
	{"ICY", statusWith("ICY 200 OK and more"), badVersion, ""},
	{"no status line", "Content-Length: 5\r\n\r\n", badVersion, ""},
	{"short", "HTTP/1.1\r\n\r\n", statusLine, ""},
	{"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", badVersion, ""},
	{"two spaces before the status", statusWith("HTTP/1.1  200 OK"), badStatus, ""},
	{"tab before the status", statusWith("HTTP/1.1\t200 OK"), badVersion, ""},
	{"status of two digits", statusWith("HTTP/1.1 20 OK"), badStatus, ""},
	{"status of four digits", statusWith("HTTP/1.1 2000 OK"), badStatus, ""},
	{"status with a sign", statusWith("HTTP/1.1 +20 OK"), badStatus, ""},
	{"status in letters", statusWith("HTTP/1.1 2OO OK"), badStatus, ""},
	{"status below 100", statusWith("HTTP/1.1 099 OK"), badStatus, ""},
	{"status 000", statusWith("HTTP/1.1 000 OK"), badStatus, ""},
	{"tab behind the status", statusWith("HTTP/1.1 200\tOK"), badStatus, ""},
	{"status without a space", statusWith("HTTP/1.1 200OK"), badStatus, ""},
	{"NUL in the reason", statusWith("HTTP/1.1 200 O\x00K"), badReason, ""},
	{"DEL in the reason", statusWith("HTTP/1.1 200 O\x7fK"), badReason, ""},
	{"CR in the reason", statusWith("HTTP/1.1 200 O\rK"), bareCR, ""},
	{"CR behind the status", statusWith("HTTP/1.1 200\r"), bareCR, ""},
	{"LF behind the status line", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n", bareLF, ""},
	{"LF behind the status", "HTTP/1.1 200\nContent-Length: 5\r\n\r\n", bareLF, ""},
	{"LF for the empty line", "HTTP/1.1 200 OK\r\nA: b\r\n\n", bareLF, ""},
	{"folded line", okWith("A: b\r\n c\r\n"), obsFold, ""},
	{"space before a colon", okWith("A : b\r\n"), spaceBeforeColon, ""},
	{"no colon", okWith("A\r\n"), noColon, ""},
	{"no name", okWith(": a\r\n"), noName, ""},
	{"bad name", okWith("A@: b\r\n"), badName, ""},
	{"bad value", okWith("A: \x01\r\n"), badValue, ""},
	{"too many fields", okWith(strings.Repeat("A: b\r\n", maxFields+1)), manyFields, ""},
	{"Host is any field", okWith("Host: a b\r\nContent-Length: 0\r\n"), accepted, "200 {Host: a b} (0)"},

	{"to the end", okWith(""), accepted, "200 toEnd close (-1)"},
	{"to the end, though it keeps alive", okWith("Connection: keep-alive\r\n"), accepted, "200 {Connection: keep-alive} toEnd close (-1)"},
	{"chunked", okWith("Transfer-Encoding: chunked\r\nTrailer: A\r\n"), accepted, "200 {Trailer: A} chunked (-1)"},
	{"announced trailers without chunks", okWith("Trailer: A\r\nContent-Length: 1\r\n"), accepted, "200 length=1 (1)"},
	{"announced Content-Length", okWith("Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n"), badTrailerName, ""},
	{"both framings", okWith("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), lengthAndCoding, ""},
	{"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", codingTooOld, ""},
	{"gzip", okWith("Transfer-Encoding: gzip\r\n"), unknownCoding, ""},
	{"chunked not last", okWith("Transfer-Encoding: chunked, gzip\r\n"), chunkedNotLast, ""},
	{"chunked twice", okWith("Transfer-Encoding: chunked, chunked\r\n"), twoCodings, ""},
	{"tab before chunked", okWith("Transfer-Encoding: \tchunked\r\n"), badCoding, ""},
	{"equal Content-Lengths", okWith("Content-Length: 5\r\nContent-Length: 5\r\n"), twoLengths, ""},
	{"list of Content-Lengths", okWith("Content-Length: 5, 5\r\n"), twoLengths, ""},
	{"Content-Length with a minus", okWith("Content-Length: -1\r\n"), badLength, ""},
	{"Content-Length beyond 63 bits", okWith("Content-Length: 9223372036854775808\r\n"), hugeLength, ""},
	{"close", okWith("Connection: close\r\nContent-Length: 0\r\n"), accepted, "200 {Connection: close} close (0)"},
	{"fields for this connection", okWith("X: y\r\nConnection: x, close\r\nContent-Length: 0\r\n"), accepted, "200 {Connection: close} close (0)"},
	{"too many options", okWith("Connection: " + strings.Repeat("b,", maxOptions+1) + "\r\n"), manyOptions, ""},

	{"204", "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", accepted, "204 {A: b} (0)"},
	{"204 of length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", accepted, "204 (0)"},
	{"204 of length 1", "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n", noContent, ""},
	{"204 in chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", noContent, ""},
	{"100", "HTTP/1.1 100 Continue\r\n\r\n", accepted, "100 (0)"},
	{"103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", accepted, "103 {Link: </a>} (0)"},
	{"103 of length 1", "HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n", noContent, ""},
	{"103 in chunks", "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n", noContent, ""},
	{"101", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", accepted, "101 {Connection: upgrade}{Upgrade: x} upgrade (0)"},
	{"304", "HTTP/1.1 304 Not Modified\r\n\r\n", accepted, "304 (-1)"},
	{"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", accepted, "304 (7)"},
	{"304 in chunks", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", accepted, "304 (-1)"},
	{"304 with both framings", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n", lengthAndCoding, ""},
	{"HEAD", okWith(""), accepted, "200 (-1)"},
	{"HEAD with a length", okWith("Content-Length: 7\r\n"), accepted, "200 (7)"},
	{"HEAD in chunks", okWith("Transfer-Encoding: chunked\r\n"), accepted, "200 (-1)"},
	{"HEAD with two lengths", okWith("Content-Length: 7\r\nContent-Length: 7\r\n"), twoLengths, ""},
	{"HEAD, 204", "HTTP/1.1 204 No Content\r\n\r\n", accepted, "204 (0)"},
	{"HEAD, close", okWith("Connection: close\r\n"), accepted, "200 {Connection: close} close (-1)"},
	{"CONNECT", okWith("Content-Length: 7\r\n"), accepted, "200 (0)"},
	{"CONNECT in chunks", okWith("Transfer-Encoding: chunked\r\n"), accepted, "200 (0)"},
	{"CONNECT refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\n", accepted, "403 length=7 (7)"},
}

func TestResponseRules(t *testing.T) {
	for _, tt := range responseRows {
		t.Run(tt.name, func(t *testing.T) {
			var p gateway.Response
			f, fault := parseResponse(measure(t, tt.head), rowMethod(tt.name), &p)
			tt.check(t, fault, fmt.Sprintf("%d%s%s (%d)", p.Status, showFields(p.Header), showFraming(f), p.ContentLength))
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
	for _, head := range []string{"GET http://b/%41?c HTTP/1.0\r\nHost: a\r\nA: b\r\nContent-Length: 5\r\n\r\n", getWith("B: c\r\n")} {
		if _, fault := parseRequest(head, &q); fault != nil {
			t.Fatal(fault)
		}
	}
	if got, want := showRequest(&q, framing{})+" "+q.Proto, "GET / a / {B: c} HTTP/1.1"; got != want || q.ContentLength != 0 {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestParseWithoutAllocation(t *testing.T) {
	var q gateway.Request
	for _, head := range []string{smallHead, browserHead, getWith("Connection: keep-alive, Upgrade\r\nUpgrade: x\r\n")} {
		if n := testing.AllocsPerRun(10, func() {
			if _, fault := parseRequest(head, &q); fault != nil {
				t.Fatal(fault)
			}
		}); n > 0 {
			t.Errorf("%v allocations for %q", n, head)
		}
	}
	var p gateway.Response
	if n := testing.AllocsPerRun(10, func() {
		if _, fault := parseResponse(responseHead, "GET", &p); fault != nil {
			t.Fatal(fault)
		}
	}); n > 0 {
		t.Errorf("%v allocations for %q", n, responseHead)
	}
}
