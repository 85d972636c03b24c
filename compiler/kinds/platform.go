package kinds

import (
	"reflect"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// bsds are the systems that the word bsd in an os tag stands for.
var bsds = []string{"darwin", "dragonfly", "freebsd", "netbsd", "openbsd"}

// systemsOf are the values of GOOS that an os tag names.
func systemsOf(tag string) []string {
	var systems []string
	for word := range strings.FieldsSeq(tag) {
		if word == "bsd" {
			systems = append(systems, bsds...)
		} else {
			systems = append(systems, word)
		}
	}
	return systems
}

// onlyOn refuses what a field asks for, if the system that is built for isn't among some. what is the subject of a sentence.
func (c *Check) onlyOn(field any, systems []string, what string) {
	if c.OS == "" || slices.Contains(systems, c.OS) {
		return
	}
	// By itself, since Errorf leaves out fields that are read at start.
	c.Findings.Errorf(c.Values.Pos(field), diag.UnsupportedField, "%s on %s, which the gateway is built for", what, c.OS).
		Hintf("it's there on: %s", strings.Join(systems, ", "))
}

// checkSystem reports the fields of a struct, given by a pointer to it, that the config sets and the system doesn't have. Its os tags
// are the table of what there is where; a field without one is everywhere.
func (c *Check) checkSystem(part any) {
	v := reflect.ValueOf(part).Elem()
	for _, f := range decode.Fields(v.Type()) {
		tag, p := f.Tag.Get("os"), v.Field(f.Index).Addr().Interface()
		if tag != "" && (!v.Field(f.Index).IsZero() || c.Deferred(p)) {
			c.onlyOn(p, systemsOf(tag), "there's no "+f.Name)
		}
	}
}

// checkUnix reports a unix socket of a kind that the system doesn't have.
func (c *Check) checkUnix(field *string, network, address string) {
	if network == "unixpacket" {
		c.onlyOn(field, []string{"linux", "dragonfly", "freebsd", "netbsd", "openbsd"}, "there's no unixpacket")
	}
	if strings.HasPrefix(network, "unix") && strings.HasPrefix(address, "@") {
		c.onlyOn(field, []string{"linux"}, "there are no abstract sockets")
	}
}
