package proxy

import (
	"errors"
	"strconv"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// begin notes that a request goes to an upstream.
func (l *leg) begin(to *lb.Target) {
	l.to, l.fine = to, false
	if c := to.Counts; c != nil {
		l.began = c.Began()
	}
}

// answered notes that the upstream has answered. What its status says of a request says nothing of the upstream, unless
// it's an error of its own.
func (l *leg) answered(x *gateway.Exchange) {
	to, status := l.to, x.Response.Status
	if c := to.Counts; c != nil {
		c.Answered(status, l.began)
	}
	if !to.Passive {
		return
	}
	if status < 500 || status == 501 || status == 505 {
		l.fine = true
		if to.Answered() {
			l.log(x, gateway.LevelInfo, "upstream is back", gateway.String("upstream", to.String()))
		}
		return
	}
	l.blame(x, "it answered with status "+strconv.Itoa(status))
}

// failed notes that there is no answer, and returns the error for that.
func (l *leg) failed(x *gateway.Exchange, err error) error {
	to := l.to
	final, fault := l.failure(x, to, err)
	if c := to.Counts; c != nil {
		c.Failed(kindOfFailure(err, fault))
	}
	switch {
	case !to.Passive:
	case fault:
		l.blame(x, reason(err))
	default:
		to.GivenUp()
	}
	return final
}

// end notes that the exchange is over. That a body has broken off is told by the error of sending it.
func (l *leg) end(x *gateway.Exchange) {
	to := l.to
	l.to = nil
	if to == nil || !to.Passive && to.Counts == nil {
		return
	}
	broken := x.SendErr != nil && l.isBroken(x)
	if c := to.Counts; c != nil {
		if broken {
			c.Failed(upstreamstats.Broken)
		}
		c.Ended()
	}
	switch {
	case !to.Passive || !l.fine:
	case broken:
		l.to = to
		l.blame(x, reason(x.SendErr))
		l.to = nil
	case x.SendErr == nil:
		to.Completed()
	}
}

// isBroken reports whether the upstream has broken its response off. A slow one may have had a slow client.
func (l *leg) isBroken(x *gateway.Exchange) bool {
	e, ok := errors.AsType[*gateway.UpstreamError](x.SendErr)
	return ok && e.Phase == gateway.PhaseRead && !gateway.IsTimeout(e) && !clientGone(x)
}

// blame notes a failure of the upstream.
func (l *leg) blame(x *gateway.Exchange, why string) {
	if out := l.to.Failed(why); out > 0 {
		l.log(x, gateway.LevelWarn, "upstream is taken out of use", gateway.String("upstream", l.to.String()),
			gateway.String("reason", why), gateway.String("for", out.Round(time.Second).String()))
	}
}

func (l *leg) log(x *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	if log := l.handler.logger; log != nil && log.Enabled(level) {
		log.Log(x, level, msg, attrs...)
	}
}

// reason is err without what everybody knows who knows the upstream.
func reason(err error) string {
	if e, ok := errors.AsType[*gateway.UpstreamError](err); ok {
		return e.Phase.String() + ": " + e.Err.Error()
	}
	return err.Error()
}

func kindOfFailure(err error, fault bool) upstreamstats.Failure {
	e, ok := errors.AsType[*gateway.UpstreamError](err)
	switch {
	case !fault:
		return upstreamstats.Cancelled
	case gateway.IsTimeout(err):
		return upstreamstats.Timeout
	case !ok:
		return upstreamstats.Wait
	}
	switch e.Phase {
	case gateway.PhaseResolve:
		return upstreamstats.Resolve
	case gateway.PhaseConnect:
		return upstreamstats.Connect
	case gateway.PhaseHandshake:
		return upstreamstats.Handshake
	case gateway.PhaseSend:
		return upstreamstats.Send
	}
	return upstreamstats.Wait
}

// tryOthers sends the request to one other upstream after the other, as long as nothing of it has been sent. err
// is what it has failed with so far.
func (p *Handler) tryOthers(x *gateway.Exchange, l *leg, b *balancer, w way, err error) error {
	tried := []*lb.Target{l.to}
	for unsent(x, err) {
		if l.body != nil {
			body, ok := l.body.again()
			if !ok {
				return err
			}
			x.Request.Body = body
		}
		to := b.Upstreams.PickOther(x, tried)
		if to == nil {
			return err
		}
		l.log(x, gateway.LevelWarn, "request goes to another upstream", gateway.String("upstream", l.to.String()),
			gateway.String("reason", reason(err)), gateway.String("other", to.String()))
		tried = append(tried, to)
		if l, err = p.try(x, to, b, w); err == nil {
			return nil
		}
	}
	return err
}

// unsent reports whether the request that err is about may go to another upstream: there has been no connection, and
// either nothing of it has been sent on an earlier one, or it does the same twice as once (RFC 9110, section 9.2.2).
func unsent(x *gateway.Exchange, err error) bool {
	e, ok := errors.AsType[*gateway.UpstreamError](err)
	if !ok || gateway.StatusOf(err) == gateway.LogOnly || x.Context().Err() != nil {
		return false
	}
	switch e.Phase {
	case gateway.PhaseResolve, gateway.PhaseConnect, gateway.PhaseHandshake:
	default:
		return false
	}
	if !e.Sent {
		return true
	}
	switch x.Request.Method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
