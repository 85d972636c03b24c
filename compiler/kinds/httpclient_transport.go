package kinds

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// HTTPTransportConfig is the configuration of a client of HTTP/1.1. What isn't set is as described
// with each field, and not as in the default client. The proxies of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) are used.
// With allowHTTP2, writeBufferSize or readBufferSize it's a client of Go's net/http, whatever engine the gateway is built with.
type HTTPTransportConfig struct {
	// TLSConfig is used for https upstreams, unless dialConfig has one.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// TLSHandshakeTimeout is how long a TLS handshake may take, in milliseconds. 0 is no limit.
	TLSHandshakeTimeout int64 `json:"tlsHandshakeTimeout" alt:"TLSHandshakeTimeout" min:"0" max:"9000000000000"`
	// DisableKeepAlives opens a connection for each request.
	DisableKeepAlives bool `json:"disableKeepAlives"`
	// DisableCompression keeps the client from asking for gzip, and decoding it, where a request has no Accept-Encoding.
	DisableCompression bool `json:"disableCompression"`
	// MaxIdleConns is how many idle connections are kept in all. 0 is no limit; with a negative number none is.
	MaxIdleConns int32 `json:"maxIdleConns"`
	// MaxIdleConnsPerHost is how many idle connections are kept to one upstream. 0 is 1024; with a negative number none is.
	MaxIdleConnsPerHost int32 `json:"maxIdleConnsPerHost"`
	// MaxConnsPerHost is how many connections there may be to one upstream. Requests beyond it wait. 0 or less is no limit.
	MaxConnsPerHost int32 `json:"maxConnsPerHost"`
	// IdleConnTimeout is how long an idle connection is kept, in milliseconds. 0 or less is for ever.
	IdleConnTimeout int64 `json:"idleConnTimeout" max:"9000000000000"`
	// ResponseHeaderTimeout is how long an upstream may take to begin its answer, once the request is sent, in milliseconds. 0 or less is no limit.
	ResponseHeaderTimeout int64 `json:"responseHeaderTimeout" max:"9000000000000"`
	// ExpectContinueTimeout is how long the body of a request with "Expect: 100-continue" waits for the upstream to ask for it, in milliseconds. 0 or less sends it at once.
	ExpectContinueTimeout int64 `json:"expectContinueTimeout" max:"9000000000000"`
	// MaxResponseHeaderBytes is how large the head of a response may be, in bytes. 0 is 10 MiB.
	MaxResponseHeaderBytes int64 `json:"maxResponseHeaderBytes" min:"0"`
	// WriteBufferSize is the size of the write buffer of a connection, in bytes. With 0 or less the engine decides.
	WriteBufferSize int32 `json:"writeBufferSize"`
	// ReadBufferSize is the size of the read buffer of a connection, in bytes. With 0 or less the engine decides.
	ReadBufferSize int32 `json:"readBufferSize"`
	// AllowHTTP2 lets https upstreams choose HTTP/2, with default settings.
	AllowHTTP2 bool `json:"allowHTTP2"`
	// DialConfig says how connections are opened. Unset, there's no limit to the time that takes but the system's.
	DialConfig *DialConfig `json:"dialConfig"`
}

// HTTP2TransportConfig is the configuration of a client of HTTP/2. It uses no proxy.
type HTTP2TransportConfig struct {
	// TLSConfig is used for https upstreams, unless dialConfig has one. (AILERON Gateway ignores it if there is a dialConfig.)
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// DisableCompression keeps the client from asking for gzip, and decoding it, where a request has no Accept-Encoding.
	DisableCompression bool `json:"disableCompression"`
	// AllowHTTP allows http upstreams: they are spoken to in HTTP/2 without TLS (h2c with prior knowledge). Requests to them fail otherwise.
	AllowHTTP bool `json:"allowHTTP"`
	// MaxHeaderListSize is how large the head of a response may be, in bytes. 0 is 10 MiB.
	MaxHeaderListSize uint32 `json:"maxHeaderListSize"`
	// MaxReadFrameSize is how large a frame the upstream may send, in bytes. It's brought into the range of 16 KiB to 16 MiB that HTTP/2 knows; 0 is 16 KiB.
	MaxReadFrameSize uint32 `json:"maxReadFrameSize"`
	// MaxDecoderHeaderTableSize is the size of the table for decoding headers, in bytes. 0 is 4096.
	MaxDecoderHeaderTableSize uint32 `json:"maxDecoderHeaderTableSize"`
	// MaxEncoderHeaderTableSize is the size of the table for encoding headers, in bytes. 0 is 4096.
	MaxEncoderHeaderTableSize uint32 `json:"maxEncoderHeaderTableSize"`
	// StrictMaxConcurrentStreams makes requests wait when a connection has as many streams as the upstream allows. Otherwise another connection is opened.
	StrictMaxConcurrentStreams bool `json:"strictMaxConcurrentStreams"`
	// IdleConnTimeout is how long an idle connection is kept, in milliseconds. 0 is for ever.
	IdleConnTimeout uint32 `json:"idleConnTimeout"`
	// ReadIdleTimeout is how long a connection may be silent before it's tested by a ping, in milliseconds. 0 is no test.
	ReadIdleTimeout uint32 `json:"readIdleTimeout"`
	// PingTimeout is how long the answer to a ping may take before the connection is closed, in milliseconds. 0 is 15 s.
	PingTimeout uint32 `json:"pingTimeout"`
	// WriteByteTimeout is how long nothing may be written to a connection, though there is something to write, before it's closed, in milliseconds. 0 is no limit.
	WriteByteTimeout uint32 `json:"writeByteTimeout"`
	// DialConfig says how connections are opened. Unset, there's no limit to the time that takes but the system's.
	DialConfig *DialConfig `json:"dialConfig"`
	// MultiIPConnPool spreads requests in turn over all addresses that the name of an upstream has, with a connection to each. An address that can't be connected to is passed over.
	MultiIPConnPool bool `json:"multiIPConnPool"`
	// MinLookupInterval is how long what a name resolves to is used before it's looked up again, in milliseconds; 0 is for ever. The default is 2000, as documented. (AILERON Gateway never looks up again unless it's set.)
	MinLookupInterval uint32 `json:"minLookupInterval"`
}

// SetDefaults sets what the documentation promises.
func (t *HTTP2TransportConfig) SetDefaults() { t.MinLookupInterval = 2000 }

// onWire reports whether the engine of the runtime can be this client. It has neither HTTP/2 nor buffers of a given size.
func (t *HTTPTransportConfig) onWire(l *Lower) bool {
	if t == nil || l.Engine == NetHTTP {
		return false
	}
	return !t.AllowHTTP2 && !l.Deferred(&t.AllowHTTP2) &&
		t.WriteBufferSize <= 0 && !l.Deferred(&t.WriteBufferSize) &&
		t.ReadBufferSize <= 0 && !l.Deferred(&t.ReadBufferSize)
}

// onlyNetHTTP are the options that the engine of the runtime doesn't have.
var onlyNetHTTP = []string{"DisableCompression", "WriteBufferSize", "ReadBufferSize", "AllowHTTP2"}

func (t *HTTPTransportConfig) lower(l *Lower) ir.Expr {
	fields := []ir.Field{
		ir.Set("TLS", clientTLS(l, t.TLSConfig, t.DialConfig)),
		ir.Set("TLSHandshakeTimeout", l.Millis(&t.TLSHandshakeTimeout)),
		ir.Set("DisableKeepAlives", l.Bool(&t.DisableKeepAlives)),
		ir.Set("DisableCompression", l.Bool(&t.DisableCompression)),
		ir.Set("MaxIdleConns", l.Int(&t.MaxIdleConns)),
		ir.Set("MaxIdleConnsPerHost", l.Int(&t.MaxIdleConnsPerHost)),
		ir.Set("MaxConnsPerHost", l.Int(&t.MaxConnsPerHost)),
		ir.Set("IdleConnTimeout", l.Millis(&t.IdleConnTimeout)),
		ir.Set("ResponseHeaderTimeout", l.Millis(&t.ResponseHeaderTimeout)),
		ir.Set("ExpectContinueTimeout", l.Millis(&t.ExpectContinueTimeout)),
		ir.Set("MaxResponseHeaderBytes", l.Int64(&t.MaxResponseHeaderBytes)),
		ir.Set("WriteBufferSize", l.Int(&t.WriteBufferSize)),
		ir.Set("ReadBufferSize", l.Int(&t.ReadBufferSize)),
		ir.Set("AllowHTTP2", l.Bool(&t.AllowHTTP2)),
		ir.Set("Dial", t.DialConfig.lower(l)),
	}
	if !t.onWire(l) {
		return l.Call("transport.HTTP1", l.Struct("transport.HTTPOptions", fields...))
	}
	fields = slices.DeleteFunc(fields, func(f ir.Field) bool { return slices.Contains(onlyNetHTTP, f.Name) })
	return l.Call("wire.NewTransport", l.Struct("wire.TransportOptions", fields...))
}

func (t *HTTP2TransportConfig) lower(l *Lower) ir.Expr {
	fields := []ir.Field{
		ir.Set("TLS", clientTLS(l, t.TLSConfig, t.DialConfig)),
		ir.Set("DisableCompression", l.Bool(&t.DisableCompression)),
		ir.Set("AllowHTTP", l.Bool(&t.AllowHTTP)),
		ir.Set("MaxHeaderListSize", l.Int64(&t.MaxHeaderListSize)),
		ir.Set("MaxReadFrameSize", l.Int(&t.MaxReadFrameSize)),
		ir.Set("MaxDecoderHeaderTableSize", l.Int(&t.MaxDecoderHeaderTableSize)),
		ir.Set("MaxEncoderHeaderTableSize", l.Int(&t.MaxEncoderHeaderTableSize)),
		ir.Set("StrictMaxConcurrentStreams", l.Bool(&t.StrictMaxConcurrentStreams)),
		ir.Set("IdleConnTimeout", l.Millis(&t.IdleConnTimeout)),
		ir.Set("ReadIdleTimeout", l.Millis(&t.ReadIdleTimeout)),
		ir.Set("PingTimeout", l.Millis(&t.PingTimeout)),
		ir.Set("WriteByteTimeout", l.Millis(&t.WriteByteTimeout)),
		ir.Set("Dial", t.DialConfig.lower(l)),
		ir.Set("MultiIP", l.Bool(&t.MultiIPConnPool)),
	}
	if t.MultiIPConnPool || l.Deferred(&t.MultiIPConnPool) {
		fields = append(fields, ir.Set("MinLookupInterval", l.Millis(&t.MinLookupInterval)))
	}
	return l.Call("transport.HTTP2", l.Struct("transport.HTTP2Options", fields...))
}

// clientTLS is the TLS configuration in force, nil if there is none.
func clientTLS(l *Lower, t *TLSConfig, d *DialConfig) ir.Expr {
	if d != nil && d.TLSConfig != nil {
		t = d.TLSConfig
	}
	return t.lower(l)
}
