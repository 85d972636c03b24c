// Package journal is the access log that logs bodies, too: the lines are those of package accesslog,
// with a member body.
//
// Bodies pass as they come, and as they are. One of a known length that is to be logged is taken in
// before the request is passed on; of others a copy is taken as they pass, and the line is written when the
// exchange is over. A copy that would get too long is given up: then the body isn't logged.
package journal

import (
	"os"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Options say what is logged.
type Options struct {
	// Lines say what is logged besides bodies.
	Lines accesslog.Options
	// Request and Response are about the bodies.
	Request, Response Bodies
	// Errors answers requests whose bodies can't be logged; by default the server's error handler does.
	Errors gateway.ErrorHandler
}

// Bodies say which bodies are logged, and how.
type Bodies struct {
	// MIMEs are the media types, without parameters, of bodies to log; none by default. One without a
	// Content-Type isn't logged. See [TextTypes].
	MIMEs []string
	// MaxBytes is the size of the longest body that is logged, as it comes and without its content coding; by default none is. Others
	// are passed on, and the member body is empty.
	MaxBytes int64
	// Edits are made before a body is logged, all that are for its media type, in order. A body that has
	// some, but isn't whole, can't be decoded, or isn't JSON where that is needed, is not logged: there is no
	// telling what in it is secret.
	Edits []Edit
	// Base64 logs bodies in base64 (RFC 4648, section 4), after the Edits.
	Base64 bool
	// Dir, if it isn't empty, is a folder for the bodies that are longer than MaxBytes or of unknown length.
	// It's made if it isn't there, with mode 0750. The files are called "body-ID.svr.req.bin", where ID is that of the lines,
	// cli stands for those of upstreams and res for responses; a name that is taken gets a number. They have mode 0640, and
	// hold what was sent: Edits and Base64 are not for them. The member body is the name then.
	Dir string
}

// An Edit changes bodies of one media type before they are logged.
type Edit struct {
	MIME string
	// Replacers change the body, in order.
	Replacers []replace.Func
	// JSONFields, if there are any, are the paths of what the Replacers change in a JSON body, instead of all
	// of it; see package jsonfield.
	JSONFields []string
}

// TextTypes are the media types of bodies that people can read.
func TextTypes() []string {
	return []string{
		"application/json", "application/x-www-form-urlencoded", "application/xml", "application/soap+xml",
		"application/graphql+json", "text/plain", "text/html", "text/xml",
	}
}

// New makes a middleware for both sides, as [accesslog.New] does. It fails if a path is malformed or a folder
// can't be made. A request whose body can't be taken in, or written to a file, is refused with 500; what goes wrong with the body
// of a response is logged at level Error.
func New(o Options) (gateway.Middleware, error) {
	j := &journal{Lines: accesslog.NewLines(o.Lines, true), errors: o.Errors}
	var err error
	if j.request, err = newBodies(o.Request); err != nil {
		return nil, err
	}
	if j.response, err = newBodies(o.Response); err != nil {
		return nil, err
	}
	for _, dir := range []string{o.Request.Dir, o.Response.Dir} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
	}
	return func(next gateway.Handler) gateway.Handler { return &handler{j, next} }, nil
}

type journal struct {
	*accesslog.Lines
	request, response *bodies
	errors            gateway.ErrorHandler
}

type handler struct {
	*journal
	next gateway.Handler
}

// Serve logs x.
func (h *handler) Serve(x *gateway.Exchange) error {
	if !h.Enabled(gateway.LevelInfo) {
		return h.next.Serve(x)
	}
	r := &record{journal: h.journal, Entry: h.Begin(x), x: x}
	err := r.takeRequest()
	if err != nil {
		err = r.Answered(err)
	} else {
		returned := false
		defer func() {
			if !returned { // but panicked
				r.end(x)
			}
		}()
		err = r.Answered(h.next.Serve(x))
		returned = true
	}
	if err != nil || x.Response.Status == gateway.LogOnly {
		r.end(x)
	} else {
		r.takeResponse()
	}
	return err
}

// A record is what is known of an exchange that is being logged.
type record struct {
	*journal
	accesslog.Entry
	x        *gateway.Exchange
	req, res taken
	// Whether the lines have been written.
	hasRequest, hasResponse bool
}

// takeRequest takes the body of the request, and writes the line if that is there.
func (r *record) takeRequest() (err error) {
	r.req, err = r.request.ofRequest(&r.x.Request, "body-"+r.ID(), r.suffix(".req.bin"))
	if r.req.isPending() {
		r.KeepRequest()
	} else {
		r.logRequest()
	}
	if err != nil {
		err = &gateway.Error{
			Status: 500, Code: "E2050", Kind: "CoreLogger",
			Message: "the body of the request could not be logged", Cause: err, Handler: r.errors,
		}
	}
	return err
}

// takeResponse takes the body of the response, and writes the lines for which all is there.
func (r *record) takeResponse() {
	var err error
	if r.res, err = r.response.ofResponse(r.x, "body-"+r.ID(), r.suffix(".res.bin")); err != nil {
		r.complain("response", err)
	}
	if r.req.hasEnded() {
		r.logRequest()
	}
	if r.hasRequest && !r.res.isPending() {
		r.logResponse()
	} else {
		r.KeepResponse()
	}
	if r.req.tee != nil || r.res.tee != nil {
		r.x.OnDone(r.end)
	}
}

func (r *record) suffix(message string) string {
	if r.IsLeg() {
		return ".cli" + message
	}
	return ".svr" + message
}

func (r *record) logRequest() {
	if !r.hasRequest {
		r.hasRequest = true
		r.Request(r.req.text())
	}
}

func (r *record) logResponse() {
	if !r.hasResponse {
		r.hasResponse = true
		r.Response(r.res.text())
	}
}

// end is the end of it all, also if there was neither a body nor a response.
func (r *record) end(*gateway.Exchange) {
	r.logRequest()
	r.logResponse()
	if err := r.req.close(); err != nil {
		r.complain("request", err)
	}
	if err := r.res.close(); err != nil {
		r.complain("response", err)
	}
}

// complain logs that a body could not be written to its file, or not all of it.
func (r *record) complain(message string, err error) {
	if !r.Enabled(gateway.LevelError) {
		return
	}
	e := gateway.Error{Code: "E2050", Kind: "CoreLogger", Message: "the body of the " + message + " could not be logged", Cause: err}
	r.Log(r.x, gateway.LevelError, "error journal "+message+" body", gateway.Object("error",
		gateway.String("code", e.Code), gateway.String("kind", e.Kind), gateway.String("msg", e.Error()), gateway.String("stack", "")))
}
