package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// A grpcCase is one of gRPC's interoperability tests. It ends the process if it fails.
type grpcCase struct {
	name string
	run  func(ctx context.Context, cc *grpc.ClientConn, c testgrpc.TestServiceClient)
}

// of makes a case of one of the package interop.
func of(do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, *grpc.ClientConn, testgrpc.TestServiceClient) {
	return func(ctx context.Context, _ *grpc.ClientConn, c testgrpc.TestServiceClient) { do(ctx, c) }
}

// grpcCases are all but those that need credentials of a cloud, or the balancers of a client.
var grpcCases = []grpcCase{
	{"empty_unary", of(interop.DoEmptyUnaryCall)},
	{"large_unary", of(interop.DoLargeUnaryCall)},
	{"client_streaming", of(interop.DoClientStreaming)},
	{"server_streaming", of(interop.DoServerStreaming)},
	{"ping_pong", of(interop.DoPingPong)},
	{"empty_stream", of(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", of(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", of(interop.DoCancelAfterBegin)},
	{"cancel_after_first_response", of(interop.DoCancelAfterFirstResponse)},
	{"status_code_and_message", of(interop.DoStatusCodeAndMessage)},
	{"special_status_message", of(interop.DoSpecialStatusMessage)},
	{"custom_metadata", of(interop.DoCustomMetadata)},
	{"unimplemented_method", func(ctx context.Context, cc *grpc.ClientConn, _ testgrpc.TestServiceClient) {
		interop.DoUnimplementedMethod(ctx, cc)
	}},
	{"unimplemented_service", func(ctx context.Context, cc *grpc.ClientConn, _ testgrpc.TestServiceClient) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(cc))
	}},
	{"rpc_soak", func(ctx context.Context, cc *grpc.ClientConn, _ testgrpc.TestServiceClient) {
		soak(ctx, func() (*grpc.ClientConn, func()) { return cc, func() {} })
	}},
	{"channel_soak", func(ctx context.Context, cc *grpc.ClientConn, _ testgrpc.TestServiceClient) {
		soak(ctx, func() (*grpc.ClientConn, func()) {
			fresh, err := dialGRPC(cc.Target(), os.Getenv(clientTLS) != "")
			if err != nil {
				panic(err)
			}
			return fresh, func() { _ = fresh.Close() }
		})
	}},
}

// The environment of the process that runs one case: which, where the gateway is, and whether with TLS.
const (
	clientCase   = "INTEROP_CASE"
	clientTarget = "INTEROP_TARGET"
	clientTLS    = "INTEROP_TLS"
)

// runCase is what the process of a case does.
func runCase() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cc, err := dialGRPC(os.Getenv(clientTarget), os.Getenv(clientTLS) != "")
	if err != nil {
		panic(err)
	}
	for _, c := range grpcCases {
		if c.name == os.Getenv(clientCase) {
			c.run(ctx, cc, testgrpc.NewTestServiceClient(cc))
			fmt.Println("passed")
		}
	}
}

func dialGRPC(addr string, secure bool) (*grpc.ClientConn, error) {
	creds := insecure.NewCredentials()
	if secure {
		creds = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	}
	return grpc.NewClient(addr, grpc.WithTransportCredentials(creds), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.MaxCallSendMsgSize(64<<20)))
}

// A pair is a way through the gateway.
type pair struct {
	server string
	secure bool
}

var pairs = map[string]pair{
	"h2c to h2c": {clearToClear, false},
	"h2c to TLS": {clearToSecure, false},
	"TLS to h2c": {secureToClear, true},
	"TLS to TLS": {secureToSecure, true},
}

// TestGRPC runs the interoperability tests of gRPC through a gateway.
func TestGRPC(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			g := start(t, engine)
			g.serveGRPC(t, interop.NewTestServer())
			for name, p := range pairs {
				t.Run(name, func(t *testing.T) {
					for _, c := range grpcCases {
						t.Run(c.name, func(t *testing.T) {
							t.Parallel()
							cmd := exec.Command(self)
							cmd.Env = append(os.Environ(), clientCase+"="+c.name, clientTarget+"="+g.addrs[p.server])
							if p.secure {
								cmd.Env = append(cmd.Env, clientTLS+"=1")
							}
							if out, err := cmd.CombinedOutput(); err != nil || string(out[max(0, len(out)-len("passed\n")):]) != "passed\n" {
								t.Errorf("%v\n%s", err, out)
							}
						})
					}
				})
			}
		})
	}
}

// serveGRPC runs the upstreams of the gateway.
func (g *gateway) serveGRPC(t *testing.T, service testgrpc.TestServiceServer) {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(g.cert, g.key)
	if err != nil {
		t.Fatal(err)
	}
	limits := []grpc.ServerOption{grpc.MaxRecvMsgSize(64 << 20), grpc.MaxSendMsgSize(64 << 20)}
	for name, options := range map[string][]grpc.ServerOption{
		clearUpstream:  limits,
		secureUpstream: append(limits, grpc.Creds(credentials.NewServerTLSFromCert(&certificate))),
	} {
		l, err := net.Listen("tcp", g.addrs[name])
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer(options...)
		testgrpc.RegisterTestServiceServer(s, service)
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		t.Cleanup(func() {
			s.Stop()
			if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				t.Error(err)
			}
		})
	}
}

// soak calls many times, on connections that channel gives.
func soak(ctx context.Context, channel func() (*grpc.ClientConn, func())) {
	interop.DoSoakTest(ctx, interop.SoakTestConfig{
		RequestSize: 271828, ResponseSize: 314159, PerIterationMaxAcceptableLatency: 20 * time.Second,
		OverallTimeout: 50 * time.Second, Iterations: 20, NumWorkers: 2,
		ServerAddr: os.Getenv(clientTarget), ChannelForTest: channel,
	})
}
