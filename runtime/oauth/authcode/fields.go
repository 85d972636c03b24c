package authcode

import "encoding/binary"

// A list of texts is what is kept in sessions: each with its length before it, since sessions may have to fit into cookies.

func appendField(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendNumber(b []byte, n int64) []byte { return binary.AppendVarint(b, n) }

// A fieldReader reads what appendField and appendNumber have written. After the first thing that isn't there, ok is false and all is zero.
type fieldReader struct {
	rest string
	ok   bool
}

func readFields(b []byte) *fieldReader { return &fieldReader{string(b), true} }

// more reports whether there is something left.
func (r *fieldReader) more() bool { return r.ok && r.rest != "" }

func (r *fieldReader) field() string {
	n, size := binary.Uvarint(prefix(r.rest))
	if size <= 0 || n > uint64(len(r.rest)-size) {
		r.fail()
		return ""
	}
	s := r.rest[size : size+int(n)]
	r.rest = r.rest[size+int(n):]
	return s
}

func (r *fieldReader) number() int64 {
	n, size := binary.Varint(prefix(r.rest))
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *fieldReader) fail() { r.rest, r.ok = "", false }

// prefix is as much of s as a number can take.
func prefix(s string) []byte { return []byte(s[:min(len(s), binary.MaxVarintLen64)]) }
