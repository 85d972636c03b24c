// Package compiler turns a config into the source of a gateway. The stages are
// packages of their own; this one calls them in order.
package compiler

import (
	"io"
	"maps"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/emit"
	"github.com/aileron-gateway/aileronc/compiler/graph"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/lower"
	"github.com/aileron-gateway/aileronc/compiler/pass"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

// Input is a config and what is to be known of the place it's compiled in.
type Input struct {
	Files  []string  // paths of files and folders; "-" is Stdin
	Stdin  io.Reader // may be nil
	Dir    string    // where relative paths in the config begin; "" is the working directory
	Freeze *decode.Freezer
	// OS is the system that the gateway is built for, as GOOS has it; "" if that's still open.
	OS string
	// Embed makes the files that the config names a part of the binary, unless it says otherwise.
	Embed  bool
	Ignore []diag.Code // warnings that aren't wanted
	// Engine is what speaks HTTP/1.1 in the gateway; "" is kinds.Wire.
	Engine kinds.Engine
	// Version is the version of the compiler, for the binary to tell.
	Version string
}

// A Result is what came of a compilation. Program and Files are nil if there are errors.
type Result struct {
	Findings *diag.List
	Sources  source.Files // the files that were read
	Graph    *graph.Graph
	Program  *ir.Program
	Files    []emit.File
	// Structural are the environment variables that have to be frozen.
	Structural []string
	// Frozen are those that were.
	Frozen []string
}

// Check runs all stages but emit.
func Check(in Input) *Result {
	r := &Result{Findings: &diag.List{}}
	r.Findings.Ignore(in.Ignore...)
	var docs []*source.Document
	docs, r.Sources = source.Load(in.Files, in.Stdin, r.Findings)
	d := &decode.Decoder{List: r.Findings, Freeze: in.Freeze}
	r.Graph = graph.Build(docs, d, kinds.Place{Dir: in.Dir, OS: in.OS, Embed: in.Embed})
	if !r.Findings.HasErrors() {
		r.Program = lower.Program(r.Graph, in.Engine)
		pass.Run(r.Program, r.Findings)
	}
	maps.Copy(r.Sources, r.Findings.Sources())
	r.Structural, r.Frozen = d.Structural, d.Frozen
	if r.Findings.HasErrors() {
		r.Program = nil
	}
	return r
}

// Compile is Check, and emits the source of the gateway if there are no errors.
func Compile(in Input) (*Result, error) {
	r := Check(in)
	if r.Program == nil {
		return r, nil
	}
	files, err := emit.Files(r.Program, in.Version)
	r.Files = files
	return r, err
}
