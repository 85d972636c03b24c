package gateway

// A Phase is what was being done with an upstream when a request to it failed.
type Phase uint8

// The phases, in their order.
const (
	// PhasePrepare is making the request, and waiting for a connection that may be used. Reading a
	// body that is sent with the head belongs to it.
	PhasePrepare   Phase = iota
	PhaseResolve         // looking up the upstream's name
	PhaseConnect         // connecting, to a proxy on the way, too
	PhaseHandshake       // the TLS handshake
	PhaseSend            // sending the request
	PhaseWait            // waiting for the head of the response
	PhaseRead            // reading the body of the response
)

// String tells what was being done: "connecting".
func (p Phase) String() string {
	switch p {
	case PhaseResolve:
		return "looking up its name"
	case PhaseConnect:
		return "connecting"
	case PhaseHandshake:
		return "in the TLS handshake"
	case PhaseSend:
		return "sending the request"
	case PhaseWait:
		return "waiting for the response"
	case PhaseRead:
		return "reading the body of the response"
	}
	return "preparing the request"
}

// An UpstreamError is the failure of a request to an upstream. Transports return it, and so do the
// bodies of the responses that they fill in.
type UpstreamError struct {
	Method, Scheme, Host string // of the request
	Phase                Phase
	// Sent says that something of the request may have reached the upstream. If it isn't set, the request can go to
	// another upstream, whatever it does. Who sends a request several times sets it once one may have got there.
	Sent bool
	Err  error
}

// Error names the upstream and the phase.
func (e *UpstreamError) Error() string {
	return e.Method + " to upstream " + e.Scheme + "://" + e.Host + ": " + e.Phase.String() + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *UpstreamError) Unwrap() error { return e.Err }
