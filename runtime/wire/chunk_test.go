package wire

import (
	"testing"

	"github.com/aileron-gateway/aileronc/internal/wirerows"
)

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
	for _, tt := range wirerows.Chunks {
		t.Run(tt.Name, func(t *testing.T) {
			got, fault := decodeAll(tt.Head, len(tt.Head), false)
			switch {
			case got != tt.Want:
				t.Errorf("got  %q\nwant %q", got, tt.Want)
			case tt.Rule == wirerows.Accepted && fault != nil:
				t.Errorf("refused: %v", fault)
			case tt.Rule != wirerows.Accepted && (fault == nil || fault.Name != tt.Rule):
				t.Errorf("refused: %v; want: %s", fault, tt.Rule)
			}
			for cut := range min(len(tt.Head), 64) {
				if g, f := decodeAll(tt.Head, cut, false); g != got || f != fault {
					t.Errorf("cut at %d: %q, %v", cut, g, f)
				}
			}
			if g, f := decodeAll(tt.Head, 0, true); g != got || f != fault {
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
