package lower

import (
	"fmt"
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/graph"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/source"
	"github.com/aileron-gateway/aileronc/internal/envexpr"
	"github.com/invopop/yaml"
)

// meta is what the binary can say of the config it was made from.
func meta(g *graph.Graph) ir.Meta {
	var m ir.Meta
	reached := slices.Clone(g.Resources)
	reached = slices.DeleteFunc(reached, func(r *graph.Resource) bool { return !r.Reached || r.Doc == nil })
	slices.SortStableFunc(reached, func(a, b *graph.Resource) int {
		return slices.Compare([]string{a.ID.String()}, []string{b.ID.String()})
	})
	for i, r := range reached {
		m.Resources = append(m.Resources, r.ID.String())
		if i > 0 {
			m.Config += "---\n"
		}
		m.Config += normal(r)
		r.Values.EnvTexts(func(text, pos string, needed bool) { m.Env = append(m.Env, envVars(text, pos, needed)...) })
	}
	slices.SortStableFunc(m.Env, func(a, b ir.EnvVar) int { return slices.Compare([]string{a.Name}, []string{b.Name}) })
	m.Assignments = assignments(g, m.Env)
	m.Env = compact(m.Env)
	return m
}

// assignments are the texts that assign to a variable which another one reads, in the order of the config. Components are made in
// another order.
func assignments(g *graph.Graph, vars []ir.EnvVar) (texts []string) {
	reads := make(map[string]int)
	for _, v := range vars {
		reads[v.Name]++
	}
	for _, r := range g.Resources {
		if !r.Reached {
			continue
		}
		r.Values.EnvTexts(func(text, _ string, _ bool) {
			t, err := envexpr.Parse(text)
			if err != nil || slices.Contains(texts, text) {
				return
			}
			if slices.ContainsFunc(t.Assigns(), func(name string) bool { return reads[name] > 1 }) {
				texts = append(texts, text)
			}
		})
	}
	return texts
}

// compact keeps the first of each name, with what all of them need.
func compact(vars []ir.EnvVar) []ir.EnvVar {
	var out []ir.EnvVar
	for _, v := range vars {
		if n := len(out); n > 0 && out[n-1].Name == v.Name {
			if v.Required && !out[n-1].Required {
				out[n-1].Required, out[n-1].Pos = true, v.Pos // where it will be missed
			}
			out[n-1].Regexp = out[n-1].Regexp || v.Regexp
			continue
		}
		out = append(out, v)
	}
	return out
}

// envVars are the variables that a text reads. If it's needed, those that nothing stands in for are, too.
func envVars(text, pos string, needed bool) []ir.EnvVar {
	t, err := envexpr.Parse(text)
	if err != nil {
		return nil
	}
	var vars []ir.EnvVar
	for _, name := range t.Vars() {
		required := slices.Contains(t.Required(), name) || needed && t.Text() == "" && slices.Contains(t.Unguarded(), name)
		vars = append(vars, ir.EnvVar{Name: name, Pos: pos, Required: required, Regexp: t.UsesRegexp()})
	}
	return vars
}

// normal prints a document in a form that doesn't depend on how it was written:
// no comments, no anchors, keys sorted, JSON and YAML the same. Secrets are left out.
func normal(r *graph.Resource) string {
	secret := make(map[*source.Node]bool)
	for _, n := range r.Values.Secrets {
		secret[n] = true
	}
	text, err := yaml.Marshal(plain(r.Doc.Node, secret))
	if err != nil {
		return fmt.Sprintf("# %s: %v\n", r.ID, err) // a tree of maps, lists and strings: not possible
	}
	return string(text)
}

func plain(n *source.Node, secret map[*source.Node]bool) any {
	if secret[n] {
		return "(secret)"
	}
	switch n.Kind {
	case source.Map:
		m := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			m[f.Key] = plain(f.Value, secret)
		}
		return m
	case source.List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = plain(item, secret)
		}
		return list
	case source.Scalar:
		return scalar(n)
	}
	return nil
}

func scalar(n *source.Node) any {
	if !n.Quoted {
		switch n.Type {
		case source.Int:
			if i, err := n.Int(-1<<63, 1<<63-1); err == nil {
				return i
			}
		case source.Bool:
			if b, err := n.Bool(); err == nil {
				return b
			}
		}
	}
	return n.Text
}
