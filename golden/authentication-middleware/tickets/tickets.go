// Package tickets knows clients by their tickets.
package tickets

import (
	"errors"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Plugin is an authenticator.
var Plugin Office

// An Office sells tickets.
type Office struct{}

// Authenticate accepts one ticket.
func (Office) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	switch x.Request.Header.Get("X-Ticket") {
	case "":
		return authn.Absent, nil
	case "golden":
		return authn.Accepted, nil
	}
	return authn.Refused, errors.New("a wrong ticket")
}

// Challenge asks for a ticket.
func (Office) Challenge(h *gateway.Header, _ error) { h.Add("WWW-Authenticate", "Ticket") }
