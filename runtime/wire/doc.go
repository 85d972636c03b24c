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
//
// # What a request costs
//
// A small request that is proxied takes five system calls: it is read, the kept connection to the upstream is looked at, the request is
// written there, the response is read, and written; besides, there is a share of epoll_wait, which the scheduler of Go
// calls when nothing is runnable. Neither side tries to read before there is something to read, since both are waited for by the
// callbacks of [syscall.RawConn]: see serveInline and Ask. Four fifths of the processor time is the kernel's.
// The heads of request and response are one string each, all that is allocated; what they have in common with those before on their
// connections isn't even that: see memo.go.
//
// Whether the client is still there while a handler works, a single goroutine asks for all connections, and only where
// a handler takes long: see server_watch.go. Deadlines are set only when one that is set already has passed: see deadline.
// The clock is read twice for a proxied request; long limits go by what that goroutine has read last: see clock.go. It also has
// connections in TLS that are idle give back the buffers of crypto/tls: see lean.go.
//
// On a single processor that is always busy, those who wait for the network take turns: see turns_linux.go.
package wire
