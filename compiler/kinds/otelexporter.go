package kinds

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// HTTPExporterSpec is an exporter of OTLP over HTTP. What isn't set is up to the environment variables that OpenTelemetry defines (OTEL_EXPORTER_OTLP_ENDPOINT and the others).
type HTTPExporterSpec struct {
	// EndpointURL is where to export to: http://host:port, or https://host:port, with a path if it isn't /v1/traces or /v1/metrics; or host:port. Empty is what the environment says, or else localhost:4318.
	EndpointURL string `json:"endpointURL" alt:"EndpointURL"`
	// Headers are added to each request. Write ${NAME} to read keys from the environment when the gateway starts.
	Headers decode.Map `json:"headers" keys:"header-name" format:"header-value" secret:"true"`
	// Compress compresses requests with gzip.
	Compress bool `json:"compress"`
	// Insecure exports without TLS to an endpointURL that is host:port. One with a scheme says by itself whether there is TLS.
	Insecure bool `json:"insecure"`
	// TLSConfig is the TLS configuration. Unset trusts the authorities of the system.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// Timeout limits a request, in seconds. 0 is 10 s.
	Timeout int32 `json:"timeout" min:"0"`
	// OTLPRetry says which requests are sent again. Unset is those that fail for a reason that may pass, for a minute.
	OTLPRetry *OTLPRetrySpec `json:"otlpRetry" alt:"OTLPRetry"`
}

// GRPCExporterSpec is an exporter of OTLP over gRPC. What isn't set is up to the environment variables that OpenTelemetry defines (OTEL_EXPORTER_OTLP_ENDPOINT and the others).
type GRPCExporterSpec struct {
	// EndpointURL is where to export to: host:port, http://host:port, https://host:port, or another target of gRPC (dns:///host:port, unix:path). Empty is what the environment says, or else localhost:4317.
	EndpointURL string `json:"endpointURL" alt:"EndpointURL"`
	// Headers are added to each request, as metadata. Write ${NAME} to read keys from the environment when the gateway starts.
	Headers decode.Map `json:"headers" keys:"header-name" format:"header-value" secret:"true"`
	// Compress compresses requests with gzip.
	Compress bool `json:"compress"`
	// Insecure exports without TLS to an endpointURL that isn't http or https. Those say by themselves whether there is TLS.
	Insecure bool `json:"insecure"`
	// TLSConfig is the TLS configuration. Unset trusts the authorities of the system.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// Timeout limits a request, in seconds. 0 is 10 s.
	Timeout int32 `json:"timeout" min:"0"`
	// OTLPRetry says which requests are sent again. Unset is those that fail for a reason that may pass, for a minute.
	OTLPRetry *OTLPRetrySpec `json:"otlpRetry" alt:"OTLPRetry"`
	// ReconnectionPeriod is the least time that an attempt to connect gets before the next one, in seconds. 0 is 20 s.
	ReconnectionPeriod int32 `json:"reconnectionPeriod" min:"0"`
	// ServiceConfig is a service config of gRPC, in JSON.
	ServiceConfig string `json:"serviceConfig"`
}

// OTLPRetrySpec says which requests are sent again. Only those are that fail for a reason that may pass.
type OTLPRetrySpec struct {
	// Enabled sends requests again. Without otlpRetry they are, but with it only if this is set.
	Enabled bool `json:"enabled"`
	// InitialInterval is the pause before the first retry, in seconds. It grows with each. 0 is 5 s.
	InitialInterval int32 `json:"initialInterval" min:"0" max:"600"`
	// MaxInterval is the longest pause, in seconds. 0 is 30 s.
	MaxInterval int32 `json:"maxInterval" min:"0" max:"600"`
	// MaxElapsedTime is how long a request is tried, in seconds. 0 is a minute.
	MaxElapsedTime int32 `json:"maxElapsedTime" min:"0" max:"1800"`
}

// An otlpExporter is what both exporters have.
type otlpExporter struct {
	endpoint           *string
	headers            *decode.Map
	compress, insecure *bool
	tls                *TLSConfig
	timeout            *int32
	retry              *OTLPRetrySpec
	reconnect          *int32  // nil over HTTP
	service            *string // nil over HTTP
}

func (s *HTTPExporterSpec) otlp() *otlpExporter {
	return &otlpExporter{&s.EndpointURL, &s.Headers, &s.Compress, &s.Insecure, s.TLSConfig, &s.Timeout, s.OTLPRetry, nil, nil}
}

func (s *GRPCExporterSpec) otlp() *otlpExporter {
	return &otlpExporter{&s.EndpointURL, &s.Headers, &s.Compress, &s.Insecure, s.TLSConfig, &s.Timeout, s.OTLPRetry, &s.ReconnectionPeriod, &s.ServiceConfig}
}

// check reports what can't be used, and what has no effect.
func (e *otlpExporter) check(c *Check) {
	e.tls.checkClient(c)
	if *e.endpoint != "" && !c.Deferred(e.endpoint) {
		e.checkEndpoint(c)
	} else if *e.insecure && e.tls != nil {
		c.Warnf(e.tls, diag.NoEffect, "tlsConfig has no effect with insecure")
	}
	checkSecretHeaders(c, *e.headers)
	if r := e.retry; r != nil && !r.Enabled && !c.Deferred(&r.Enabled) {
		for _, p := range []*int32{&r.InitialInterval, &r.MaxInterval, &r.MaxElapsedTime} {
			if c.asks(p) {
				c.Warnf(p, diag.NoEffect, "this has no effect without enabled")
			}
		}
	}
	if e.service != nil && *e.service != "" && !c.Deferred(e.service) && !json.Valid([]byte(*e.service)) {
		c.Errorf(e.service, diag.BadValue, "serviceConfig is no JSON")
	}
}

func (e *otlpExporter) checkEndpoint(c *Check) {
	scheme, rest, isURL := strings.Cut(*e.endpoint, "://")
	web := scheme == "http" || scheme == "https"
	grpc := e.service != nil
	switch u, err := url.Parse(*e.endpoint); {
	case !isURL || grpc && !web:
		if *e.insecure && e.tls != nil {
			c.Warnf(e.tls, diag.NoEffect, "tlsConfig has no effect with insecure")
		}
		if !grpc && strings.ContainsAny(*e.endpoint, "/?# ") {
			c.Errorf(e.endpoint, diag.BadURL, "%q is neither a URL nor host:port", *e.endpoint)
		}
		return
	case !web:
		c.Errorf(e.endpoint, diag.BadURL, "the scheme must be http or https")
		return
	case err != nil || u.Host == "":
		c.Errorf(e.endpoint, diag.BadURL, "%q is no URL of an endpoint: it must be %s://host:port", *e.endpoint, scheme)
		return
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		c.Errorf(e.endpoint, diag.BadURL, "the URL of an endpoint has a host and a path, and nothing else; write credentials into headers")
		return
	case grpc && strings.Trim(strings.TrimPrefix(rest, u.Host), "/") != "":
		c.Errorf(e.endpoint, diag.BadURL, "over gRPC an endpoint has no path")
		return
	}
	switch {
	case scheme == "http" && e.tls != nil:
		c.Warnf(e.tls, diag.NoEffect, "tlsConfig has no effect with an endpointURL that is http")
	case scheme == "https" && *e.insecure:
		c.Warnf(e.insecure, diag.NoEffect, "insecure has no effect with an endpointURL that is https")
	}
}

// checkSecretHeaders warns of keys that become part of the program.
func checkSecretHeaders(c *Check, headers decode.Map) {
	for i := range headers {
		name := strings.ToLower(headers[i].Key)
		for _, word := range []string{"authorization", "key", "token", "secret", "cookie"} {
			if strings.Contains(name, word) && headers[i].Value != "" {
				c.Warnf(&headers[i].Value, diag.Insecure, "the value of %s becomes part of the program; write ${NAME} to read it from the environment at start", headers[i].Key)
				break
			}
		}
	}
}

// lower returns the exporter, in a variable. pkg is its package.
func (e *otlpExporter) lower(l *Lower, pkg string) ir.Expr {
	var tls, retry ir.Expr
	if e.tls != nil {
		tls = l.Link.Part(l, "tls", true, l.Call("tlsconf.NewClient", e.tls.lower(l), ir.Name{Ident: "nil"}))
	}
	if r := e.retry; r != nil {
		retry = r.lower(l)
	}
	fields := []ir.Field{
		ir.Set("Endpoint", l.String(e.endpoint)),
		ir.Set("Insecure", l.Bool(e.insecure)),
		ir.Set("Headers", l.Fields(*e.headers)),
		ir.Set("Compress", l.Bool(e.compress)),
		ir.Set("TLS", tls),
		ir.Set("Timeout", l.Seconds(e.timeout)),
		ir.Set("Retry", retry),
	}
	if e.service != nil {
		fields = append(fields, ir.Set("ReconnectionPeriod", l.Seconds(e.reconnect)), ir.Set("ServiceConfig", l.String(e.service)))
	}
	return l.Link.Part(l, "exporter", true, l.Call("otel/"+pkg+".New", l.Struct("otel/otlp.Options", fields...)))
}

func (r *OTLPRetrySpec) lower(l *Lower) ir.Expr {
	return ir.Struct{Type: ir.Runtime("otel/otlp.Retry"), Pointer: true, Fields: []ir.Field{
		ir.Set("Enabled", l.Bool(&r.Enabled)),
		ir.Set("InitialInterval", l.Seconds(&r.InitialInterval)),
		ir.Set("MaxInterval", l.Seconds(&r.MaxInterval)),
		ir.Set("MaxElapsedTime", l.Seconds(&r.MaxElapsedTime)),
	}}
}
