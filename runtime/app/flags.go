package app

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

type flags struct {
	env                          []string
	check, config, info, version bool
}

const usage = `usage: %s [flags]

  --env FILE   read environment variables from FILE, lines of NAME=VALUE; may be repeated
  --check      read the environment and the files, bind nothing, and tell what is wrong
  --config     print the config that the gateway was made from, without secrets
  --info       print what the gateway is made of, and the variables it reads
  --version    print the version of the compiler
  -h, --help   print this text

Without flags, the gateway serves. SIGTERM and SIGINT let running requests end; a second
one stops it at once. Exit codes: 0 clean, 1 failed while running, 2 bad start.
`

// parse returns the flags, or nil and an exit code.
func (c *command) parse(args []string) (*flags, int) {
	f := &flags{}
	set := flag.NewFlagSet(c.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("env", "", func(file string) error { f.env = append(f.env, file); return nil })
	set.BoolVar(&f.check, "check", false, "")
	set.BoolVar(&f.config, "config", false, "")
	set.BoolVar(&f.info, "info", false, "")
	set.BoolVar(&f.version, "version", false, "")
	err := set.Parse(args)
	if err == nil && set.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(c.out, usage, c.name)
		return nil, exitOK
	case err != nil:
		c.complain("%v", err)
		fmt.Fprintf(c.err, usage, c.name)
		return nil, exitStart
	}
	return f, exitOK
}

// info prints what can be told without the environment.
func (c *command) info() {
	p := c.program
	fmt.Fprintf(c.out, "compiler\taileronc %s\nconfig\t%s\n", p.Version, p.Digest)
	for _, r := range p.Resources {
		fmt.Fprintf(c.out, "resource\t%s\n", r)
	}
	for _, v := range p.Env {
		required := ""
		if v.Required {
			required = "\trequired"
		}
		fmt.Fprintf(c.out, "variable\t%s\t%s%s\n", v.Name, v.Pos, required)
	}
	for _, name := range p.Embedded {
		fmt.Fprintf(c.out, "embedded\t%s\n", name)
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintln(c.out, strings.TrimSpace(b.String()))
	}
}
