package kinds

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var httpServer = Kind{
	APIVersion: "core/v1",
	Name:       "HTTPServer",
	Roles:      []Role{Runner},
	New: func() Spec {
		return &HTTPServerSpec{
			Addr:            ":8080",
			ShutdownTimeout: 30,
			HTTPConfig:      HTTPConfig{ReadTimeout: 30, ReadHeaderTimeout: 30, WriteTimeout: 30, IdleTimeout: 10, MaxHeaderBytes: 8192},
		}
	},
}

// HTTPServerSpec is the spec of an HTTPServer, which answers requests on one address, by HTTP/1.1 and
// HTTP/2, in the clear or over TLS, or by HTTP/3. A request passes the middleware of
// the server, the router, the middleware of the virtual host and that of the handler.
// The middleware of the server sees requests that match no handler, too; that of a virtual host doesn't.
//
// When the gateway is told to stop, the server accepts no more connections and lets
// running requests end within shutdownTimeout.
//
// HTTP/1.1 is spoken by the engine that the gateway is built with (--engine), HTTP/2 always by Go's net/http, and HTTP/3 by quic-go.
// Clients of HTTP/2 may open WebSockets by extended CONNECT (RFC 8441), which handlers and upstreams see as the Upgrade of HTTP/1.1;
// GODEBUG=http2xconnect=0 in the environment turns that off.
type HTTPServerSpec struct {
	// Addr is the address to listen on, as host:port. An address in httpConfig.listenConfig takes precedence, but not with http3Config.
	Addr string `json:"addr"`
	// ShutdownTimeout is how long running requests may take after the gateway was told to stop, in seconds. With 0 or less there is no limit.
	ShutdownTimeout int32 `json:"shutdownTimeout"`
	// HTTPConfig is the configuration of HTTP/1.1.
	HTTPConfig HTTPConfig `json:"httpConfig" alt:"HTTPConfig"`
	// HTTP2Config turns on HTTP/2: over TLS by ALPN, and in the clear with enableH2C.
	HTTP2Config *HTTP2Config `json:"http2Config" alt:"HTTP2Config"`
	// HTTP3Config makes it a server of HTTP/3, which listens on UDP, and of nothing else; another HTTPServer can have the same addr for the other versions, and tell of it by its altSvc. Of httpConfig, these hold for HTTP/3, too:
	// the timeouts that are set, but readHeaderTimeout; enableGeneralOptionsHandler and altSvc; and in listenConfig connectionLimit (beyond it, 32 connections wait, and further ones are refused), networks, the deadlines, which are for bodies, and sockOption.
	// (AILERON Gateway ignores all of httpConfig.)
	HTTP3Config *HTTP3Config `json:"http3Config" alt:"HTTP3Config"`
	// Middleware is what all requests pass, the first outermost.
	Middleware []resource.Ref `json:"middleware" role:"Middleware"`
	// VirtualHosts tell which handler answers which request.
	VirtualHosts []VirtualHostSpec `json:"virtualHosts"`
	// EnableProfile serves the profiles of net/http/pprof below /debug/pprof/.
	EnableProfile bool `json:"enableProfile"`
	// EnableExpvar serves the variables of package expvar at /debug/vars, and among them the counts of requests to upstreams.
	EnableExpvar bool `json:"enableExpvar"`
}

// HTTPConfig is the configuration of HTTP/1.1 of a server. A timeout of 0 or less is none.
type HTTPConfig struct {
	// EnableGeneralOptionsHandler makes the server itself answer "OPTIONS *"; otherwise such requests reach the router.
	EnableGeneralOptionsHandler bool `json:"enableGeneralOptionsHandler"`
	// ReadTimeout is how long reading a request may take, body included, in seconds.
	ReadTimeout int64 `json:"readTimeout" max:"9000000000"`
	// ReadHeaderTimeout is how long reading the head of a request may take, in seconds.
	ReadHeaderTimeout int64 `json:"readHeaderTimeout" max:"9000000000"`
	// WriteTimeout is how long the answer may take, from the end of the request's head on, in seconds.
	WriteTimeout int64 `json:"writeTimeout" max:"9000000000"`
	// IdleTimeout is how long a connection is kept open for the next request, in seconds.
	IdleTimeout int64 `json:"idleTimeout" max:"9000000000"`
	// MaxHeaderBytes is how large the head of a request may be, in bytes. Larger ones are refused with 431. 0 or less is 1 MiB.
	MaxHeaderBytes int32 `json:"maxHeaderBytes"`
	// DisableKeepAlive closes connections after one request.
	DisableKeepAlive bool `json:"disableKeepAlive"`
	// ListenConfig is the configuration of the listener.
	ListenConfig *ListenConfig `json:"listenConfig"`
	// AltSvc is the value of an Alt-Svc header on each response (RFC 7838).
	AltSvc string `json:"altSvc" format:"header-value"`
	// AllowHTTP2 lets clients choose HTTP/2 over TLS, with default settings.
	AllowHTTP2 bool `json:"allowHTTP2"`
}

// VirtualHostSpec is a virtual host of an HTTPServer.
type VirtualHostSpec struct {
	// Hosts are the host names, without a port. Empty stands for any.
	Hosts []string `json:"hosts" pattern:"^[0-9a-zA-Z.-]+$" unique:"true" fixed:"true"`
	// Pattern is put before the patterns of all handlers.
	Pattern string `json:"pattern" fixed:"true"`
	// Methods are the methods that are answered. Empty stands for those that the handlers want.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// Middleware is what requests to the handlers pass, the first outermost.
	Middleware []resource.Ref `json:"middleware" role:"Middleware"`
	// Handlers are the handlers and where they are mounted.
	Handlers []HandlerEntry `json:"handlers"`
}

// HandlerEntry mounts a handler in a virtual host.
type HandlerEntry struct {
	// Pattern is put before the patterns of the handler, or is the pattern if the handler has none.
	Pattern string `json:"pattern" fixed:"true"`
	// Middleware is what requests pass before the handler, the first outermost, within that of the virtual host.
	Middleware []resource.Ref `json:"middleware" role:"Middleware"`
	// Handler is the handler.
	Handler resource.Ref `json:"handler" required:"true" role:"Handler"`
}

// MeasuresUpstreams reports whether the counts of upstreams are shown.
func (s *HTTPServerSpec) MeasuresUpstreams() bool { return s.EnableExpvar }

// Check reports what can't be served.
func (s *HTTPServerSpec) Check(c *Check) {
	if s.HTTP3Config != nil {
		s.checkHTTP3(c)
	} else {
		s.checkTCP(c)
	}
	for i := range s.VirtualHosts {
		if vh := &s.VirtualHosts[i]; len(vh.Handlers) == 0 && len(vh.Hosts) == 0 {
			c.Warnf(vh, diag.NoEffect, "a virtual host without handlers has no effect")
		}
	}
}

// checkTCP reports what a server of HTTP/1.1 and HTTP/2 can't do.
func (s *HTTPServerSpec) checkTCP(c *Check) {
	addr := s.addr(c)
	if !c.Deferred(addr) {
		if err := checkListenAddr(*addr); err != nil {
			c.Errorf(addr, diag.BadAddress, "the address %q can't be listened on: %v", *addr, err)
		}
		network, address, _ := strings.Cut(*addr, "://")
		c.checkUnix(addr, network, address)
	}
	s.HTTPConfig.check(c, addr)
	s.HTTP2Config.check(c, s.HTTPConfig.tls())
}

// Lower returns the server and registers its router.
func (s *HTTPServerSpec) Lower(l *Lower) ir.Expr {
	addr := s.addr(l.Check)
	var handler ir.Expr = ir.Routes{Router: s.router(l)}
	handler = l.Chain(s.Middleware, Middleware, handler)
	if s.HTTP3Config != nil {
		return s.lowerHTTP3(l, handler)
	}
	http := &s.HTTPConfig
	fun, options := "wire.NewServer", "wire.ServerOptions"
	if l.Engine == NetHTTP {
		fun, options = "server.New", "server.Options"
	}
	return l.Call(fun, l.Struct(options,
		ir.Set("Listen", http.ListenConfig.lower(l, s.lowerAddr(l, addr))),
		ir.Set("ReadTimeout", l.Seconds(&http.ReadTimeout)),
		ir.Set("ReadHeaderTimeout", l.Seconds(&http.ReadHeaderTimeout)),
		ir.Set("WriteTimeout", l.Seconds(&http.WriteTimeout)),
		ir.Set("IdleTimeout", l.Seconds(&http.IdleTimeout)),
		ir.Set("ShutdownTimeout", l.Seconds(&s.ShutdownTimeout)),
		ir.Set("MaxHeaderBytes", l.Int(&http.MaxHeaderBytes)),
		ir.Set("DisableKeepAlive", l.Bool(&http.DisableKeepAlive)),
		ir.Set("GeneralOptions", l.Bool(&http.EnableGeneralOptionsHandler)),
		ir.Set("AltSvc", s.altSvc(l)),
		ir.Set("HTTP2", s.http2(l)),
		ir.Set("Errors", l.Link.Errors(l)),
		ir.Set("Logger", l.Logger()),
	), handler)
}

// altSvc is the Alt-Svc header: that of http2Config, if it has one, else httpConfig's.
func (s *HTTPServerSpec) altSvc(l *Lower) ir.Expr {
	if h2 := s.HTTP2Config; h2 != nil && (h2.AltSvc != "" || l.Deferred(&h2.AltSvc)) {
		return l.String(&h2.AltSvc)
	}
	return l.String(&s.HTTPConfig.AltSvc)
}

// addr is the field that says where to listen.
func (s *HTTPServerSpec) addr(c *Check) *string {
	if lc := s.HTTPConfig.ListenConfig; lc != nil && (lc.Addr != "" || c.Deferred(&lc.Addr)) {
		return &lc.Addr
	}
	return &s.Addr
}

// lowerAddr is where to listen. An address of listenConfig that turns out to be empty leaves it to the server's own.
func (s *HTTPServerSpec) lowerAddr(l *Lower, addr *string) ir.Expr {
	own := l.String(&s.Addr)
	if addr == &s.Addr || !l.Deferred(addr) {
		return l.String(addr)
	}
	return l.stringOr(addr, own)
}

// http2 is what HTTP/2 is to be like, nil for none.
func (s *HTTPServerSpec) http2(l *Lower) ir.Expr {
	switch {
	case s.HTTP2Config != nil:
		return s.HTTP2Config.lower(l)
	case s.HTTPConfig.AllowHTTP2:
		return ir.Struct{Type: ir.Runtime("server.HTTP2"), Pointer: true}
	}
	return nil
}
