package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/env"
)

// With the variable set, the test binary is a gateway.
func TestMain(m *testing.M) {
	if os.Getenv("APP_TEST_GATEWAY") == "" {
		os.Exit(m.Run())
	}
	os.Exit(Main(os.Args[1:], Program{Wire: func(vars *env.Env) (*Gateway, error) {
		return &Gateway{Runners: []Runner{&echoServer{addr: vars.String("a.yaml:1:1", "${ADDR:-127.0.0.1:0}"), hang: vars.Bool("a.yaml:2:1", "${HANG}", false)}}}, nil
	}}))
}

// An echoServer tells its address and accepts connections until it is told to stop.
type echoServer struct {
	addr     string
	hang     bool
	listener net.Listener
}

func (s *echoServer) Listen() (err error) {
	s.listener, err = net.Listen("tcp", s.addr)
	return err
}

func (s *echoServer) Run(ctx context.Context) error {
	fmt.Println(s.listener.Addr())
	context.AfterFunc(ctx, func() {
		fmt.Println("draining")
		if !s.hang {
			s.listener.Close()
		}
	})
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		c.Close()
	}
}

// gatewayProcess starts a gateway and returns its lines.
func gatewayProcess(t *testing.T, vars ...string) (*exec.Cmd, *bufio.Scanner, *strings.Builder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), "APP_TEST_GATEWAY=1"), vars...)
	stderr := &strings.Builder{}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out), stderr
}

func TestProcess(t *testing.T) {
	cmd, out, stderr := gatewayProcess(t)
	if !out.Scan() {
		t.Fatal("it doesn't start:", stderr)
	}
	addr := out.Text()
	if c, err := net.Dial("tcp", addr); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}

	other, otherOut, otherErr := gatewayProcess(t, "ADDR="+addr)
	for otherOut.Scan() {
		t.Error("the second one says", otherOut.Text())
	}
	if err := other.Wait(); other.ProcessState.ExitCode() != 2 || !strings.Contains(otherErr.String(), addr) || strings.Contains(otherErr.String(), "goroutine") {
		t.Errorf("a taken address: %v, %q", err, otherErr)
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for out.Scan() {
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("after SIGTERM: %v, %q", err, stderr)
	}
}

func TestProcessIsStoppedAtOnce(t *testing.T) {
	cmd, out, stderr := gatewayProcess(t, "HANG=true")
	for range 2 {
		if !out.Scan() { // the address, then that it drains
			t.Fatal("it doesn't run:", stderr)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "second signal") {
		t.Errorf("after two signals: %v, %q", err, stderr)
	}
}

func TestProcessWithBadEnvironment(t *testing.T) {
	cmd, out, stderr := gatewayProcess(t, "HANG=perhaps")
	for out.Scan() {
		t.Error("it says", out.Text())
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 2 || !strings.Contains(stderr.String(), `a.yaml:2:1: ${HANG} is "perhaps"; it must be true or false`) {
		t.Errorf("%v, %q", err, stderr)
	}
}
