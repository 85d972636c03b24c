package meter

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// registerUpstreams exports what is known of each upstream, by handler and upstream.
func registerUpstreams(meter metric.Meter, set *upstreamstats.Set) error {
	if set == nil {
		return nil
	}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	counter := func(name, unit, help string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter("gateway.upstream."+name, metric.WithUnit(unit), metric.WithDescription(help))
		note(err)
		return c
	}
	gauge := func(name, unit, help string) metric.Int64ObservableGauge {
		g, err := meter.Int64ObservableGauge("gateway.upstream."+name, metric.WithUnit(unit), metric.WithDescription(help))
		note(err)
		return g
	}
	requests := counter("requests", "{request}", "Number of requests sent")
	responses := counter("responses", "{response}", "Number of responses, by the class of their status")
	failures := counter("failures", "{failure}", "Number of failures, by what failed")
	ejections := counter("ejections", "{ejection}", "How often it was taken out of use because requests to it had failed")
	opened := counter("connections.opened", "{connection}", "Number of connections that were opened")
	active := gauge("active_requests", "{request}", "Number of requests that have no end yet")
	usable := gauge("usable", "1", "1 if requests go to it, 0 if not")
	open := gauge("connections", "{connection}", "Number of connections, by their state")
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, ob metric.Observer) error {
		for _, s := range set.Merged() {
			handler, upstream := attribute.String("handler", s.Handler), attribute.String("upstream", text(s.Upstream))
			base := metric.WithAttributes(handler, upstream)
			with := func(key, value string) metric.ObserveOption {
				return metric.WithAttributes(handler, upstream, attribute.String(key, value))
			}
			ob.ObserveInt64(requests, int64(s.Requests), base)
			ob.ObserveInt64(active, int64(s.InFlight), base)
			ob.ObserveInt64(ejections, int64(s.Ejections), base)
			up := int64(0)
			if s.Usable {
				up = 1
			}
			ob.ObserveInt64(usable, up, base)
			for class := 1; class < len(s.Responses); class++ {
				ob.ObserveInt64(responses, int64(s.Responses[class]), with("class", string(rune('0'+class))+"xx"))
			}
			for f, n := range s.Failures {
				ob.ObserveInt64(failures, int64(n), with("error.type", upstreamstats.Failure(f).String()))
			}
			if !s.ConnsKnown {
				continue
			}
			ob.ObserveInt64(opened, int64(s.Conns.Opened), base)
			if s.Conns.Idle < 0 {
				ob.ObserveInt64(open, int64(s.Conns.Open), with("state", "open"))
				continue
			}
			ob.ObserveInt64(open, int64(s.Conns.Open-s.Conns.Idle), with("state", "used"))
			ob.ObserveInt64(open, int64(s.Conns.Idle), with("state", "idle"))
		}
		return nil
	}, requests, responses, failures, ejections, opened, active, usable, open)
	return err
}
