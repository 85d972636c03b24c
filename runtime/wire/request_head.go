package wire

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// maxEmptyLines is how many empty lines may stand before a request. Old clients send one behind
// the content of a POST (RFC 9112, section 2.2).
const maxEmptyLines = 4

// skipEmptyLines returns the length of the empty lines at the start of b, a few at most.
func skipEmptyLines(b []byte) int {
	n := 0
	for range maxEmptyLines {
		if len(b)-n < 2 || b[n] != '\r' || b[n+1] != '\n' {
			break
		}
		n += 2
	}
	return n
}

// parseRequest fills q in from head, which is as long as headEnd says. It sets the fields of q that head
// tells of, and keeps the memory of its header. All strings are parts of head, but the path if it is encoded.
//
// The header is what came, in order and spelling, without Host, Transfer-Encoding, a Trailer that announces
// nothing and what concerns this connection alone. q.ContentLength is the framing's length.
//
// m, unless it is nil, keeps in mind what the head said.
func parseRequest(head string, q *gateway.Request, m *requestMemo) (framing, *Fault) {
	r := fieldReader{}
	i, fault := r.requestLine(head, q)
	if fault != nil {
		return framing{}, fault
	}
	if q.Header, fault = r.read(head, i, q.Header[:0]); fault != nil {
		return framing{}, fault
	}
	if m != nil && m.keeps(head, q.Header) {
		m.keep(head[i:], q.Header, &r)
		m.keepLine(head[:i], q)
	}
	return r.request(q)
}

// request is the end of parseRequest: the fields have been read.
func (r *fieldReader) request(q *gateway.Request) (framing, *Fault) {
	fault := r.checkHost(q)
	if fault != nil {
		return framing{}, fault
	}
	f := r.connection()
	switch {
	case r.coded:
		f.chunked, f.length = true, -1
	case r.length > 0:
		f.length = r.length
	}
	q.ContentLength = f.length
	if f.length != 0 && q.Method == "CONNECT" {
		return framing{}, &rules[connectContent]
	}
	// In HTTP/1.0 there is no 100 (Continue), and nobody waits for it without content.
	f.expect = r.expects && r.minor > 0 && f.length != 0
	if r.trailer || r.listed {
		if fault = r.finish(&q.Header); fault != nil {
			return framing{}, fault
		}
	}
	return f, nil
}

// requestLine reads the request line (RFC 9112, section 3). i is where the fields start.
func (r *fieldReader) requestLine(s string, q *gateway.Request) (i int, fault *Fault) {
	for class[s[i]]&inToken != 0 {
		i++
	}
	if s[i] != ' ' || i == 0 {
		return 0, methodFault(s, i)
	}
	q.Method = s[:i]
	t, fault := readTarget(s, i+1)
	if fault != nil {
		return 0, fault
	}
	q.Target = s[i+1 : t.end]
	if i, fault = r.version(s, t.end+1, q); fault != nil {
		return 0, fault
	}
	return i, t.fill(q)
}

// version reads the version of a request, which ends the line.
func (r *fieldReader) version(s string, i int, q *gateway.Request) (next int, fault *Fault) {
	const latest = "HTTP/1.1\r\n"
	if strings.HasPrefix(s[i:], latest) {
		q.Proto, r.minor = latest[:len("HTTP/1.1")], 1
		return i + len(latest), nil
	}
	end := textEnd(s, i)
	if s[end] != '\r' || s[end+1] != '\n' {
		return 0, lineFault(s, end, requestLine)
	}
	q.Proto = s[i:end]
	if strings.IndexByte(q.Proto, ' ') >= 0 || q.Proto == "" {
		return 0, &rules[requestLine]
	}
	if r.minor, fault = minorOf(q.Proto); fault != nil {
		return 0, fault
	}
	return end + 2, nil
}

// methodFault tells what is wrong with a request line whose method stops at s[i].
func methodFault(s string, i int) *Fault {
	switch {
	case i == 0 && s[i] == ' ', s[i] == '\r' && s[i+1] == '\n':
		return &rules[requestLine]
	}
	return lineFault(s, i, badMethod)
}

// minorOf reads a version (RFC 9112, section 2.3). What HTTP/1 may still become is read as HTTP/1.1
// (RFC 9110, section 2.5).
func minorOf(version string) (minor uint8, fault *Fault) {
	digits, ok := strings.CutPrefix(version, "HTTP/")
	if !ok || len(digits) != len("1.1") || digits[0]-'0' > 9 || digits[1] != '.' || digits[2]-'0' > 9 {
		return 0, &rules[badVersion]
	}
	if digits[0] != '1' {
		return 0, &rules[unknownVersion]
	}
	return min(digits[2]-'0', 1), nil
}

// checkHost takes the Host field, if the target doesn't say more (RFC 9112, section 3.2).
func (r *fieldReader) checkHost(q *gateway.Request) *Fault {
	switch {
	case r.hosts > 1:
		return &rules[twoHosts]
	case r.hosts == 0 && r.minor > 0:
		return &rules[noHost]
	case r.host != "" && !isAuthority(r.host):
		return &rules[badHost]
	}
	if q.Host == "" {
		q.Host = r.host
	}
	return nil
}
