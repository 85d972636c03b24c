package interop

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// TestGRPCStatus holds that what the gateway itself has to say reaches a client of gRPC as a status.
func TestGRPCStatus(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			g := start(t, engine)
			g.serveGRPC(t, &service{})
			cc, err := dialGRPC(g.addrs[refusing], false)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cc.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			large := &testgrpc.SimpleRequest{Payload: &testgrpc.Payload{Body: make([]byte, 5000)}}
			for _, tt := range []struct {
				method  string
				code    codes.Code
				message string
			}{
				{"/down/Unary", codes.Unavailable, "Bad Gateway"},
				{"/slow/grpc.testing.TestService/UnaryCall", codes.DeadlineExceeded, "Gateway Timeout"},
				{"/large/grpc.testing.TestService/UnaryCall", codes.ResourceExhausted, "Request Entity Too Large"},
				{"/odd/Unary", codes.Unknown, "Unsupported Media Type"},
				{"/elsewhere/Unary", codes.Unimplemented, "Not Found"},
			} {
				err := cc.Invoke(ctx, tt.method, large, new(testgrpc.SimpleResponse))
				if s := status.Convert(err); s.Code() != tt.code || s.Message() != tt.message {
					t.Errorf("%s: %v", tt.method, err)
				}
			}
		})
	}
}

// A service waits in UnaryCall, returns what it gets in StreamingInputCall, and fails half-way in StreamingOutputCall.
type service struct {
	testgrpc.UnimplementedTestServiceServer
	waiting, ended atomic.Int32
}

func (s *service) UnaryCall(ctx context.Context, _ *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	s.waiting.Add(1)
	defer s.ended.Add(1)
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *service) EmptyCall(ctx context.Context, _ *testgrpc.Empty) (*testgrpc.Empty, error) {
	if d, ok := ctx.Deadline(); ok {
		_ = grpc.SetTrailer(ctx, metadata.Pairs("deadline", time.Until(d).String()))
	}
	return &testgrpc.Empty{}, nil
}

func (s *service) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[testgrpc.StreamingOutputCallResponse]) error {
	_ = stream.Send(&testgrpc.StreamingOutputCallResponse{})
	stream.SetTrailer(metadata.Pairs("reason", "on purpose"))
	return status.Error(codes.DataLoss, "half of it, 50 %")
}

func (s *service) FullDuplexCall(stream grpc.BidiStreamingServer[testgrpc.StreamingOutputCallRequest, testgrpc.StreamingOutputCallResponse]) error {
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{Payload: m.Payload}); err != nil {
			return err
		}
	}
}

// TestGRPCStreams holds what the interoperability tests don't look at.
func TestGRPCStreams(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			g, s := start(t, engine), &service{}
			g.serveGRPC(t, s)
			for name, p := range pairs {
				t.Run(name, func(t *testing.T) {
					cc, err := dialGRPC(g.addrs[p.server], p.secure)
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = cc.Close() }()
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					c := testgrpc.NewTestServiceClient(cc)
					t.Run("cancelled", func(t *testing.T) { cancelCall(ctx, t, c, s) })
					t.Run("deadline", func(t *testing.T) { passDeadline(ctx, t, c) })
					t.Run("broken", func(t *testing.T) { breakStream(ctx, t, c) })
					t.Run("large messages", func(t *testing.T) { echoLarge(ctx, t, c) })
				})
			}
		})
	}
}

// cancelCall gives a call up. The service must learn of it.
func cancelCall(ctx context.Context, t *testing.T, c testgrpc.TestServiceClient, s *service) {
	waiting, ended := s.waiting.Load(), s.ended.Load()
	called, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := c.UnaryCall(called, &testgrpc.SimpleRequest{})
		done <- err
	}()
	eventually(ctx, t, func() bool { return s.waiting.Load() > waiting })
	cancel()
	eventually(ctx, t, func() bool { return s.ended.Load() > ended })
	if err := <-done; status.Code(err) != codes.Canceled {
		t.Error(err)
	}
}

// passDeadline holds that the service knows how much time there is.
func passDeadline(ctx context.Context, t *testing.T, c testgrpc.TestServiceClient) {
	var trailer metadata.MD
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := c.EmptyCall(ctx, &testgrpc.Empty{}, grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	if v := trailer.Get("deadline"); len(v) != 1 {
		t.Errorf("the service knows of no deadline: %v", trailer)
	} else if d, err := time.ParseDuration(v[0]); err != nil || d <= 0 || d > 10*time.Second {
		t.Errorf("deadline %q", v)
	}
}

// breakStream reads a stream that fails.
func breakStream(ctx context.Context, t *testing.T, c testgrpc.TestServiceClient) {
	stream, err := c.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if s := status.Convert(err); s.Code() != codes.DataLoss || s.Message() != "half of it, 50 %" || len(stream.Trailer().Get("reason")) != 1 {
		t.Errorf("%v, %v", err, stream.Trailer())
	}
}

// echoLarge sends large messages, each after the answer to the one before.
func echoLarge(ctx context.Context, t *testing.T, c testgrpc.TestServiceClient) {
	stream, err := c.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		body := bytes.Repeat([]byte{byte(i), 2, 3, 5, 7}, 2<<20)
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{Payload: &testgrpc.Payload{Body: body}}); err != nil {
			t.Fatal(err)
		}
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.GetPayload().GetBody(), body) {
			t.Errorf("another message of %d bytes comes back", len(m.GetPayload().GetBody()))
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Error(err)
	}
}

func eventually(ctx context.Context, t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it never happened")
		case <-time.After(time.Millisecond):
		}
	}
}
