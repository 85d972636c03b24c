// Package propagate reads the context of a trace out of the fields of a request, and writes it into them, in the formats that
// tracers have.
package propagate

import (
	"context"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/contrib/propagators/jaeger"
	"go.opentelemetry.io/contrib/propagators/ot"
	"go.opentelemetry.io/otel/propagation"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Format is a format of the context, by the name that OTEL_PROPAGATORS has for it.
type Format string

// The formats. All of them are small, and which ones are used may be up to the environment, so a gateway that traces has all.
const (
	W3CTraceContext Format = "tracecontext" // traceparent and tracestate (W3C Trace Context)
	W3CBaggage      Format = "baggage"      // baggage (W3C Baggage)
	B3              Format = "b3"           // b3; the several X-B3-* fields are read, too
	B3Multi         Format = "b3multi"      // the several X-B3-* fields; b3 is read, too
	Jaeger          Format = "jaeger"       // uber-trace-id
	XRay            Format = "xray"         // X-Amzn-Trace-Id
	OpenCensus      Format = "opencensus"   // grpc-trace-bin, in Base64
	OpenTracing     Format = "ottrace"      // ot-tracer-traceid, -spanid and -sampled
)

var formats = map[Format]func() propagation.TextMapPropagator{
	W3CTraceContext: func() propagation.TextMapPropagator { return propagation.TraceContext{} },
	W3CBaggage:      func() propagation.TextMapPropagator { return propagation.Baggage{} },
	B3:              func() propagation.TextMapPropagator { return b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)) },
	B3Multi:         func() propagation.TextMapPropagator { return b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)) },
	Jaeger:          func() propagation.TextMapPropagator { return jaeger.Jaeger{} },
	XRay:            func() propagation.TextMapPropagator { return xray.Propagator{} },
	OpenCensus:      func() propagation.TextMapPropagator { return openCensus{} },
	OpenTracing:     func() propagation.TextMapPropagator { return ot.OT{} },
}

// A Propagator reads and writes some formats. If a request has several, the last one of the list counts.
type Propagator struct {
	all propagation.TextMapPropagator
	// stale are fields that must not go on as they came, because those that are written don't replace them.
	stale []string
}

// New returns the propagator of those formats; none stands for W3CTraceContext and W3CBaggage. The environment variable
// OTEL_PROPAGATORS, a list with commas between, takes precedence; what it names that isn't known is returned.
func New(list []Format) (p *Propagator, unknown []string) {
	if len(list) == 0 {
		list = []Format{W3CTraceContext, W3CBaggage}
	}
	var fromEnv []Format
	none := false
	for name := range strings.SplitSeq(os.Getenv("OTEL_PROPAGATORS"), ",") {
		switch f := Format(strings.ToLower(strings.TrimSpace(name))); {
		case f == "":
		case f == "none":
			none = true
		case formats[f] == nil:
			unknown = append(unknown, strings.TrimSpace(name))
		default:
			fromEnv = append(fromEnv, f)
		}
	}
	if len(fromEnv) > 0 || none {
		list = fromEnv
	}
	p = &Propagator{}
	var all []propagation.TextMapPropagator
	for _, f := range list {
		all = append(all, formats[f]())
		switch f {
		case W3CTraceContext:
			p.stale = append(p.stale, "tracestate")
		case B3:
			p.stale = append(p.stale, "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")
		case B3Multi:
			p.stale = append(p.stale, "b3", "x-b3-parentspanid", "x-b3-flags")
		}
	}
	p.all = propagation.NewCompositeTextMapPropagator(all...)
	if len(all) == 1 {
		p.all = all[0]
	}
	return p, unknown
}

// A Carrier is the fields of a request. Also is a list that is written to, as well; nil is none.
type Carrier struct {
	Header *gateway.Header
	Also   *gateway.Header
}

// Get returns the value of a field. That of one that is there several times is the whole list, which is none for all
// fields that aren't lists.
func (c *Carrier) Get(key string) string {
	value, _ := c.Header.Joined(key, ",")
	return value
}

// Values returns the values of all fields of that name.
func (c *Carrier) Values(key string) (values []string) {
	for v := range c.Header.Values(key) {
		values = append(values, v)
	}
	return values
}

// Set replaces a field.
func (c *Carrier) Set(key, value string) {
	c.Header.Set(key, value)
	if c.Also != nil {
		c.Also.Set(key, value)
	}
}

// Keys are the names of the fields.
func (c *Carrier) Keys() []string {
	keys := make([]string, len(*c.Header))
	for i := range keys {
		keys[i] = (*c.Header)[i].Name
	}
	return keys
}

// Extract returns ctx with what the fields say.
func (p *Propagator) Extract(ctx context.Context, c *Carrier) context.Context {
	return p.all.Extract(ctx, c)
}

// Inject writes the context of the span in ctx into the fields.
func (p *Propagator) Inject(ctx context.Context, c *Carrier) {
	if len(p.stale) > 0 {
		c.Header.DelFunc(p.isStale)
	}
	p.all.Inject(ctx, c)
}

func (p *Propagator) isStale(f gateway.Field) bool {
	for _, name := range p.stale {
		if gateway.EqualName(f.Name, name) {
			return true
		}
	}
	return false
}
