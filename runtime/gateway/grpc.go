package gateway

import "strconv"

// isGRPC reports whether the client of r expects a status of gRPC. One of gRPC-Web has a body for it, in a format of its own, and is
// answered as any other.
func isGRPC(r *Request) bool {
	const t = "application/grpc"
	v := r.Header.Get("Content-Type")
	if len(v) < len(t) || !EqualName(v[:len(t)], t) {
		return false
	}
	return len(v) == len(t) || v[len(t)] == '+' || v[len(t)] == ';' || v[len(t)] == ' '
}

// The statuses of gRPC that errors of a gateway have.
const (
	grpcCanceled          = 1
	grpcUnknown           = 2
	grpcDeadlineExceeded  = 4
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnimplemented     = 12
	grpcInternal          = 13
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

// grpcStatus maps an error to a status of gRPC, in the way that clients would map a response of HTTP (gRPC's
// "HTTP to gRPC Status Code Mapping"). That knows neither of bodies that are too large nor of time.
func grpcStatus(x *Exchange, status int, err error) int {
	switch status {
	case 400:
		return grpcInternal
	case 401:
		return grpcUnauthenticated
	case 403:
		return grpcPermissionDenied
	case 404, 405, 501:
		return grpcUnimplemented
	case 413, 431:
		return grpcResourceExhausted
	case 499:
		return grpcCanceled
	case 504:
		if IsTimeout(err) || IsTimeout(x.Context().Err()) {
			return grpcDeadlineExceeded
		}
		return grpcUnavailable
	case 429, 502, 503:
		return grpcUnavailable
	}
	return grpcUnknown
}

// failGRPC makes the response of an error one of gRPC without a message, whose status is in the header (gRPC over HTTP2,
// "Trailers-Only"). What the error handler has put into the header besides stays there.
func failGRPC(x *Exchange, err error) {
	r := &x.Response
	if r.Body != nil {
		_ = r.Body.Close()
	}
	status := StatusOf(err)
	r.Header.DelFunc(func(f Field) bool {
		return EqualName(f.Name, "X-Content-Type-Options") || EqualName(f.Name, "Vary") && EqualName(f.Value, "Accept")
	})
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Grpc-Status", strconv.Itoa(grpcStatus(x, status, err)))
	r.Header.Set("Grpc-Message", StatusText(status)) // none has a byte that would have to be encoded
	r.Status, r.Bytes, r.Body, r.Trailer, r.ContentLength = 200, nil, nil, nil, 0
}
