// Package redistest runs a redis-server for a test.
package redistest

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/freeport"
)

// A Server is a redis-server on the loopback interface, without persistence.
type Server struct {
	Addr string
	t    testing.TB
	args []string
	cmd  *exec.Cmd
}

// Start starts a server, with further arguments. It ends with the test. Without a redis-server the test is skipped, unless CI is
// true in the environment.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return run(t, append([]string{"--save", "", "--appendonly", "no"}, args...)...)
}

// StartSentinel starts a sentinel, with a file of its configuration, which it changes.
func StartSentinel(t testing.TB, file string) *Server {
	t.Helper()
	return run(t, file, "--sentinel")
}

func run(t testing.TB, args ...string) *Server {
	t.Helper()
	path := find(t)
	for range 10 { // somebody else may take the port
		s := &Server{Addr: freeport.Addr(t), t: t}
		_, port, _ := net.SplitHostPort(s.Addr)
		s.args = append(append([]string{path}, args...), "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir())
		if s.start() {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatal("redis-server doesn't start")
	return nil
}

func find(t testing.TB) string {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no redis-server; .ci/run installs one")
	}
	t.Skip("there is no redis-server; apt-get install redis-server")
	return ""
}

// start reports whether the server accepts connections.
func (s *Server) start() bool {
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	cmd := s.cmd
	go func() { _ = cmd.Wait(); close(ended) }()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if _, err := s.ask("PING"); err == nil {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	s.Kill()
	return false
}

// Kill ends the server at once.
func (s *Server) Kill() { _ = s.cmd.Process.Kill() } // it may have ended

// Restart starts a server that has been killed, at the same address, empty.
func (s *Server) Restart() {
	s.t.Helper()
	for range 100 {
		if s.start() {
			return
		}
		time.Sleep(20 * time.Millisecond) // until the address is free
	}
	s.t.Fatalf("redis-server doesn't start again at %s", s.Addr)
}

// Do sends a command, whose words have no blanks, and returns the first line of the answer.
func (s *Server) Do(command string) string {
	s.t.Helper()
	answer, err := s.ask(command)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

func (s *Server) ask(command string) (string, error) {
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, command+"\r\n"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line), err
}
