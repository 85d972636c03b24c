// Package interop lets the test tools of others loose on gateways: h2spec, the client and the server of gRPC's
// interoperability tests, a browser, and OpenID providers. It's a module of its own, so that what they need isn't needed by the gateway.
package interop
