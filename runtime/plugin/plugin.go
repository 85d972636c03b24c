// Package plugin prepares the objects of users' own packages.
package plugin

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// An Initer is an object that wants to know the logger and the error handler that its
// resource names.
type Initer interface {
	Init(gateway.Logger, gateway.ErrorHandler) error
}

// Init calls the method Init of p, and returns p.
func Init[T Initer](p T, logger gateway.Logger, errors gateway.ErrorHandler) (T, error) {
	return p, p.Init(logger, errors)
}
