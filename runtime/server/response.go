package server

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// unknown is the length of a body that ends when it ends.
const unknown = -1

// send sends the response. An error says why it could not be sent to its end.
func (e *exchange) send() error {
	if err := e.connect.accepted(&e.Response); err != nil {
		answer.Fail(&e.Exchange, err, e.engine.logger)
	}
	answer.CheckStatus(&e.Exchange, e.upgradable(), e.engine.logger)
	err := e.trySend()
	if err != nil && err != answer.ErrAbort {
		answer.Cut(&e.Exchange, err, e.engine.logger)
	}
	return err
}

// http11 reports whether the client speaks HTTP/1.1, and may get chunks and upgrades.
func (e *exchange) http11() bool { return e.r.ProtoMajor == 1 && e.r.ProtoMinor > 0 }

// upgradable reports whether a 101 (Switching Protocols) can be sent.
func (e *exchange) upgradable() bool {
	if e.r.ProtoMajor == 3 {
		_, ok := e.w.(http.Hijacker)
		return ok
	}
	return e.http11() && !e.isUploading() || e.connect.key != ""
}

func (e *exchange) trySend() (err error) {
	defer answer.Rescue(&err)
	p := &e.Response
	if p.Status == http.StatusSwitchingProtocols {
		if e.connect.key != "" {
			return e.openSocket()
		}
		return e.upgrade()
	}
	defer answer.Discard(&e.Response)
	e.endInterim()

	length, body := e.framing()
	e.setHeader(length, body)
	if e.isUploading() {
		// Without this, net/http would wait for the rest of the body before it sends the head, and
		// take it away from whoever reads it.
		_ = http.NewResponseController(e.w).EnableFullDuplex()
		if e.upload.isLost() {
			e.w.Header()["Connection"] = closeOption
		}
	}
	e.w.WriteHeader(p.Status)
	switch {
	case !body:
	case p.Body == nil:
		n, err := e.w.Write(p.Bytes)
		e.Sent = int64(n)
		if err != nil {
			return err
		}
	default:
		if err := e.copyBody(length); err != nil {
			return err
		}
	}
	if w, ok := e.w.(Ender); ok {
		return w.End(e.trailer(body))
	}
	if body && p.Trailer != nil {
		e.setTrailer()
	}
	if e.r.ProtoMajor == 1 && (length != unknown || !body) {
		// So that the last byte is out when the OnDone functions run. net/http has nothing to
		// flush then, while HTTP/2 would need another frame, and chunks another chunk.
		e.flushed = true
		return e.flush()
	}
	return nil
}

// framing returns the length that is announced, or unknown, and whether there is a body.
func (e *exchange) framing() (length int64, body bool) {
	p := &e.Response
	if p.Body == nil {
		length = int64(len(p.Bytes))
	} else {
		length = p.ContentLength
	}
	if e.r.Method == http.MethodHead || p.Status == http.StatusNotModified {
		if length == 0 && p.Body == nil {
			length = p.ContentLength
		}
		if length <= 0 { // a length of 0 may as well be one that nobody has set
			length = unknown
		}
		return length, false
	}
	if p.Status == http.StatusNoContent {
		return unknown, false
	}
	if p.Trailer != nil && e.http11() {
		length = unknown // trailers come after chunks only (RFC 9112, section 7.1.2)
	}
	return max(length, unknown), true
}

// setHeader gives the fields of the response to net/http.
func (e *exchange) setHeader(length int64, body bool) {
	p, g, h := &e.Response, e.engine, e.w.Header()
	values := make([]string, 0, len(p.Header)+1)
	typed := !body
	repeated := false // the list repeats a name
	for i := range p.Header {
		name := gateway.CanonicalName(p.Header[i].Name)
		switch name {
		case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection":
			continue // framing, and what only this connection is about (RFC 9110, section 7.6.1)
		case "Upgrade":
			if e.r.ProtoMajor != 1 {
				continue // RFC 9113, section 8.2.2
			}
			h["Connection"] = upgradeOption
		case "Content-Type":
			typed = true
		case "Alt-Svc":
			if g.altSvc != nil {
				continue
			}
		case "Date":
			if p.NoDate {
				continue
			}
		}
		k := len(values)
		values = append(values, p.Header[i].Value)
		value := values[k : k+1 : k+1] // one array for all values
		if repeated {
			h[name] = append(h[name], value...)
			continue
		}
		before := len(h)
		if h[name] = value; len(h) == before {
			repeated = true
			h[name] = valuesOf(p.Header[:i+1], name)
		}
	}
	if g.altSvc != nil {
		h["Alt-Svc"] = g.altSvc
	}
	if p.NoDate {
		h["Date"] = nil
	}
	if !typed {
		h["Content-Type"] = nil // or net/http would guess
	}
	e.setFraming(h, append(values, ""), length, body)
}

// closeOption is the Connection field of the last response (RFC 9112, section 9.6).
var closeOption = []string{"close"}

// upgradeOption is the Connection field of responses with Upgrade (RFC 9110, section 7.8).
var upgradeOption = []string{"Upgrade"}

// zero is the Content-Length of empty bodies.
var zero = []string{"0"}

// autoLength is up to which length net/http buffers and measures a body by itself.
const autoLength = 2048

func (e *exchange) setFraming(h http.Header, values []string, length int64, body bool) {
	p := &e.Response
	last := len(values) - 1
	switch {
	case length == unknown:
	case length == 0:
		h["Content-Length"] = zero
	case body && length <= autoLength && e.r.ProtoMajor == 2 && p.Body == nil && p.Trailer == nil:
	default:
		values[last] = strconv.FormatInt(length, 10)
		h["Content-Length"] = values[last : last+1 : last+1]
	}
	if p.Trailer != nil && body && e.http11() {
		h[http.TrailerPrefix] = nil // makes sure of chunks; it isn't sent
	}
}

func valuesOf(fields gateway.Header, name string) (values []string) {
	for i := range fields {
		if gateway.EqualName(fields[i].Name, name) {
			values = append(values, fields[i].Value)
		}
	}
	return values
}

// setTrailer gives the trailer fields to net/http, which has copied the header by now.
func (e *exchange) setTrailer() {
	p, h := &e.Response, e.w.Header()
	clear(h) // of two fields of that name, net/http would send both as trailers
	for _, f := range e.trailer(true) {
		name := gateway.CanonicalName(f.Name)
		if !p.Header.HasToken("Trailer", name) {
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], f.Value)
	}
}

// trailer returns the trailer fields that are sent, nil if there are none or no body.
func (e *exchange) trailer(body bool) gateway.Header {
	if !body || e.Response.Trailer == nil {
		return nil
	}
	fields := e.Response.Trailer()
	if slices.ContainsFunc(fields, mustNotTrail) {
		fields = slices.DeleteFunc(slices.Clone(fields), mustNotTrail) // it's the handler's list
	}
	return fields
}

// mustNotTrail reports whether a field is one of a head only (RFC 9110, section 6.5.1).
func mustNotTrail(f gateway.Field) bool {
	switch gateway.CanonicalName(f.Name) {
	case "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Host", "Upgrade":
		return true
	}
	return false
}

// flush sends what is buffered.
func (e *exchange) flush() error {
	if f, ok := e.w.(interface{ FlushError() error }); ok {
		return f.FlushError()
	}
	return nil
}

// endInterim closes the door to informational responses: the head of the final one is next.
func (e *exchange) endInterim() {
	e.mu.Lock()
	e.open = false
	e.mu.Unlock()
}

var errLate = errors.New("too late for an informational response")

// sendInterim sends an informational response (RFC 9110, section 15.2).
func (e *exchange) sendInterim(status int, fields gateway.Header) error {
	if status < 100 || status > 199 || status == http.StatusSwitchingProtocols {
		return errors.New("no status of an informational response: " + strconv.Itoa(status))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !e.open:
		return errLate
	case !e.r.ProtoAtLeast(1, 1):
		return nil // HTTP/1.0 doesn't know them
	}
	h := e.w.Header()
	for _, f := range fields {
		name := gateway.CanonicalName(f.Name)
		switch name {
		case "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Trailer":
		default:
			if !strings.HasPrefix(name, http.TrailerPrefix) {
				h[name] = append(h[name], f.Value)
			}
		}
	}
	if e.r.ProtoMajor == 2 {
		// If the client gives the stream up, net/http returns while it still encodes the map; but
		// a map with this field, which is not sent, it copies before.
		h["Content-Length"] = zero
	}
	e.w.WriteHeader(status)
	clear(h)
	return nil
}
