// Package wire is the engine for HTTP/1.1 and HTTP/1.0 (RFC 9110, RFC 9112): a [Server] that
// turns connections into exchanges, and a [Transport] that sends legs to upstreams.
//
// A goroutine reads a request, runs the handler, asks the upstream and writes the response; no
// other one takes part unless a body is still to come from the client. Small messages cost one
// read and one write a side. Buffers belong to a connection only while it is
// busy. Bodies of known length move between sockets within the kernel.
//
// What two parsers could understand differently is refused, and a connection on which that was met is not
// used again: see rules.go.
package wire
