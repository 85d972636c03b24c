package opa

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/print"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func (a *Authorizer) enabled(level gateway.Level) bool {
	return a.options.Logger != nil && a.options.Logger.Enabled(level)
}

func (a *Authorizer) log(x *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	if a.enabled(level) {
		a.options.Logger.Log(x, level, msg, attrs...)
	}
}

// begin is when an evaluation begins, if the log is to tell how long it takes.
func (a *Authorizer) begin() time.Time {
	if a.enabled(gateway.LevelDebug) || a.options.LogDecisions && a.enabled(gateway.LevelInfo) {
		return time.Now()
	}
	return time.Time{}
}

// decided logs a decision; q is what allowed the request.
func (a *Authorizer) decided(x *gateway.Exchange, begin time.Time, q *query, allowed bool) {
	level := gateway.LevelDebug
	if a.options.LogDecisions {
		level = gateway.LevelInfo
	} else if allowed {
		return
	}
	if !a.enabled(level) {
		return
	}
	r := &x.Request
	decision := []gateway.Attr{gateway.Bool("allowed", allowed), gateway.Micros("us", time.Since(begin))}
	if q != nil {
		decision = append(decision, gateway.String("query", q.text))
	}
	decision = append(decision, gateway.String("method", r.Method), gateway.String("host", r.Host), gateway.String("api", r.Path),
		gateway.String("remote", r.RemoteAddr), gateway.Object("header", a.headers(r.Header)...))
	msg := "request refused by policy"
	if allowed {
		msg = "request allowed by policy"
	}
	a.log(x, level, msg, gateway.Object("decision", decision...))
}

// headers are the headers of a request for the log.
func (a *Authorizer) headers(h gateway.Header) []gateway.Attr {
	var attrs []gateway.Attr
	for i := range h {
		name := gateway.CanonicalName(h[i].Name)
		if slices.ContainsFunc(attrs, func(a gateway.Attr) bool { return a.Key == name }) {
			continue
		}
		value, _ := h.Joined(name, ", ")
		if a.isMasked(name) {
			value = "***"
		}
		attrs = append(attrs, gateway.String(name, value))
	}
	return attrs
}

// secretive are parts of the names of headers that hold secrets.
var secretive = []string{"auth", "cookie", "token", "key", "secret", "password", "session", "csrf", "xsrf", "signature", "assertion", "jwt", "cert"}

func (a *Authorizer) isMasked(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(a.masked, name) || slices.ContainsFunc(secretive, func(s string) bool { return strings.Contains(name, s) })
}

func lowered(names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strings.ToLower(n)
	}
	return list
}

// maxTrace is how much of a trace is logged, in bytes.
const maxTrace = 64 << 10

// traced logs how the evaluation of q came to its end: by the expressions of the policies. What they were compared with is left
// out, since requests hold secrets.
func (a *Authorizer) traced(x *gateway.Exchange, q *query, trace *topdown.BufferTracer) {
	steps := slices.DeleteFunc(*trace, func(e *topdown.Event) bool { return e.Op == topdown.UnifyOp })
	var b bytes.Buffer
	topdown.PrettyTraceWithLocation(&b, steps)
	text := b.Bytes()
	if len(text) > maxTrace {
		text = append(text[:maxTrace:maxTrace], "..."...)
	}
	a.log(x, gateway.LevelDebug, "trace of a policy", gateway.String("query", q.text), gateway.String("trace", string(text)))
}

// A printer logs what policies print.
type printer struct {
	a *Authorizer
	x *gateway.Exchange
}

// Print logs msg.
func (p printer) Print(at print.Context, msg string) error {
	place := ""
	if at.Location != nil {
		place = at.Location.File + ":" + strconv.Itoa(at.Location.Row)
	}
	p.a.log(p.x, gateway.LevelInfo, "printed by a policy", gateway.String("at", place), gateway.String("text", msg))
	return nil
}
