// Package app is the command line and the life of a compiled gateway.
//
// The gateway reads its environment, makes its components, binds its addresses,
// runs, and on SIGTERM or an interrupt lets the running exchanges end. A second
// signal stops it at once. It exits with 0 if all went well, with 1 if something failed
// while it ran, and with 2 if it couldn't start.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log/stdout"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitStart  = 2
)

// A Program is what a compiled gateway is and says of itself.
type Program struct {
	Version   string     // of the compiler
	Digest    string     // identifies the program, whatever its config looked like
	Config    string     // the config in a normal form, without secrets
	Resources []string   // "apiVersion/kind/namespace/name"
	Env       []Variable // that the config reads
	Embedded  []string   // the files that the binary carries, by the names that they had
	// Wire makes the components. It opens no sockets. What is wrong with variables it
	// leaves to vars.
	Wire func(vars *env.Env) (*Gateway, error)
}

// A Variable is an environment variable that a config reads.
type Variable struct {
	Name     string
	Pos      string // where: "config.yaml:7:9"
	Required bool   // without it, the gateway doesn't start
}

// A Gateway is what runs.
type Gateway struct {
	// Logger gets what goes wrong while the gateway runs. Nil is the standard error.
	Logger gateway.Logger
	// Runners run at the same time. When one of them ends, with an error or without, the
	// others are told to. There's nothing to do if there are none.
	Runners []Runner
	// Initializers run before the Runners, in order. If one fails, nothing runs.
	Initializers []Initializer
	// Finalizers run when all Runners have ended, or the start has failed, in reverse order.
	Finalizers []Finalizer
	// StopTimeout limits how long Runners may take to end when they are told to. Servers
	// have a limit of their own, so it is only for those that don't listen. Default 10 minutes.
	StopTimeout time.Duration
}

// A Runner runs until ctx ends. If it is a [Listener], too, it binds its addresses before
// anything runs.
type Runner interface {
	Run(ctx context.Context) error
}

// A Listener is a Runner that has addresses to bind. If it has a method Close() error, too,
// that is called to give them back when the start fails later.
type Listener interface {
	Listen() error
}

// An Initializer does something before the gateway runs.
type Initializer interface {
	Initialize() error
}

// A Finalizer does something after the gateway has run.
type Finalizer interface {
	Finalize() error
}

// Main is the main function of a gateway. args are those behind the program's name. It
// returns the exit code.
func Main(args []string, p Program) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	defer stdout.Flush()
	c := &command{
		program: &p,
		name:    filepath.Base(os.Args[0]),
		out:     os.Stdout,
		err:     os.Stderr,
		vars:    env.OS,
	}
	return c.run(args, signals)
}

// A command is one call of the program.
type command struct {
	program  *Program
	name     string
	out, err io.Writer
	vars     func() *env.Env
}

func (c *command) run(args []string, signals <-chan os.Signal) int {
	f, code := c.parse(args)
	if f == nil {
		return code
	}
	switch {
	case f.version:
		fmt.Fprintf(c.out, "%s, compiled by aileronc %s\n", c.name, c.program.Version)
		return exitOK
	case f.info:
		c.info()
		return exitOK
	case f.config:
		fmt.Fprint(c.out, c.program.Config)
		return exitOK
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- c.start(ctx, f) }()
	select {
	case code := <-ended:
		return code
	case <-signals:
		cancel()
	}
	select {
	case code := <-ended:
		return code
	case <-signals:
	}
	select {
	case code := <-ended: // it was about to end: nothing was cut off
		return code
	case <-time.After(atOnce):
		c.complain("stopped at once by a second signal")
		return exitFailed
	}
}

// atOnce is how long a gateway that has nothing left to do may take to end.
const atOnce = 100 * time.Millisecond

// start reads the environment, makes the gateway and runs it.
func (c *command) start(ctx context.Context, f *flags) int {
	vars := c.vars()
	for _, file := range f.env {
		if err := vars.Load(file); err != nil {
			c.complain("reading environment variables: %v", err)
			return exitStart
		}
	}
	g, err := c.program.Wire(vars)
	if e := vars.Err(); e != nil {
		err = errors.Join(e, c.missing(vars, e)) // which is why
	}
	if err != nil {
		c.complain("%v", err)
		return exitStart
	}
	if f.check {
		fmt.Fprintln(c.out, "ok")
		return exitOK
	}
	l := &life{gateway: g, complain: c.complain}
	return l.run(ctx)
}

// missing names the variables that are needed, too, but weren't asked for, since something failed before.
func (c *command) missing(vars *env.Env, found error) (err error) {
	for _, v := range c.program.Env {
		if _, set := vars.Lookup(v.Name); v.Required && !set && !strings.Contains(found.Error(), v.Name) {
			err = errors.Join(err, errors.New(v.Pos+": "+v.Name+" is not set"))
		}
	}
	return err
}

// complain writes a message for the operator.
func (c *command) complain(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(c.err, "%s: %s\n", c.name, strings.TrimSuffix(line, "\n"))
	}
}
