package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/internal/wirerows"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/connection"
)

// stricter are the rules by which messages are refused that net/http accepts. Whatever else is refused, it
// refuses, too.
var stricter = []int{
	bareLF, unknownVersion, badTarget, fragment, targetForm, badAuthority,
	obsFold, spaceBeforeColon, badName, manyFields,
	noHost, badHost,
	twoLengths, lengthAndCoding, codingTooOld, connectContent, noContent,
	manyOptions, badExpectation,
	chunkExtension, longChunkLine, manyExtensions, longTrailer,
}

// stricterOn are those of one kind of message.
var (
	stricterOnTabs      = []int{badLength, badCoding}
	stricterOnResponses = []int{bareCR, statusLine, badStatus, badReason}
)

// stricterOnBlanks are the rules of the chunked coding against what net/http takes if blanks end a line.
func stricterOnBlanks(chunks []byte) []int {
	if bytes.Contains(chunks, []byte(" \r\n")) || bytes.Contains(chunks, []byte("\t\r\n")) {
		return []int{chunkSize}
	}
	return nil
}

// mayRefuse reports whether net/http may accept what breaks fault.
func mayRefuse(fault *Fault, more ...int) bool {
	is := func(i int) bool { return fault == &rules[i] }
	return slices.ContainsFunc(stricter, is) || slices.ContainsFunc(more, is)
}

func FuzzRequest(f *testing.F) {
	for _, r := range wirerows.Requests {
		f.Add([]byte(r.Head + "5\r\nhello\r\n0\r\nA: b\r\n\r\n"))
	}
	f.Add([]byte(browserHead))
	f.Fuzz(func(t *testing.T, in []byte) {
		n := headEnd(in, 0)
		if n == 0 {
			return
		}
		var q gateway.Request
		framing, fault := parseRequest(string(in[:n]), &q, nil)
		var m requestMemo
		for range 3 { // also when the connection remembers it
			var again gateway.Request
			f, err := readRequest(in, &again, &m)
			if err != fault || err == nil && showRequest(&again, f) != showRequest(&q, framing) {
				t.Fatalf("again, it's %s (%v), not %s (%v)", showRequest(&again, f), err, showRequest(&q, framing), fault)
			}
			m.line = m.line[:len(m.line)/2] // so that it's another one next time
		}
		br := bufio.NewReader(bytes.NewReader(in))
		r, err := http.ReadRequest(br)
		switch {
		case fault != nil && err != nil:
		case fault != nil:
			var more []int
			if bytes.IndexByte(in[:n], '\t') >= 0 {
				more = slices.Clone(stricterOnTabs)
			}
			if bytes.HasPrefix(in, []byte("CONNECT  ")) {
				more = append(more, requestLine) // of nothing
			}
			if !mayRefuse(fault, more...) {
				t.Errorf("refused: %v; net/http accepts", fault)
			}
		case err != nil:
			t.Errorf("accepted; net/http: %v", err)
		default:
			compareRequests(t, &q, framing, r)
			if framing.chunked {
				compareChunks(t, in[n:], br, r)
				return
			}
			content := in[n:][:min(int64(len(in)-n), framing.length)]
			if got, _ := io.ReadAll(r.Body); string(got) != string(content) {
				t.Errorf("content %q; net/http: %q", content, got)
			}
		}
	})
}

func compareRequests(t *testing.T, q *gateway.Request, f framing, r *http.Request) {
	t.Helper()
	show := func(method, target, host, path, query, proto string, length int64, chunked, closes bool) string {
		return fmt.Sprintf("%q %q %q %q %q %q %d %t %t", method, target, host, path, query, proto, length, chunked, closes)
	}
	path := r.URL.Path
	if path == "" && q.Method != "CONNECT" {
		path = "/"
	}
	got := show(q.Method, q.Target, q.Host, q.Path, q.RawQuery, q.Proto, q.ContentLength, f.chunked, f.close)
	want := show(r.Method, r.RequestURI, r.Host, path, r.URL.RawQuery, r.Proto, r.ContentLength, r.TransferEncoding != nil, r.Close)
	if got != want {
		t.Errorf("%s\nnet/http: %s", got, want)
	}
	compareFields(t, q.Header, r.Header, r.Header, "Connection", "Trailer")
}

// compareFields compares h with what net/http reads, but the fields of these names, and what
// h may not have as it is for one connection alone, by the Connection fields in raw.
func compareFields(t *testing.T, h gateway.Header, want, raw http.Header, but ...string) {
	t.Helper()
	if want.Get("Pragma") == "no-cache" && !h.Has("Cache-Control") {
		want.Del("Cache-Control") // net/http adds it
	}
	for option := range connectionOptions(raw) {
		if connection.Of(option) == connection.Field {
			but = append(but, option)
			if h.Has(option) {
				t.Errorf("%q is still there", option)
			}
		}
	}
	got := http.Header{}
	for _, f := range h {
		got.Add(f.Name, f.Value)
	}
	for _, name := range but {
		got.Del(name)
		want.Del(name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-net/http +wire)\n%s", d)
	}
}

func connectionOptions(raw http.Header) iter.Seq[string] {
	return gateway.SplitList(strings.Join(raw["Connection"], ","))
}

func FuzzResponse(f *testing.F) {
	for _, r := range wirerows.Responses {
		f.Add([]byte(r.Head+"5\r\nhello\r\n0\r\nA: b\r\n\r\n"), rowMethod(r.Name) == "HEAD")
	}
	f.Fuzz(func(t *testing.T, in []byte, head bool) {
		n := headEnd(in, 0)
		if n == 0 {
			return
		}
		method := "GET"
		if head {
			method = "HEAD"
		}
		var p gateway.Response
		framing, fault := parseResponse(string(in[:n]), method, &p, nil)
		r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(in)), &http.Request{Method: method})
		switch {
		case fault != nil && err != nil:
		case fault != nil:
			if more := slices.Concat(stricterOnTabs, stricterOnResponses); !mayRefuse(fault, more...) {
				t.Errorf("refused: %v; net/http accepts", fault)
			}
		case err != nil:
			t.Errorf("accepted; net/http: %v", err)
		default:
			tp := textproto.NewReader(bufio.NewReader(bytes.NewReader(in)))
			_, _ = tp.ReadLine()
			raw, _ := tp.ReadMIMEHeader() // net/http takes Connection: close out
			compareResponses(t, &p, framing, r, http.Header(raw))
			compareContent(t, in[n:], framing, r.Body)
		}
	})
}

func compareResponses(t *testing.T, p *gateway.Response, f framing, r *http.Response, raw http.Header) {
	t.Helper()
	if p.Status < 200 || p.Status == http.StatusNoContent || p.Status == http.StatusNotModified {
		r.ContentLength = p.ContentLength // net/http tells of none, or, with HEAD, of one that nobody has stated
	}
	got := fmt.Sprintf("%d %d %t %t", p.Status, p.ContentLength, f.chunked, f.close)
	// Where there is no content, it doesn't matter how it would have come.
	chunked := r.TransferEncoding != nil && r.Body != http.NoBody
	want := fmt.Sprintf("%d %d %t %t", r.StatusCode, r.ContentLength, chunked, r.Close)
	if got != want {
		t.Errorf("%s\nnet/http: %s", got, want)
	}
	compareFields(t, p.Header, r.Header, raw, "Connection", "Trailer", "Content-Length")
}

func compareContent(t *testing.T, rest []byte, f framing, body io.Reader) {
	t.Helper()
	want, err := io.ReadAll(body)
	switch {
	case f.chunked:
		var d chunkDecoder
		got, _, done, fault := decodeSplit(&d, rest, nil)
		if done && (err != nil || string(got) != string(want)) {
			t.Errorf("content %q; net/http: %q, %v", got, want, err)
		}
		if err == nil && !done && !mayRefuse(fault, stricterOnBlanks(rest)...) {
			t.Errorf("refused: %v; net/http accepts", fault)
		}
	case f.toEnd && string(want) != string(rest), !f.toEnd && string(want) != string(rest[:min(int64(len(rest)), f.length)]):
		t.Errorf("content of %d; net/http: %q", f.length, want)
	}
}

func FuzzChunks(f *testing.F) {
	for _, r := range wirerows.Chunks {
		f.Add([]byte(r.Head), []byte{1, 3, 0, 7})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		var whole, split chunkDecoder
		data, n, done, fault := decodeSplit(&whole, in, nil)
		data2, n2, done2, fault2 := decodeSplit(&split, in, cuts)
		if string(data) != string(data2) || done != done2 || fault != fault2 || done && n != n2 ||
			cmp.Diff(whole.trailer(), split.trailer()) != "" {
			t.Errorf("%q, %d, %t, %v; in pieces: %q, %d, %t, %v", data, n, done, fault, data2, n2, done2, fault2)
		}
		const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		br := bufio.NewReaderSize(io.MultiReader(strings.NewReader(head), bytes.NewReader(in)), 2*maxTrailer)
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Fatal(err)
		}
		compareChunks(t, in, br, r)
	})
}

// compareChunks compares what is read of in with the content of r, which is behind br, its trailers, and what
// is left.
func compareChunks(t *testing.T, in []byte, br *bufio.Reader, r *http.Request) {
	t.Helper()
	var d chunkDecoder
	got, n, done, fault := decodeSplit(&d, in, nil)
	want, err := io.ReadAll(r.Body)
	switch {
	case !done && err != nil:
	case !done:
		if fault == nil || !mayRefuse(fault, stricterOnBlanks(in)...) {
			t.Errorf("%v; net/http accepts", fault)
		}
	case err != nil:
		if br.Size() >= 2*maxTrailer { // else the trailer section may be too long for it
			t.Errorf("accepted; net/http: %v", err)
		}
	case string(got) != string(want):
		t.Errorf("%q; net/http: %q", got, want)
	default:
		if rest, _ := io.ReadAll(br); string(rest) != string(in[n:]) {
			t.Errorf("left: %q; net/http: %q", in[n:], rest)
		}
		for name, values := range r.Trailer {
			if values == nil { // only announced
				delete(r.Trailer, name)
			}
		}
		for _, name := range noTrailers {
			r.Trailer.Del(name)
		}
		trailer := http.Header{}
		for _, f := range d.trailer() {
			trailer.Add(f.Name, f.Value)
		}
		if (len(trailer) > 0 || len(r.Trailer) > 0) && cmp.Diff(r.Trailer, trailer) != "" {
			t.Errorf("trailers %v; net/http: %v", trailer, r.Trailer)
		}
	}
}

// decodeSplit decodes in, in pieces of the lengths that cuts has, and 1 on; then the rest.
func decodeSplit(d *chunkDecoder, in, cuts []byte) (data []byte, used int, done bool, fault *Fault) {
	have := 0
	for {
		if have = len(in); len(cuts) > 0 {
			have, cuts = min(used+int(cuts[0])+1, len(in)), cuts[1:]
		}
		for used < have && !done && fault == nil {
			var piece []byte
			var n int
			piece, n, done, fault = d.decode(in[used:have])
			data = append(data, piece...)
			used += n
		}
		if done || fault != nil || have == len(in) {
			return data, used, done, fault
		}
	}
}
