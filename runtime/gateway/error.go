package gateway

import (
	"context"
	"errors"
	"net"
)

// An Error is the reason why an exchange is refused or has failed. Its fields
// are for the error handler and the log; none but Status, Header and what an
// error handler is configured to disclose reaches the client.
type Error struct {
	// Status is the status to answer with. LogOnly means that there is nobody to answer.
	Status int
	Code   string // stable word for configs to match, "E2131"
	Kind   string // its name, "CoreServerNotFound"
	// Message says what happened, without the values of credentials.
	Message string
	Cause   error
	// Header is added to the response: Allow, Retry-After, WWW-Authenticate.
	Header Header
	// Handler is set if the component that refused has an error handler of its own.
	Handler ErrorHandler
	// Stack is the stack of a panic; nil otherwise.
	Stack []byte
}

// LogOnly is the Status of an Error that is logged but answered by nobody.
const LogOnly = -1

// Error returns "CODE.Kind message [cause]", without what isn't set.
func (e *Error) Error() string {
	s := e.Code + "." + e.Kind + " " + e.Message
	switch {
	case e.Code == "" && e.Message == "" && e.Cause != nil:
		return e.Cause.Error()
	case e.Code == "":
		s = e.Message
	}
	if e.Cause != nil {
		s += " [" + e.Cause.Error() + "]"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// AsError finds the outermost *Error in the chain of err.
func AsError(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// StatusOf returns the status that err asks for, 500 if it says nothing.
func StatusOf(err error) int {
	if e, ok := AsError(err); ok && e.Status != 0 {
		return e.Status
	}
	return 500
}

// An ErrorHandler fills in the response of x for an exchange that ended in err,
// and logs it. Fields that are in x.Response.Header already stay there: middleware
// may have put them.
type ErrorHandler interface {
	HandleError(x *Exchange, err error)
}

// WithErrorHandler gives the errors that m itself returns, not those that it passes
// on, to h instead of the server's error handler.
func WithErrorHandler(h ErrorHandler, m Middleware) Middleware {
	return func(next Handler) Handler {
		inner := m(HandlerFunc(func(x *Exchange) error { return tag(passedOn{}, next.Serve(x)) }))
		return HandlerFunc(func(x *Exchange) error { return untag(tag(h, inner.Serve(x))) })
	}
}

// HandlerWithErrors is WithErrorHandler for a handler.
func HandlerWithErrors(h ErrorHandler, next Handler) Handler {
	return HandlerFunc(func(x *Exchange) error { return tag(h, next.Serve(x)) })
}

// passedOn marks an error of a handler further in that has no error handler of its own.
type passedOn struct{}

func (passedOn) HandleError(x *Exchange, err error) { x.Errors.HandleError(x, err) }

func tag(h ErrorHandler, err error) error {
	if err == nil {
		return nil
	}
	e, ok := AsError(err)
	if !ok {
		e = &Error{Status: 500, Cause: err}
	} else if e.Handler != nil {
		return err
	}
	c := *e
	c.Handler = h
	return &c
}

func untag(err error) error {
	if e, ok := AsError(err); ok && e.Handler == (passedOn{}) {
		e.Handler = nil // tag made it: nobody else has it
	}
	return err
}

// ErrTooLarge is what reading a request body fails with, when the body is longer
// than a middleware allows. The reader may be in another goroutine, and several
// layers below: whoever gets a read error of a body looks for it.
var ErrTooLarge = errors.New("request body too large")

// IsTimeout reports whether err is a deadline that has passed, of a context or of
// the network.
func IsTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}
