// Package retry sends a request again when the upstream fails.
package retry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options say what is tried again. All methods are, POST as well: configure
// retries where the upstream can take a request twice.
type Options struct {
	// Max is how many tries may follow the first one; 0 is none.
	Max int
	// MaxBodyBytes is the greatest body of a request that is tried again; 0 is none at all. The body is read
	// in full before the first try. Requests with a longer one, or one of unknown length, are tried once.
	MaxBodyBytes int64
	// StatusCodes are the statuses of responses that are tried again. Failures to get any
	// response always are.
	StatusCodes []int
}

const (
	maxBackoff = 10 * time.Second
	// maxRetryAfter is the longest that a client is kept waiting because the upstream asked for it
	// by Retry-After. It gets the response if that is longer.
	maxRetryAfter = 10 * time.Second
	// maxDrain is how much of a response that isn't wanted is read, so that its connection stays usable.
	maxDrain = 64 << 10
)

// New returns a tripperware that does as o says. Its place is next to the transport. When the last try fails
// as well, its response, or its error, is the outcome.
func New(o Options) gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler {
		if o.Max <= 0 {
			return next
		}
		return &retry{o, next}
	}
}

type retry struct {
	Options
	next gateway.Handler
}

func (t *retry) Serve(leg *gateway.Exchange) error {
	r := &leg.Request
	if r.Body == nil || r.ContentLength == 0 && r.Trailer == nil {
		return t.try(leg, nil)
	}
	if r.ContentLength < 0 || r.ContentLength > t.MaxBodyBytes {
		return t.next.Serve(leg)
	}
	body, err := read(r.Body, r.ContentLength)
	if err != nil {
		return fmt.Errorf("reading the request's body: %w", err)
	}
	return t.try(leg, body)
}

// try serves leg until it succeeds or there has been enough of it.
func (t *retry) try(leg *gateway.Exchange, body []byte) error {
	sent := false // something of an earlier try may have reached the upstream
	for n := 0; ; n++ {
		if body != nil {
			leg.Request.Body = io.NopCloser(bytes.NewReader(body))
		}
		err := t.next.Serve(leg)
		failure, known := errors.AsType[*gateway.UpstreamError](err)
		if known && sent {
			failure.Sent = true
		}
		sent = sent || !known || failure.Sent
		if n == t.Max || !t.again(leg, err) {
			if err != nil && n > 0 {
				err = fmt.Errorf("try %d: %w", n+1, err)
			}
			return err
		}
		wait, ok := pause(leg, n, err)
		if !ok {
			return err
		}
		if err == nil {
			discard(&leg.Response)
		}
		if err := sleep(leg.Context(), wait); err != nil {
			return fmt.Errorf("waiting for try %d: %w", n+2, err)
		}
	}
}

// again reports whether the outcome of a try is one to try again for.
func (t *retry) again(leg *gateway.Exchange, err error) bool {
	if leg.Context().Err() != nil || errors.Is(err, gateway.ErrTooLarge) {
		return false
	}
	return err != nil || slices.Contains(t.StatusCodes, leg.Response.Status)
}

// pause returns how long to wait after try n, counted from 0: exponential backoff with full jitter, or what the
// upstream asks for. It reports false if that is too long.
func pause(leg *gateway.Exchange, n int, err error) (time.Duration, bool) {
	limit := min(time.Millisecond<<min(n, 30), maxBackoff)
	wait := time.Millisecond + rand.N(limit)
	if err == nil {
		asked := retryAfter(leg.Response.Header.Get("Retry-After"))
		if asked > maxRetryAfter {
			return 0, false
		}
		wait = max(wait, asked)
	}
	deadline, ok := leg.Context().Deadline()
	return wait, !ok || time.Until(deadline) > wait
}

// retryAfter parses a Retry-After field (RFC 9110, section 10.2.3). One that is malformed, or missing, asks for nothing.
func retryAfter(value string) time.Duration {
	if s, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", value); err == nil {
		return time.Until(at)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// discard gives up r. A body of unknown length may take for ever to end: its connection
// isn't waited for.
func discard(r *gateway.Response) {
	if r.Body != nil {
		if 0 < r.ContentLength && r.ContentLength <= maxDrain {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrain+1)
		}
		_ = r.Body.Close()
	}
	if r.Conn != nil {
		_ = r.Conn.Close()
	}
	r.Reset()
}

// read reads a body of n bytes and closes it. It takes memory as the bytes come, since n is but
// what the client says.
func read(body io.ReadCloser, n int64) ([]byte, error) {
	defer body.Close()
	var b bytes.Buffer
	b.Grow(int(min(n, 16<<10)) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(body, n+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) != n {
		return nil, io.ErrUnexpectedEOF
	}
	return b.Bytes(), nil
}
