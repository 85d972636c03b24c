package adapter

import (
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An HTTPErrorHandler answers a request for which err is the reason that it can't be
// answered otherwise.
type HTTPErrorHandler interface {
	ServeHTTPError(w http.ResponseWriter, r *http.Request, err error)
}

// ErrorHandler makes h a gateway.ErrorHandler.
func ErrorHandler(h HTTPErrorHandler) gateway.ErrorHandler { return errorHandler{h} }

type errorHandler struct{ HTTPErrorHandler }

// HandleError fills in the response with what h writes.
func (h errorHandler) HandleError(x *gateway.Exchange, err error) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTPError(w, r, err) })
	_ = serve(x, answer, nil) // which fails only for what is further in, and there is nothing
}
