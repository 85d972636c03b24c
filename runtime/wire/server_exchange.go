package wire

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// An exchange is a gateway.Exchange with the connection that it came on.
type exchange struct {
	gateway.Exchange
	c       *conn
	since   instant // Start
	framing framing
	body    *requestBody // nil if there is none
	last    bool         // the connection ends with this exchange
	interim func(int, gateway.Header) error

	// mu guards writing to the connection before the response: transports that pass informational responses on
	// may be in goroutines of their own, and so may be who reads the request's body.
	mu       sync.Mutex
	interims atomic.Int32 // informational responses: one of the states below
	told     bool         // the client to go on, by 100 (Continue)
}

// Informational responses may not be sent, may be sent, are being sent. Who sends one holds mu.
const (
	interimsOver = iota
	interimsOpen
	interimsBusy
)

var exchanges = sync.Pool{New: func() any {
	e := new(exchange)
	e.interim = e.sendInterim
	return e
}}

// exchange reads a request and answers it. It reports whether the connection is good for another one.
func (c *conn) exchange() bool {
	if e := c.next; e != nil {
		c.next = nil
		return e.run(nil)
	}
	for begun := c.first; ; begun = true {
		e, refusal := c.parse()
		if e != nil {
			return e.run(refusal)
		}
		if !begun { // the time of the first request has run since the connection began
			c.sock.rd.want = after(c.server.options.ReadHeaderTimeout)
		}
		if c.given || c.in.fillSlowly() != nil {
			return false
		}
	}
}

// parse makes an exchange of the next request, if its head is there. A refusal is how to answer a request that
// isn't one.
func (c *conn) parse() (e *exchange, refusal *gateway.Error) {
	in, limit := &c.in, c.server.options.MaxHeaderBytes
	if c.searched == 0 && c.empty < maxEmptyLines {
		k := skipEmptyLines(in.buffered())
		in.discard(k)
		c.empty += k / len("\r\n")
	}
	b := in.buffered()
	if len(b) == 1 && b[0] == '\r' {
		return nil, nil // an empty line, perhaps
	}
	m := c.memo.Load()
	n, line := m.match(b)
	if n == 0 {
		n = headEnd(b, c.searched)
	}
	switch {
	case n > limit || n == 0 && len(b) > limit:
		refusal = errHeader
	case n == 0:
		c.searched = len(b)
		return nil, nil
	}
	if m == nil && !c.first && refusal == nil {
		m = new(requestMemo)
		c.memo.Store(m)
	}
	c.searched, c.empty, c.first = 0, 0, false
	e = exchanges.Get().(*exchange)
	e.begin(c)
	if refusal != nil {
		return e, refusal
	}
	if string(b[:n]) == preface && c.isHTTP2() {
		c.give(c.sock, b)
		return nil, nil
	}
	var fault *Fault
	if line > 0 {
		e.framing, fault = m.parse(b[:line], &e.Request)
	} else {
		e.framing, fault = parseRequest(string(b[:n]), &e.Request, m)
	}
	in.discard(n)
	if fault != nil {
		return e, &gateway.Error{Status: fault.Status, Code: "E2130", Kind: "CoreServer", Message: fault.Error()}
	}
	if e.framing.length != 0 {
		e.readBody()
	} else if e.framing.upgrade && c.isHTTP2() && c.switchOver(&e.Request) {
		return nil, nil
	}
	return e, nil
}

// isHTTP2 reports whether clients may begin in HTTP/2.
func (c *conn) isHTTP2() bool {
	return c.server.http2 != nil && c.tls == nil && c.server.options.HTTP2.Cleartext()
}

// isWhole reports whether nothing more must be read for the request.
func (e *exchange) isWhole() bool {
	return !e.framing.upgrade && (e.body == nil || e.body.ended.Load())
}

var errHeader = answer.Core(431, "the header is larger than maxHeaderBytes")

// begin starts an exchange.
func (e *exchange) begin(c *conn) {
	s := c.server
	e.c = c
	e.framing = framing{minor: 1}
	e.Start, e.since = startTime()
	e.Errors = s.options.Errors
	e.Interim = e.interim
	e.Request.RemoteAddr = c.remote
	e.Request.Scheme = "http"
	if c.state != nil {
		e.Request.Scheme, e.Request.TLS = "https", c.state
	}
	wd := &c.sock.wd
	wd.want = 0
	if d := s.options.WriteTimeout; d > 0 {
		wd.want, wd.about = e.since+instant(d), d >= longLimit
	}
}

// publish tells other goroutines that the exchange is running.
func (e *exchange) publish() {
	c := e.c
	c.mu.Lock()
	c.running, c.since, c.look = e, e.since, 0
	c.waiting, c.fresh, c.reading = false, false, false
	c.sock.rd.limit.Store(0) // drain may have set it, and does so no more
	c.mu.Unlock()
	e.interims.Store(interimsOpen)
	if s := c.server; !s.watching.Load() {
		s.watch()
	}
}

// endRunning tells other goroutines that the exchange is over, and that the connection waits for the next one, if
// nothing of it has come.
func (c *conn) endRunning(more bool) {
	c.mu.Lock()
	c.running, c.look = nil, 0
	c.waiting = more && c.in.r == c.in.w
	c.mu.Unlock()
}

// run answers the request, and reports whether the connection is good for another one.
func (e *exchange) run(refusal *gateway.Error) (more bool) {
	c, s := e.c, e.c.server
	e.last = e.framing.close || s.options.DisableKeepAlive
	e.publish()
	if e.body == nil {
		c.in.release() // the handler may take its time
	}
	var err error
	if refusal != nil {
		e.last = true
		answer.Fail(&e.Exchange, refusal, s.options.Logger)
	} else {
		err = answer.Serve(&e.Exchange, e, s.options.Logger)
	}
	if err == nil {
		err = e.send()
	}
	e.endInterim()
	e.closeBody()
	e.SendErr = err
	e.Finish()
	rest := e.body != nil && !e.body.end(err == nil && !e.last)
	more = err == nil && !e.last && !rest
	c.endRunning(more)
	switch {
	case err != nil:
		// e is left to the garbage collector: a goroutine of a handler that panicked, or of
		// a transport, may still know it.
		// The end of the connection may be the end of the body. And what the kernel would still send to a client that has had its
		// time would stay in memory as long as that client likes.
		c.resets = e.framing.minor == 0 || errors.Is(err, errDeadline)
		return false
	case !more:
		c.stays = rest || refusal != nil || c.in.r != c.in.w || s.draining.Load()
	}
	e.reset()
	return more
}

func (e *exchange) reset() {
	e.Reset()
	e.c, e.body, e.framing, e.told = nil, nil, framing{}, false
	exchanges.Put(e)
}

// Serve answers requests that are the engine's own business, and hands on the others.
func (e *exchange) Serve(x *gateway.Exchange) error {
	s, q := e.c.server, &x.Request
	if q.Target == "*" && q.Method == "OPTIONS" && s.options.GeneralOptions {
		x.Response.Status = 200
		return nil
	}
	return s.handler.Serve(x)
}

// closeBody closes what a middleware has put in the place of the request's body.
func (e *exchange) closeBody() {
	if b := e.Request.Body; b != nil && (e.body == nil || b != gateway.BufferedBody(e.body)) {
		_ = b.Close()
	}
}

// isReading reports whether there is still something to read of the request.
func (e *exchange) isReading() bool { return e.body != nil && !e.body.ended.Load() }

// endInterim closes the door to informational responses: the head of the final one is next.
func (e *exchange) endInterim() {
	if e.interims.Load() == interimsOver || e.interims.CompareAndSwap(interimsOpen, interimsOver) {
		return
	}
	e.mu.Lock() // one is being sent
	e.interims.Store(interimsOver)
	e.mu.Unlock()
}

var (
	errLate   = errors.New("too late for an informational response")
	errStatus = errors.New("no status of an informational response")
)

// sendInterim sends an informational response (RFC 9110, section 15.2).
func (e *exchange) sendInterim(status int, fields gateway.Header) error {
	if status < 100 || status > 199 || status == 101 {
		return errStatus
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.interims.CompareAndSwap(interimsOpen, interimsBusy) {
		return errLate
	}
	defer e.interims.Store(interimsOpen)
	switch {
	case e.framing.minor == 0:
		return nil // HTTP/1.0 doesn't know them
	case status == 100 && e.told:
		return nil
	}
	e.told = e.told || status == 100
	b := appendStatus(make([]byte, 0, 512), status)
	for i := range fields {
		f := &fields[i]
		switch len(f.Name) {
		case len("Content-Length"), len("Transfer-Encoding"), len("Connection"), len("Upgrade"): // of the latter's length is Trailer
			if isFraming(f.Name) || gateway.EqualName(f.Name, "Upgrade") || gateway.EqualName(f.Name, "Trailer") {
				continue
			}
		}
		b = appendField(b, f.Name, f.Value)
	}
	_, err := e.c.out.Write(append(b, "\r\n"...))
	return err
}

// isFraming reports whether a field is the engine's own business, or about the connection that it
// came on (RFC 9110, section 7.6.1).
func isFraming(name string) bool {
	switch len(name) {
	case 10:
		return gateway.EqualName(name, "Connection") || gateway.EqualName(name, "Keep-Alive")
	case 14:
		return gateway.EqualName(name, "Content-Length")
	case 16:
		return gateway.EqualName(name, "Proxy-Connection")
	case 17:
		return gateway.EqualName(name, "Transfer-Encoding")
	}
	return false
}
