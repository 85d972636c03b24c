package wire

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// parseResponse fills in p from head, which is as long as headEnd says: the answer to a request of that method.
// It sets Status, Header and ContentLength, and keeps the memory of the header.
//
// The header is what came, in order and spelling, without the framing fields and what concerned that
// connection alone; Connection and Upgrade stay. The framing's length is 0 where there can't be
// content (RFC 9112, section 6.3), while p.ContentLength may say what a GET would have had.
//
// m, unless it is nil, keeps in mind what the head said, and spares reading it if it's the last one again.
func parseResponse(head, method string, p *gateway.Response, m *responseMemo) (framing, *Fault) {
	r := fieldReader{response: true}
	if m != nil && head == m.fields {
		r.minor, p.Status = m.reader.minor, m.status
		p.Header = m.again(p.Header[:0], &r)
	} else {
		i, fault := r.statusLine(head, p)
		if fault != nil {
			return framing{}, fault
		}
		if p.Header, fault = r.read(head, i, p.Header[:0]); fault != nil {
			return framing{}, fault
		}
		if m != nil && m.keeps(head, p.Header) {
			m.keep(head, p.Header, &r)
			m.status = p.Status
		}
	}
	f := r.connection()
	fault := r.frame(&f, method, p)
	if fault != nil {
		return framing{}, fault
	}
	if r.trailer || r.listed {
		if fault = r.finish(&p.Header); fault != nil {
			return framing{}, fault
		}
	}
	return f, nil
}

// statusLine reads the status line (RFC 9112, section 4). i is where the fields start.
func (r *fieldReader) statusLine(s string, p *gateway.Response) (i int, fault *Fault) {
	const version, status = len("HTTP/1.1"), len("HTTP/1.1 200")
	if len(s) < status+len("\r\n\r\n") {
		return 0, &rules[statusLine]
	}
	if r.minor, fault = minorOf(s[:version]); fault != nil {
		return 0, fault
	}
	if s[version] != ' ' {
		return 0, &rules[badVersion]
	}
	a, b, c := s[version+1]-'0', s[version+2]-'0', s[version+3]-'0'
	if a > 9 || b > 9 || c > 9 || a == 0 {
		return 0, &rules[badStatus]
	}
	p.Status = int(a)*100 + int(b)*10 + int(c)
	switch s[status] {
	case ' ', '\r', '\n': // without a reason, the space may be missing, too
	default:
		return 0, &rules[badStatus]
	}
	end := textEnd(s, status)
	if s[end] != '\r' || s[end+1] != '\n' {
		return 0, lineFault(s, end, badReason)
	}
	return end + 2, nil
}

// frame says how the response goes on (RFC 9112, section 6.3).
func (r *fieldReader) frame(f *framing, method string, p *gateway.Response) *Fault {
	p.ContentLength = r.length
	switch status := p.Status; {
	case status < 200, status == 204:
		if r.coded || r.length > 0 {
			return &rules[noContent]
		}
		p.ContentLength = 0
	case method == "CONNECT" && status < 300: // the rest is the tunnel's, whatever the fields say
		p.ContentLength = 0
	case method == "HEAD", status == 304:
	case r.coded:
		f.chunked, f.length = true, -1
	case r.length >= 0:
		f.length = r.length
	default:
		f.toEnd, f.length, f.close = true, -1, true
	}
	return nil
}
