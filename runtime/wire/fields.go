package wire

import (
	"bytes"
	"math"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/connection"
)

// maxFields is how many fields a head or a trailer section may have.
const maxFields = 512

// A framing says how a message goes on behind its head.
type framing struct {
	minor   uint8 // of the version: HTTP/1.minor, 1 for all later ones
	chunked bool
	toEnd   bool  // a response's content that ends with the connection
	close   bool  // the connection ends after this message and its answer
	expect  bool  // a request with content that waits for 100 (Continue)
	upgrade bool  // Connection: upgrade and an Upgrade field are there
	length  int64 // of the content; 0 none; -1 unknown (chunked or toEnd)
}

// headEnd returns the length of the head at the start of b, its empty line included, or 0 if that isn't complete.
// from is how much of b was searched before. An empty line that ends in LF alone counts, so that the
// head can be refused for it at once.
func headEnd(b []byte, from int) int {
	i := max(from-len("\n\r"), 0)
	for {
		lf := bytes.IndexByte(b[i:], '\n')
		if lf < 0 {
			return 0
		}
		i += lf + 1
		switch rest := b[i:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 2
		}
	}
}

// A fieldReader reads the fields of a head, and notes what they say about framing and connection.
type fieldReader struct {
	minor    uint8
	response bool

	host   string
	hosts  int
	length int64 // of Content-Length; -1 if there is none
	coded  bool  // there is a Transfer-Encoding, and it is chunked

	close     bool // options of Connection
	keepAlive bool
	upgrade   bool
	listed    bool // options that are to be removed
	options   int  // how many there are in lists

	upgradeTo bool // there is an Upgrade field
	trailer   bool // there is a Trailer field
	expects   bool // 100-continue
}

// read appends the fields from s[i:] on to h, up to the empty line, which is the end of s.
func (r *fieldReader) read(s string, i int, h gateway.Header) (gateway.Header, *Fault) {
	r.length = -1
	for n := 0; s[i] != '\r' || s[i+1] != '\n'; n++ {
		if n == maxFields {
			return h, &rules[manyFields]
		}
		name, value, next, fault := readField(s, i)
		if fault != nil {
			return h, fault
		}
		drop := false
		switch len(name) { // tells nearly all apart
		case 4, 6, 7, 10, 14, 17:
			if drop, fault = r.note(name, value, s[i+len(name)+1:next]); fault != nil {
				return h, fault
			}
		}
		if !drop {
			h = append(h, gateway.Field{Name: name, Value: value})
		}
		i = next
	}
	return h, nil
}

// readField reads the field line at s[i:]; next is where the one after it starts.
func readField(s string, i int) (name, value string, next int, fault *Fault) {
	c := i
	for class[s[c]]&inToken != 0 {
		c++
	}
	if s[c] != ':' || c == i {
		return "", "", 0, nameFault(s, i, c)
	}
	start := c + 1
	for s[start] == ' ' || s[start] == '\t' {
		start++
	}
	end := textEnd(s, start)
	if s[end] != '\r' || s[end+1] != '\n' {
		return "", "", 0, lineFault(s, end, badValue)
	}
	next = end + 2
	if s[next] == ' ' || s[next] == '\t' {
		return "", "", 0, &rules[obsFold]
	}
	for end > start && (s[end-1] == ' ' || s[end-1] == '\t') {
		end--
	}
	return s[i:c], s[start:end], next, nil
}

// nameFault tells what is wrong with a field line at s[i:] whose name stops at s[c].
func nameFault(s string, i, c int) *Fault {
	rule := badName
	switch b := s[c]; {
	case (b == ' ' || b == '\t') && c == i:
		rule = obsFold
	case b == ' ' || b == '\t':
		line, _, _ := strings.Cut(s[c:], "\n")
		name, _, found := strings.Cut(line, ":")
		if !found {
			rule = noColon
		} else if strings.Trim(name, " \t") == "" {
			rule = spaceBeforeColon
		}
	case b == ':':
		rule = noName
	case b == '\r' && s[c+1] == '\n':
		rule = noColon
	default:
		return lineFault(s, c, badName)
	}
	return &rules[rule]
}

// note keeps in mind what a field says that matters to the engine. raw is the
// value with the blanks around it. drop means that the field is not to be in the header.
func (r *fieldReader) note(name, value, raw string) (drop bool, fault *Fault) {
	switch len(name) {
	case len("host"):
		if !r.response && is(name, "host") {
			r.host = value
			r.hosts++
			return true, nil
		}
	case len("expect"):
		if !r.response && is(name, "expect") {
			return false, r.noteExpectation(value)
		}
	case len("upgrade"):
		if is(name, "upgrade") {
			r.upgradeTo = true
		} else if is(name, "trailer") {
			r.trailer = true
		}
	case len("connection"):
		if is(name, "connection") {
			return false, r.noteOptions(value)
		}
	case len("content-length"):
		if is(name, "content-length") {
			return r.response, r.noteLength(value, raw)
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			return true, r.noteCoding(value, raw)
		}
	}
	return false, nil
}

// noteOptions reads Connection.
func (r *fieldReader) noteOptions(list string) *Fault {
	switch { // the common cases
	case is(list, "keep-alive"):
		r.keepAlive = true
		return nil
	case is(list, "close"):
		r.close = true
		return nil
	case is(list, "upgrade"):
		r.upgrade = true
		return nil
	}
	for option := range gateway.SplitList(list) {
		switch connection.Of(option) {
		case connection.Close:
			r.close = true
		case connection.KeepAlive:
			r.keepAlive = true
		case connection.Upgrade:
			r.upgrade = true
		case connection.Field, connection.Ignored:
			r.listed = true
		}
		if r.options++; r.options > connection.MaxOptions {
			return &rules[manyOptions]
		}
	}
	return nil
}

// noteExpectation reads Expect. Whoever asks for what isn't known is to learn it (RFC 9110, section 10.1.1).
func (r *fieldReader) noteExpectation(list string) *Fault {
	for e := range gateway.SplitList(list) {
		if !gateway.EqualName(e, "100-continue") {
			return &rules[badExpectation]
		}
		r.expects = true
	}
	return nil
}

// noteLength reads Content-Length. A tab beside the value is white space that there may be, but nobody sends
// it other than to have one of two parsers overlook the field.
func (r *fieldReader) noteLength(value, raw string) *Fault {
	switch {
	case r.coded:
		return &rules[lengthAndCoding]
	case r.length >= 0:
		return &rules[twoLengths]
	case value == "" || strings.IndexByte(raw, '\t') >= 0:
		return &rules[badLength]
	}
	n := int64(0)
	for i := range len(value) {
		d := value[i] - '0'
		switch {
		case value[i] == ',':
			return &rules[twoLengths]
		case d > 9:
			return &rules[badLength]
		case n > (math.MaxInt64-int64(d))/10:
			return &rules[hugeLength]
		}
		n = n*10 + int64(d)
	}
	r.length = n
	return nil
}

// noteCoding reads Transfer-Encoding, of which the only one to be understood is chunked.
func (r *fieldReader) noteCoding(value, raw string) *Fault {
	switch {
	case r.length >= 0:
		return &rules[lengthAndCoding]
	case r.coded:
		return &rules[twoCodings]
	case r.minor == 0:
		return &rules[codingTooOld]
	case strings.IndexByte(raw, '\t') >= 0:
		return &rules[badCoding]
	case is(value, "chunked"):
		r.coded = true
		return nil
	}
	return codingFault(value)
}

// codingFault tells what is wrong with a list of transfer codings that isn't chunked alone.
func codingFault(list string) *Fault {
	chunked, rule := 0, unknownCoding
	for more := true; more; {
		var coding string
		coding, list, more = strings.Cut(list, ",")
		coding, _, _ = strings.Cut(strings.Trim(coding, " "), ";")
		switch {
		case !isToken(coding):
			return &rules[badCoding]
		case gateway.EqualName(coding, "chunked"):
			chunked++
		case chunked > 0:
			rule = chunkedNotLast
		}
	}
	if chunked > 1 {
		rule = twoCodings
	}
	return &rules[rule]
}

// connection returns the part of the framing that Connection decides on (RFC 9112, section 9.3).
func (r *fieldReader) connection() framing {
	return framing{
		minor:   r.minor,
		close:   r.close || r.minor == 0 && !r.keepAlive,
		upgrade: r.upgrade && r.upgradeTo && r.minor > 0, // RFC 9110, section 7.8
	}
}

// finish takes out of h what is of no use beyond this connection.
func (r *fieldReader) finish(h *gateway.Header) *Fault {
	if r.trailer {
		if !r.coded {
			h.Del("Trailer") // there is no trailer section
		}
		for name := range h.Tokens("Trailer") {
			if is(name, "content-length") || is(name, "transfer-encoding") || is(name, "trailer") {
				return &rules[badTrailerName]
			}
		}
	}
	if r.listed {
		connection.DropListed(h)
	}
	return nil
}
