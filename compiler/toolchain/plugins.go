package toolchain

import (
	"golang.org/x/mod/modfile"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

func (r *reach) plugins([]ir.Plugin) error        { return nil }
func addPlugins(*modfile.File, []ir.Plugin) error { return nil }
