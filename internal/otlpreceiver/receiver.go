// Package otlpreceiver is a collector of OpenTelemetry for tests: it takes traces and metrics by OTLP, over gRPC and over HTTP,
// and shows what has come.
package otlpreceiver

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // as an exporter may send
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A Receiver is a collector.
type Receiver struct {
	// Addr is where it listens: host:port.
	Addr string

	mu       sync.Mutex
	requests []Request
	refuse   int
	refused  int
}

// A Request is one export.
type Request struct {
	Headers map[string]string // by their names in lower case
	Path    string            // over HTTP
	Gzip    bool
	Spans   []*trace.ResourceSpans
	Metrics []*metrics.ResourceMetrics
}

// GRPC starts a receiver over gRPC, with TLS unless config is nil.
func GRPC(t testing.TB, config *tls.Config) *Receiver {
	t.Helper()
	r := &Receiver{}
	options := []grpc.ServerOption{grpc.StatsHandler(compression{})}
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	s := grpc.NewServer(options...)
	tracepb.RegisterTraceServiceServer(s, &traces{r: r})
	metricspb.RegisterMetricsServiceServer(s, &figures{r: r})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Addr = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return r
}

// HTTP starts a receiver over HTTP, with TLS unless config is nil.
func HTTP(t testing.TB, config *tls.Config) *Receiver {
	t.Helper()
	r := &Receiver{}
	s := httptest.NewUnstartedServer(r)
	if config != nil {
		s.TLS = config
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	r.Addr = s.Listener.Addr().String()
	return r
}

// Refuse has the next n requests fail for a reason that may pass.
func (r *Receiver) Refuse(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = n
}

// Refused is how many have failed so.
func (r *Receiver) Refused() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// Requests are those that have come by now, the refused ones left out.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request(nil), r.requests...)
}

// Wait waits until enough has come, and fails the test if it doesn't.
func (r *Receiver) Wait(t testing.TB, enough func([]Request) bool) []Request {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all := r.Requests()
		if enough(all) {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("it hasn't come in 30 s; %d requests have", len(all))
		}
	}
}

// take keeps q, or reports that it's refused.
func (r *Receiver) take(q Request) (refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse > 0 {
		r.refuse--
		r.refused++
		return true
	}
	r.requests = append(r.requests, q)
	return false
}

// ServeHTTP takes an export.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var body io.Reader = q.Body
	got := Request{Headers: make(map[string]string), Path: q.URL.Path, Gzip: q.Header.Get("Content-Encoding") == "gzip"}
	for name, values := range q.Header {
		got.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if got.Gzip {
		z, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	data, err := io.ReadAll(body)
	if err == nil {
		err = got.decode(data, q.Header.Get("Content-Type"))
	}
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case r.take(got):
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/x-protobuf")
	}
}

// decode reads a message. Of what kind it is the end of the path tells.
func (q *Request) decode(data []byte, contentType string) error {
	if contentType != "application/x-protobuf" {
		return fmt.Errorf("the content type is %q", contentType)
	}
	if strings.HasSuffix(q.Path, "metrics") {
		var m metricspb.ExportMetricsServiceRequest
		err := proto.Unmarshal(data, &m)
		q.Metrics = m.ResourceMetrics
		return err
	}
	var m tracepb.ExportTraceServiceRequest
	err := proto.Unmarshal(data, &m)
	q.Spans = m.ResourceSpans
	return err
}

type traces struct {
	tracepb.UnimplementedTraceServiceServer
	r *Receiver
}

func (s *traces) Export(ctx context.Context, m *tracepb.ExportTraceServiceRequest) (*tracepb.ExportTraceServiceResponse, error) {
	q := overGRPC(ctx)
	q.Spans = m.ResourceSpans
	if s.r.take(q) {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &tracepb.ExportTraceServiceResponse{}, nil
}

type figures struct {
	metricspb.UnimplementedMetricsServiceServer
	r *Receiver
}

func (s *figures) Export(ctx context.Context, m *metricspb.ExportMetricsServiceRequest) (*metricspb.ExportMetricsServiceResponse, error) {
	q := overGRPC(ctx)
	q.Metrics = m.ResourceMetrics
	if s.r.take(q) {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &metricspb.ExportMetricsServiceResponse{}, nil
}

func overGRPC(ctx context.Context) Request {
	q := Request{Headers: make(map[string]string)}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		q.Headers[name] = strings.Join(values, ",")
	}
	if s, ok := ctx.Value(compression{}).(*string); ok {
		q.Gzip = *s == "gzip"
	}
	return q
}

// compression notes how requests are compressed, which handlers aren't told.
type compression struct{}

// TagRPC makes a place for it.
func (c compression) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, c, new(string))
}

// HandleRPC notes it.
func (c compression) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if h, ok := s.(*stats.InHeader); ok {
		*ctx.Value(c).(*string) = h.Compression
	}
}

// TagConn does nothing.
func (compression) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (compression) HandleConn(context.Context, stats.ConnStats) {}
