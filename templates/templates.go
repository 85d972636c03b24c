// Package templates holds the text templates of the files that stand around generated source:
// what a person wants to know about it, and how it becomes an image. The build doesn't need them.
package templates

import (
	"bytes"
	"embed"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

//go:embed *.tmpl
var texts embed.FS

var parsed = template.Must(template.New("").Funcs(template.FuncMap{"cell": cell}).ParseFS(texts, "*.tmpl"))

// A Gateway is what the templates tell of.
type Gateway struct {
	Sources   string // the names of the config's files
	Build     string // the command that builds the binary
	Go        string // the least version of Go
	Addresses []string
	Ports     []string // of the addresses, as an image exposes them
	Resources []Resource
	Env       []ir.EnvVar
}

// A Resource is one line of the list of what the gateway consists of.
type Resource struct{ Kind, Name string }

// Of is what there is to tell of a program. build is the command that builds it, and goVersion
// the least version of Go that can.
func Of(p *ir.Program, build, goVersion string) *Gateway {
	g := &Gateway{Sources: strings.Join(p.Sources, ", "), Build: build, Go: goVersion, Env: p.Meta.Env}
	for _, r := range p.Meta.Resources { // group/version/kind/namespace/name
		if parts := strings.SplitN(r, "/", 4); len(parts) == 4 && parts[2] != "Entrypoint" {
			g.Resources = append(g.Resources, Resource{strings.Join(parts[:3], "/"), parts[3]})
		}
	}
	ports := make(map[int]bool)
	for _, c := range p.Components {
		ir.Walk(c.New, func(e ir.Expr) {
			if s, ok := e.(ir.Struct); ok && s.Type == ir.Runtime("listen.Options") {
				g.listener(s, ports)
			}
		})
	}
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		g.Ports = append(g.Ports, strconv.Itoa(port))
	}
	return g
}

// listener notes where a server listens.
func (g *Gateway) listener(s ir.Struct, ports map[int]bool) {
	for _, f := range s.Fields {
		if f.Name != "Addr" {
			continue
		}
		switch v := f.Value.(type) {
		case ir.Lit:
			addr, _ := v.Value.(string)
			g.Addresses = append(g.Addresses, addr)
			if _, host, ok := strings.Cut(addr, "://"); ok {
				addr = host
			}
			if host, port, err := net.SplitHostPort(addr); err == nil && !isLoopback(host) {
				if n, err := strconv.Atoi(port); err == nil && n > 0 {
					ports[n] = true
				}
			}
		case ir.Env:
			g.Addresses = append(g.Addresses, v.Text)
		}
	}
}

// isLoopback reports whether a host can't be reached from outside of an image.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Files are the files, by their names. Their first lines say that they may be overwritten.
func Files(g *Gateway) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, t := range parsed.Templates() {
		name, ok := strings.CutSuffix(t.Name(), ".tmpl")
		if !ok {
			continue
		}
		var b bytes.Buffer
		if err := t.Execute(&b, g); err != nil {
			return nil, err
		}
		files[name] = b.Bytes()
	}
	return files, nil
}

// cell is text for the cell of a Markdown table: code, with a fence that the text doesn't contain.
func cell(text string) string {
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 { // blanks part the fence from a backquote at the end of the text
		text = " " + text + " "
	}
	return fence + text + fence
}
