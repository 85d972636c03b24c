package servertest

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func itoa(n int) string { return strconv.Itoa(n) }

func hex(n int) string { return strconv.FormatInt(int64(n), 16) }

// text answers with a text.
func text(status int, body string) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = status
		x.Response.Header.Add("Content-Type", "text/plain")
		x.Response.Bytes = []byte(body)
		return nil
	}
}

// stream answers with a body of that length, or -1.
func stream(length int64, body string) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error { return streaming(length, strings.NewReader(body))(x) }
}

// streaming answers with a body of that length, or -1.
func streaming(length int64, body io.Reader) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Body = io.NopCloser(body)
		x.Response.ContentLength = length
		return nil
	}
}

// echo answers with the path and the body of the request, and its trailers.
func echo(x *gateway.Exchange) error {
	q := &x.Request
	var said strings.Builder
	said.WriteString(q.Path)
	if q.Body != nil {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			return &gateway.Error{Status: 400, Cause: err}
		}
		said.WriteString(" " + string(b))
	}
	if q.Trailer != nil {
		for _, f := range q.Trailer() {
			said.WriteString("+" + gateway.CanonicalName(f.Name) + "=" + f.Value)
		}
	}
	return text(200, said.String())(x)
}

// zeros is a body that doesn't end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// closer counts how often it is closed.
type closer struct {
	io.Reader
	closed *int
}

func (c closer) Close() error { *c.closed++; return nil }

// errorHandler answers with the text of the error, and keeps the errors.
type errorHandler struct {
	mu     sync.Mutex
	errors []error
}

func (h *errorHandler) HandleError(x *gateway.Exchange, err error) {
	h.mu.Lock()
	h.errors = append(h.errors, err)
	h.mu.Unlock()
	if status := gateway.StatusOf(err); status > 0 {
		x.Response.Status, x.Response.Bytes = status, []byte(err.Error())
	}
}

func (h *errorHandler) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.errors)
}

// first waits for the first error and returns it.
func (h *errorHandler) first(t testing.TB) *gateway.Error {
	t.Helper()
	eventually(t, func() bool { return h.count() > 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	err, ok := gateway.AsError(h.errors[0])
	if !ok {
		t.Fatalf("the error handler got %v", h.errors[0])
	}
	return err
}

// logger keeps what is logged.
type logger struct {
	mu    sync.Mutex
	lines []string
}

func (l *logger) Enabled(gateway.Level) bool { return true }
func (l *logger) WriteLine([]byte)           {}
func (l *logger) Log(_ *gateway.Exchange, _ gateway.Level, msg string, _ ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, msg)
}

func (l *logger) has(part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}
