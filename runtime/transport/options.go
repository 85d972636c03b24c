package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// HTTPOptions are those of a transport that speaks HTTP/1.1, and HTTP/2 if allowed
// to. The proxies of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) apply.
type HTTPOptions struct {
	// TLS is used for https upstreams.
	TLS tlsconf.Options
	// TLSHandshakeTimeout is how long a handshake may take; 0 is no limit.
	TLSHandshakeTimeout time.Duration
	// DisableKeepAlives opens a connection for each request.
	DisableKeepAlives bool
	// DisableCompression leaves Accept-Encoding as it is. Otherwise gzip is asked for where
	// the request has no Accept-Encoding, and such a response is decoded.
	DisableCompression bool
	// MaxIdleConns is how many idle connections are kept in all; 0 is no limit.
	MaxIdleConns int
	// MaxIdleConnsPerHost is how many idle connections are kept to one upstream; 0 is 1024.
	MaxIdleConnsPerHost int
	// MaxConnsPerHost is how many connections there are to one upstream, idle, in use
	// and dialling; requests beyond it wait. 0 is no limit. When TLS files change, those in use don't count any more.
	MaxConnsPerHost int
	// IdleConnTimeout is how long an idle connection is kept; 0 is for ever.
	IdleConnTimeout time.Duration
	// ResponseHeaderTimeout is how long the upstream may take to answer once the request
	// is sent in full; 0 is no limit.
	ResponseHeaderTimeout time.Duration
	// ExpectContinueTimeout is how long the body of a request with Expect: 100-continue
	// waits for the upstream's word (RFC 9110, section 10.1.1). 0 sends it at once.
	ExpectContinueTimeout time.Duration
	// MaxResponseHeaderBytes is the greatest size of a response's head; 0 is 10 MiB.
	MaxResponseHeaderBytes int64
	// WriteBufferSize and ReadBufferSize are in bytes, for each connection; 0 is 4 KiB.
	WriteBufferSize, ReadBufferSize int
	// AllowHTTP2 offers HTTP/2 to https upstreams.
	AllowHTTP2 bool
	// Dial says how connections are opened.
	Dial dial.Options
}

// HTTP2Options are those of a transport that speaks HTTP/2 alone. It uses no proxy.
type HTTP2Options struct {
	// TLS is used for https upstreams. "h2" is put first into its protocols.
	TLS tlsconf.Options
	// DisableCompression is as in [HTTPOptions].
	DisableCompression bool
	// AllowHTTP allows http upstreams: HTTP/2 over TCP, with prior knowledge (RFC 9113, section 3.3).
	AllowHTTP bool
	// MaxHeaderListSize is the greatest size of a response's head in bytes; 0 is 10 MiB.
	MaxHeaderListSize uint32
	// MaxReadFrameSize is the greatest frame that the upstream may send, in bytes, 16 KiB
	// to 16 MiB, taken into that range; 0 is 16 KiB.
	MaxReadFrameSize uint32
	// MaxDecoderHeaderTableSize and MaxEncoderHeaderTableSize limit the tables of the header
	// compression (RFC 7541), in bytes; 0 is 4096.
	MaxDecoderHeaderTableSize, MaxEncoderHeaderTableSize uint32
	// StrictMaxConcurrentStreams makes requests wait when a connection has all the streams that
	// the upstream allows. Otherwise another connection is opened.
	StrictMaxConcurrentStreams bool
	// IdleConnTimeout is how long an idle connection is kept; 0 is for ever.
	IdleConnTimeout time.Duration
	// ReadIdleTimeout is the silence after which a connection is tested by a ping; 0 is never.
	ReadIdleTimeout time.Duration
	// PingTimeout is how long the answer to a ping may take before the connection is closed; 0 is 15 s.
	PingTimeout time.Duration
	// WriteByteTimeout closes a connection that takes no byte for so long; 0 is never.
	WriteByteTimeout time.Duration
	// Dial says how connections are opened.
	Dial dial.Options
	// MultiIP spreads requests over all addresses that an upstream's name resolves to, in
	// turn, with a connection to each. Otherwise one connection takes all requests.
	MultiIP bool
	// MinLookupInterval is how old what a name resolves to may get before it is looked up again,
	// with MultiIP; 0 is for ever.
	MinLookupInterval time.Duration
}

// Default returns the transport for where none is configured. All calls return the same one:
// HTTP/1.1, proxies of the environment, 10 s to dial and for a TLS handshake, 1 s for
// 100 (Continue), up to 1024 idle connections to an upstream, for 60 s, no compression of its own.
func Default() *Transport { return defaultTransport() }

var defaultTransport = sync.OnceValue(func() *Transport {
	t, err := HTTP1(HTTPOptions{
		TLSHandshakeTimeout:   10 * time.Second,
		DisableCompression:    true,
		IdleConnTimeout:       60 * time.Second,
		ExpectContinueTimeout: time.Second,
		Dial:                  dial.Options{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second},
	})
	if err != nil {
		panic(err) // there is neither a file nor an address in the options that could be wrong
	}
	return t
})

// defaultIdlePerHost is MaxIdleConnsPerHost if it isn't given. That of net/http is 2, which
// makes a busy proxy open a connection for most requests.
const defaultIdlePerHost = 1024

// HTTP1 returns a Transport for o. It fails if a file or address in o is unusable.
func HTTP1(o HTTPOptions) (*Transport, error) {
	dialer, client, err := connections(o.Dial, o.TLS, func(c *tls.Config) {
		if !o.AllowHTTP2 {
			// An upstream that chose it would be spoken to in HTTP/1.1 all the same.
			c.NextProtos = withoutHTTP2(c.NextProtos)
		}
	})
	if err != nil {
		return nil, err
	}
	if o.MaxIdleConnsPerHost == 0 {
		o.MaxIdleConnsPerHost = defaultIdlePerHost
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.AllowHTTP2)
	dialer.guards = true
	engine := &http.Transport{
		Proxy:                  environmentProxy(),
		DialContext:            dialer.dial,
		TLSHandshakeTimeout:    o.TLSHandshakeTimeout,
		DisableKeepAlives:      o.DisableKeepAlives,
		DisableCompression:     o.DisableCompression,
		MaxIdleConns:           o.MaxIdleConns,
		MaxIdleConnsPerHost:    o.MaxIdleConnsPerHost,
		MaxConnsPerHost:        o.MaxConnsPerHost,
		IdleConnTimeout:        o.IdleConnTimeout,
		ResponseHeaderTimeout:  o.ResponseHeaderTimeout,
		ExpectContinueTimeout:  o.ExpectContinueTimeout,
		MaxResponseHeaderBytes: o.MaxResponseHeaderBytes,
		WriteBufferSize:        o.WriteBufferSize,
		ReadBufferSize:         o.ReadBufferSize,
		Protocols:              protocols,
	}
	return &Transport{conns: dialer, engines: newGenerations(engine, client, ""), proxied: engine.Proxy != nil}, nil
}

// HTTP2 returns a Transport for o. It fails if a file or address in o is unusable.
func HTTP2(o HTTP2Options) (*Transport, error) {
	dialer, client, err := connections(o.Dial, o.TLS, func(c *tls.Config) {
		c.NextProtos = append([]string{"h2"}, withoutHTTP2(c.NextProtos)...)
		requireHTTP2(c)
	})
	if err != nil {
		return nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(o.AllowHTTP)
	engine := &http.Transport{
		DialContext:            dialer.dial,
		DisableCompression:     o.DisableCompression,
		MaxIdleConnsPerHost:    defaultIdlePerHost,
		IdleConnTimeout:        o.IdleConnTimeout,
		MaxResponseHeaderBytes: int64(o.MaxHeaderListSize),
		Protocols:              protocols,
		HTTP2: &http.HTTP2Config{
			StrictMaxConcurrentRequests: o.StrictMaxConcurrentStreams,
			MaxDecoderHeaderTableSize:   int(o.MaxDecoderHeaderTableSize),
			MaxEncoderHeaderTableSize:   int(o.MaxEncoderHeaderTableSize),
			MaxReadFrameSize:            frameSize(o.MaxReadFrameSize),
			SendPingTimeout:             o.ReadIdleTimeout,
			PingTimeout:                 o.PingTimeout,
			WriteByteTimeout:            o.WriteByteTimeout,
		},
	}
	t := &Transport{conns: dialer, engines: newGenerations(engine, client, ""), only2: true, cleartext2: o.AllowHTTP}
	if o.MultiIP {
		t.spread = newSpread(t.engines, o.MinLookupInterval)
	}
	return t, nil
}

// connections makes what each kind of transport opens connections with.
func connections(d dial.Options, t tlsconf.Options, adjust func(*tls.Config)) (*conns, *tlsconf.Client, error) {
	dialer, err := dial.NewDialer(d)
	if err != nil {
		return nil, nil, err
	}
	client, err := tlsconf.NewClient(t, adjust)
	if err != nil {
		return nil, nil, fmt.Errorf("transport: TLS configuration: %w", err)
	}
	return &conns{dialer: dialer}, client, nil
}

// environmentProxy returns nil if the environment names no proxy, which spares each
// request the question.
func environmentProxy() func(*http.Request) (*url.URL, error) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if os.Getenv(name) != "" {
			return http.ProxyFromEnvironment
		}
	}
	return nil
}

// frameSize keeps n within the bounds of RFC 9113, section 4.2; net/http would ignore a
// size outside.
func frameSize(n uint32) int {
	if n == 0 {
		return 0
	}
	return int(min(max(n, 16<<10), 16<<20-1))
}

func withoutHTTP2(protocols []string) []string {
	return slices.DeleteFunc(slices.Clone(protocols), func(p string) bool { return p == "h2" })
}

var errNoHTTP2 = errors.New("the upstream does not speak HTTP/2")

// requireHTTP2 fails handshakes with upstreams that know no ALPN: net/http would speak
// HTTP/1.1 to them.
func requireHTTP2(c *tls.Config) {
	verify := c.VerifyConnection
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if s.NegotiatedProtocol != "h2" {
			return errNoHTTP2
		}
		if verify != nil {
			return verify(s)
		}
		return nil
	}
}
