// Package accesslog writes two log lines for each exchange: one when the request
// is there, one when the head of its response is known.
//
// On a server it logs what a client sent and got, around a round tripper what was
// sent to an upstream and came back; the lines of one request have one id:
//
//	{…,"msg":"server","request":{"header":{},"host":"api.example.com","id":"…","method":"GET","path":"/users/42",
//	 "proto":"HTTP/1.1","query":"","remote":"192.0.2.7:41234","size":0,"time":"2025-01-02 03:04:05.678"}}
//	{…,"msg":"server","response":{"duration":1250,"header":{},"id":"…","size":17,"status":200,"time":"2025-01-02 03:04:05.679"}}
//
// The duration is in microseconds. A size is -1 if it isn't known beforehand.
package accesslog

import (
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Options say what is logged.
type Options struct {
	// Logger gets the lines, at level Info. It must be set.
	Logger gateway.Logger
	// TimeFormat is the layout of the members "time"; by default "2006-01-02 15:04:05.000".
	TimeFormat string
	// Zone is their time zone; by default time.Local.
	Zone *time.Location
	// Request and Response are about the two lines.
	Request, Response Side
}

// A Side says what is logged of a request or a response.
type Side struct {
	// Headers are the header fields to log; none by default. The name "*" stands for all; the
	// Replacers of others then still apply, its own don't.
	Headers []Header
	// Queries edit the raw query, in order. A response has none.
	Queries []replace.Func
	// Format makes the line text of one's own, which a Logger writes as it is: a template with tags
	// like %method%. Control characters in the values are escaped. Tags of both lines are id, time,
	// type, size, header, header.NAME and body (which is empty); of the request method, path,
	// query, host, remote and proto; of the response duration and status. Another tag NAME
	// gives <undefined:NAME>.
	Format string
}

// A Header is a header field to log, after Replacers have edited its value, in order.
type Header struct {
	Name      string
	Replacers []replace.Func
}

// New makes a middleware for both sides. On an exchange of a server it logs what the
// client sends and gets, and turns errors into responses, so that it knows the
// status. On a leg, which has a parent or at least no request target, it logs what is sent to
// the upstream and what it answers: status 0 if it doesn't.
func New(o Options) gateway.Middleware {
	l := NewLines(o, false)
	return func(next gateway.Handler) gateway.Handler { return &handler{l, next} }
}

type handler struct {
	*Lines
	next gateway.Handler
}

// Serve logs x.
func (h *handler) Serve(x *gateway.Exchange) error {
	if !h.Enabled(gateway.LevelInfo) {
		return h.next.Serve(x)
	}
	e := h.Begin(x)
	e.Request("")
	defer e.Response("") // on a panic, too: whoever recovers from it answers 500
	return e.Answered(h.next.Serve(x))
}
