// Package answer holds what every engine does around a handler: it contains panics,
// has errors answered, and tells why a response was cut off.
package answer

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const (
	ok                 = 200
	switchingProtocols = 101
	internalError      = 500
)

// ErrNobody is the outcome of an exchange whose error a middleware has handled, when there is nobody to answer.
var ErrNobody = errors.New("there is nobody to answer")

// ErrAbort is the outcome of an exchange that a Go handler has given up with http.ErrAbortHandler.
var ErrAbort = errors.New("the handler has given the exchange up")

// isAbort reports whether err is, or wraps, http.ErrAbortHandler. It's told by its text, so that gateways
// without a Go handler carry no net/http.
func isAbort(err error) bool {
	if err == nil {
		return false
	}
	if err == ErrAbort || err.Error() == "net/http: abort Handler" {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return isAbort(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), isAbort)
	}
	return false
}

// Serve fills in the response of x by h, and by the error handler if h fails. It returns an
// error if nobody is to be answered; then nothing of the response is left open.
func Serve(x *gateway.Exchange, h gateway.Handler, l gateway.Logger) error {
	err := call(x, h)
	switch {
	case err == nil && x.Response.Status == gateway.LogOnly:
		Discard(&x.Response)
		return ErrNobody
	case err == nil:
		return nil
	case isAbort(err):
		Discard(&x.Response)
		return ErrAbort
	}
	Fail(x, err, l)
	if gateway.StatusOf(err) == gateway.LogOnly {
		return err
	}
	return nil
}

func call(x *gateway.Exchange, h gateway.Handler) (err error) {
	defer Rescue(&err)
	return h.Serve(x)
}

// Core is an error of the engine itself.
func Core(status int, message string) *gateway.Error {
	return &gateway.Error{Status: status, Code: "E2130", Kind: "CoreServer", Message: message}
}

// Rescue makes *err out of a panic of the function that defers it. A panic on purpose,
// by http.ErrAbortHandler, is ErrAbort.
func Rescue(err *error) {
	v := recover()
	if v == nil {
		return
	}
	cause, isError := v.(error)
	switch {
	case !isError:
		cause = fmt.Errorf("%v", v)
	case isAbort(cause):
		*err = ErrAbort
		return
	}
	if e, ok := v.(*gateway.Error); ok && e.Stack != nil {
		*err = e // a panic of another goroutine, with its own stack
		return
	}
	*err = &gateway.Error{
		Status: internalError, Code: "E2132", Kind: "CoreServerRecover",
		Message: "recovered from a panic", Cause: cause, Stack: debug.Stack(),
	}
}

// Fail makes the response of x out of err, come what may.
func Fail(x *gateway.Exchange, err error, l gateway.Logger) {
	Discard(&x.Response)
	if p := tryFail(x, err); p != nil { // the error handler itself has panicked
		x.Response.Reset()
		x.Response.Status = internalError
		if l != nil && l.Enabled(gateway.LevelError) {
			l.Log(x, gateway.LevelError, p.Error())
		}
	}
}

func tryFail(x *gateway.Exchange, err error) (panicked error) {
	defer Rescue(&panicked)
	x.Fail(err)
	return nil
}

// Discard closes what an unsent response holds open.
func Discard(r *gateway.Response) {
	if c := r.Conn; c != nil {
		_ = c.Close()
		r.Conn = nil
	}
	if b := r.Body; b != nil {
		_ = b.Close()
		r.Body = nil
	}
}

// Cut tells the error handler of x why the response was cut off. It has nothing to answer.
func Cut(x *gateway.Exchange, err error, l gateway.Logger) {
	switch v, ok := gateway.AsError(err); {
	case ok && v.Stack != nil: // a panic is logged as one
		c := *v
		c.Status = gateway.LogOnly
		err = &c
	case !ok || v.Status != gateway.LogOnly:
		err = &gateway.Error{
			Status: gateway.LogOnly, Code: "E2127", Kind: "CoreProxyNoRecovery",
			Message: "the response was cut off", Cause: err,
		}
	}
	sent := x.Response
	Fail(x, err, l)
	x.Response = sent
}

// CheckStatus replaces a response that can't be sent by an error. upgradable says whether the
// connection can be given away, for a 101 (Switching Protocols).
func CheckStatus(x *gateway.Exchange, upgradable bool, l gateway.Logger) {
	p := &x.Response
	switch {
	case p.Status == 0:
		p.Status = ok
	case p.Status == switchingProtocols && p.Conn != nil && upgradable:
	case p.Status < 200 || p.Status > 999:
		Fail(x, Core(internalError, "a handler has answered with status "+strconv.Itoa(p.Status)), l)
		if p.Status < 200 || p.Status > 999 { // the error handler is no better
			p.Status = internalError
		}
	}
}
