package wire

import (
	"strings"
	"testing"
)

// A chunkRow is content in chunks, with the rule it breaks, or with its data, trailers, and what is left.
type chunkRow struct {
	name string
	in   string
	rule int
	want string
}

var chunkRows = []chunkRow{
	{"nothing", "0\r\n\r\n", accepted, "||"},
	{"one chunk", "5\r\nhello\r\n0\r\n\r\nGET", accepted, "hello||GET"},
	{"two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", accepted, "hello!||"},
	{"hexadecimal", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", accepted, "01234567890123456789a||"},
	{"zeros", "0005\r\nhello\r\n000\r\n\r\n", accepted, "hello||"},
	{"16 digits", "0000000000000001\r\na\r\n0000000000000000\r\n\r\n", accepted, "a||"},
	{"line ends in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", accepted, "\r\n\r\n||"},
	{"17 digits", "00000000000000001\r\na\r\n0\r\n\r\n", hugeChunk, ""},
	{"2^63", "8000000000000000\r\n", hugeChunk, ""},
	{"2^64+1", "10000000000000001\r\na\r\n0\r\n\r\n", hugeChunk, ""},
	{"no size", "\r\nhello", chunkSize, ""},
	{"no size but an extension", ";a\r\n\r\n", chunkSize, ""},
	{"0x", "0x5\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"plus", "+5\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"minus", "-5\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"underscore", "1_0\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"space before the size", " 5\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"tab before the size", "\t5\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"space behind the size", "5 \r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"words in the size", "5 5\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"letter in the size", "5g\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"NUL in the size", "5\x00\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"comma in the size", "5,a\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"LF behind the size", "5\nhello\r\n0\r\n\r\n", bareLF, ""},
	{"LF first", "\n5\r\nhello\r\n0\r\n\r\n", bareLF, ""},
	{"CR behind the size", "5\rhello\r\n0\r\n\r\n", bareCR, ""},
	{"two CRs behind the size", "5\r\r\nhello\r\n0\r\n\r\n", bareCR, ""},
	{"LF behind the last size", "0\n\r\n", bareLF, ""},
	{"extension", "5;a\r\nhello\r\n0;b=c\r\n\r\n", accepted, "hello||"},
	{"extensions with blanks", "5; a = b ;\tc;d\r\nhello\r\n0\r\n\r\n", accepted, "hello||"},
	{"quoted extension", "5;a=\"b;\\\"\\\\ \xe9=\"\r\nhello\r\n0;a=\"\" ;b\r\n\r\n", accepted, "hello||"},
	{"blank before an extension", "5 ;a\r\nhello\r\n0\r\n\r\n", chunkSize, ""},
	{"extension without a name", "5;\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"extension of a value alone", "5;=a\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"extension without its value", "5;a=\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"extension with a space behind", "5;a \r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"extension with a space behind its value", "5;a=b \r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"quote without an end", "5;a=\"b\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"quote ends in a backslash", "5;a=\"b\\\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"something behind a quote", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"NUL in an extension", "5;a\x00\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"DEL in a quote", "5;a=\"\x7f\"\r\nhello\r\n0\r\n\r\n", chunkExtension, ""},
	{"LF in an extension", "5;a\nhello\r\n0\r\n\r\n", bareLF, ""},
	{"LF in a quote", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", bareLF, ""},
	{"CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", bareCR, ""},
	{"the longest line", "1;" + strings.Repeat("a", maxChunkLine-4) + "\r\na\r\n0\r\n\r\n", accepted, "a||"},
	{"a longer line", "1;" + strings.Repeat("a", maxChunkLine-3) + "\r\na\r\n0\r\n\r\n", longChunkLine, ""},
	{"many extensions", strings.Repeat("1;"+strings.Repeat("a", 1023)+"\r\na\r\n", 8) + "0\r\n\r\n", accepted, "aaaaaaaa||"},
	{"more extensions", strings.Repeat("1;"+strings.Repeat("a", 1023)+"\r\na\r\n", 8) + "0;a\r\n\r\n", manyExtensions, "aaaaaaaa"},
	{"no line end behind the data", "5\r\nhello0\r\n\r\n", chunkEnd, "hello"},
	{"too much data", "5\r\nhello!\r\n0\r\n\r\n", chunkEnd, "hello"},
	{"LF behind the data", "5\r\nhello\n0\r\n\r\n", chunkEnd, "hello"},
	{"CR behind the data", "5\r\nhello\r0\r\n\r\n", chunkEnd, "hello"},
	{"size in the middle", "5\r\nhello\r\n\r\n0\r\n\r\n", chunkSize, "hello"},
	{"trailers", "1\r\na\r\n0\r\nX-Sum: 7 \r\nx-b:\r\n\r\nrest", accepted, "a| {X-Sum: 7}{x-b: }|rest"},
	{"trailers that can't be any", "0\r\ncontent-LENGTH: 5\r\nHost: a\r\nA: b\r\ntransfer-encoding: chunked\r\nCookie: c\r\n\r\n", accepted, "| {A: b}|"},
	{"LF for the last line", "0\r\n\n", bareLF, ""},
	{"LF behind a trailer", "0\r\nA: b\n\r\n", bareLF, ""},
	{"CR in a trailer", "0\r\nA: b\rc\r\n\r\n", bareCR, ""},
	{"CR for the last line", "0\r\n\rA: b\r\n\r\n", bareCR, ""},
	{"folded trailer", "0\r\nA: b\r\n c\r\n\r\n", obsFold, ""},
	{"trailer without a colon", "0\r\nA\r\n\r\n", noColon, ""},
	{"trailer with a bad name", "0\r\nA@: b\r\n\r\n", badName, ""},
	{"trailer with a space before the colon", "0\r\nA : b\r\n\r\n", spaceBeforeColon, ""},
	{"trailer with a bad value", "0\r\nA: \x00\r\n\r\n", badValue, ""},
	{"a request for trailers", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", noColon, ""},
	{"too many trailers", "0\r\n" + strings.Repeat("A: b\r\n", maxFields+1) + "\r\n", manyFields, ""},
	{"the longest trailer section", "0\r\nA:" + strings.Repeat(" ", maxTrailer-6) + "\r\n\r\n", accepted, "| {A: }|"},
	{"a longer trailer section", "0\r\nA:" + strings.Repeat(" ", maxTrailer-5) + "\r\n\r\n", longTrailer, ""},
	{"a trailer without an end", "0\r\n" + strings.Repeat("a", maxTrailer+1), longTrailer, ""},
	{"no end", "5\r\nhel", accepted, "hel... 2 left"},
	{"no end of the data", "5\r\nhello", accepted, "hello..."},
	{"no last chunk", "5\r\nhello\r\n", accepted, "hello..."},
	{"no trailer section", "0\r\n", accepted, "..."},
	{"half a line", "0\r\n\r", accepted, "..."},
}

// decodeAll decodes in, of which cut bytes come first, then all. With one, data and the
// rest come byte by byte.
func decodeAll(in string, cut int, one bool) (string, *Fault) {
	var d chunkDecoder
	data, buf := "", []byte(in[:cut])
	come := cut
	for {
		piece, n, done, fault := d.decode(buf)
		if len(piece) == 0 && !done && fault == nil && n != len(buf) {
			return data + " stuck", nil
		}
		data += string(piece)
		buf = buf[n:]
		switch {
		case fault != nil:
			if len(buf) == 0 {
				return data + " nothing to ask for", fault
			}
			return data, fault
		case done:
			return data + "|" + showFields(d.trailer()) + "|" + string(buf) + in[come:], nil
		case len(buf) > 0:
		case come == len(in):
			if d.state == inData {
				return data + "... " + string('0'+byte(d.size)) + " left", nil
			}
			return data + "...", nil
		default:
			next := len(in)
			if one {
				next = come + 1
			}
			buf = []byte(in[come:next])
			come = next
		}
	}
}

func TestChunkRules(t *testing.T) {
	for _, tt := range chunkRows {
		t.Run(tt.name, func(t *testing.T) {
			got, fault := decodeAll(tt.in, len(tt.in), false)
			switch {
			case got != tt.want:
				t.Errorf("got  %q\nwant %q", got, tt.want)
			case tt.rule == accepted && fault != nil:
				t.Errorf("refused: %v", fault)
			case tt.rule != accepted && fault != &rules[tt.rule]:
				t.Errorf("refused: %v; want: %v", fault, &rules[tt.rule])
			}
			cuts := len(tt.in)
			if cuts > 64 {
				cuts = 64
			}
			for cut := range cuts {
				if g, f := decodeAll(tt.in, cut, false); g != got || f != fault {
					t.Errorf("cut at %d: %q, %v", cut, g, f)
				}
			}
			if g, f := decodeAll(tt.in, 0, true); g != got || f != fault {
				t.Errorf("byte by byte: %q, %v", g, f)
			}
		})
	}
}

func TestChunkDecoderAgain(t *testing.T) {
	var d chunkDecoder
	for _, in := range []string{"0\r\nA: b\r\n\r\n", "x", "5;a\r\nhel", "0\r\n\r\n"} {
		d.reset()
		_, _, done, fault := d.decode([]byte(in))
		if in == "0\r\n\r\n" && (!done || fault != nil || d.trailer() != nil) {
			t.Errorf("done %t, %v, trailer %v", done, fault, d.trailer())
		}
	}
	if data, n, done, fault := d.decode([]byte("more")); data != nil || n != 0 || !done || fault != nil {
		t.Error("there is something behind the end")
	}
}

func TestAppendChunkSize(t *testing.T) {
	for n, want := range map[int]string{0: "0\r\n", 10: "a\r\n", 4096: "1000\r\n"} {
		if got := string(appendChunkSize([]byte("x"), n)); got != "x"+want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
