package graph

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// resolve finds out whether the references of r name something that is there and fits.
func (g *Graph) resolve(r *Resource) {
	for _, at := range r.Values.Refs {
		g.resolveRef(at)
	}
	g.metadataRefs(r)
}

func (g *Graph) resolveRef(at decode.RefAt) {
	id := at.Ref.ID()
	if at.Ref.Kind == "" || at.Ref.APIVersion == "" {
		return // reported as missing fields
	}
	target := g.target(id)
	if target == nil {
		g.missing(at, id)
		return
	}
	if role := kinds.Role(at.Role); role != "" && !target.Kind.Can(role) {
		f := g.Decoder.List.Errorf(at.Pos, diag.WrongRole, "%s can't be used as a %s here", id.Short(), role).
			Notef(target.NamePos(), "it is declared here")
		f.Hint = "kinds that can: " + strings.Join(kindsThatCan(role), ", ")
	}
}

// target is the resource of that identity, or nil.
func (g *Graph) target(id resource.ID) *Resource {
	if r := g.byID[id]; r != nil {
		return r
	}
	return g.template(id)
}

// template makes the resource that is called template/template: it stands for the
// defaults of its kind, without being declared.
func (g *Graph) template(id resource.ID) *Resource {
	kind := kinds.Find(id.APIVersion, id.Kind)
	if kind == nil || id.Namespace != "template" || id.Name != "template" {
		return nil
	}
	r := &Resource{ID: id, Kind: kind, Spec: kind.New(), Values: decode.NewValues(diag.Pos{}, "template")}
	r.checkCtx = g.newCheck(r)
	g.byID[id] = r
	g.Resources = append(g.Resources, r)
	return r
}

func (g *Graph) missing(at decode.RefAt, id resource.ID) {
	f := g.Decoder.List.Errorf(at.Pos, diag.MissingReference, "%s isn't declared", id.Short())
	kind := kinds.Find(id.APIVersion, id.Kind)
	var known []string
	for i := range kinds.All {
		known = append(known, kinds.All[i].Name)
	}
	if kind == nil {
		f.Message = "there's no kind " + id.Type()
		f.Suggest(id.Kind, known)
		return
	}
	var same []string
	for _, r := range g.Resources {
		if r.ID.Type() == id.Type() {
			same = append(same, r.ID.Namespace+"/"+r.ID.Name)
		}
	}
	switch {
	case len(same) == 0:
		f.Hintf("declare one: aileronc template %s", id.Type())
	case f.Suggest(id.Namespace+"/"+id.Name, same).Hint == "":
		f.Hintf("there are: %s", strings.Join(same, ", "))
	}
}

func kindsThatCan(role kinds.Role) []string {
	var names []string
	for i := range kinds.All {
		if kinds.All[i].Can(role) {
			names = append(names, kinds.All[i].Name)
		}
	}
	return names
}

// Builtin is the name that metadata.logger and metadata.errorHandler may use for the default.
const Builtin = "__default__"

// metadataRefs checks the names in the metadata of r.
func (g *Graph) metadataRefs(r *Resource) {
	list := g.Decoder.List
	if name := r.Meta.Logger; name != "" && name != Builtin && g.Registered(name, kinds.Logger) == nil {
		list.Warnf(r.Values.Pos(&r.Meta.Logger), diag.MissingReference, "no logger %q is registered, the default one is used", name).
			Hintf("list it in spec.loggers of the Entrypoint, as apiVersion/kind/namespace/name")
	}
	if name := r.Meta.ErrorHandler; name != "" && name != Builtin && g.Registered(name, kinds.ErrorHandler) == nil {
		list.Errorf(r.Values.Pos(&r.Meta.ErrorHandler), diag.MissingReference, "no error handler %q is registered", name).
			Hintf("list it in spec.errorHandlers of the Entrypoint, as apiVersion/kind/namespace/name")
	}
}

// Registered returns the resource that a name in a resource's metadata stands for, if
// the Entrypoint registers it.
func (g *Graph) Registered(name string, role kinds.Role) *Resource {
	id, ok := resource.Parse(name)
	if !ok || g.Entrypoint == nil {
		return nil
	}
	for _, at := range g.Entrypoint.Values.Refs {
		if kinds.Role(at.Role) == role && at.Ref.ID() == id {
			return g.byID[id]
		}
	}
	return nil
}

// targets are the resources that r refers to, in order.
func (g *Graph) targets(r *Resource) []*Resource {
	var out []*Resource
	for _, at := range r.Values.Refs {
		if t := g.target(at.Ref.ID()); t != nil {
			out = append(out, t)
		}
	}
	if t := g.Registered(r.Meta.Logger, kinds.Logger); t != nil {
		out = append(out, t)
	}
	if t := g.Registered(r.Meta.ErrorHandler, kinds.ErrorHandler); t != nil {
		out = append(out, t)
	}
	return out
}

// cycles reports each circle of references once, at the reference that closes it.
func (g *Graph) cycles() {
	const (
		open = 1
		done = 2
	)
	state := make(map[*Resource]int)
	var path []*Resource
	var visit func(r *Resource)
	visit = func(r *Resource) {
		state[r] = open
		path = append(path, r)
		for _, t := range g.targets(r) {
			switch state[t] {
			case open:
				g.cycle(path[slices.Index(path, t):])
			case 0:
				visit(t)
			}
		}
		path = path[:len(path)-1]
		state[r] = done
	}
	for _, r := range g.Resources {
		if state[r] == 0 {
			visit(r)
		}
	}
}

func (g *Graph) cycle(circle []*Resource) {
	last, first := circle[len(circle)-1], circle[0]
	names := make([]string, 0, len(circle)+1)
	for _, r := range circle {
		names = append(names, r.ID.Short())
	}
	names = append(names, first.ID.Short())
	from := g.Decoder.List.Len()
	f := g.Decoder.List.Errorf(last.refPos(first.ID), diag.CircularReference, "%s needs itself: %s", first.ID.Short(), strings.Join(names, " -> "))
	for i, r := range circle[:len(circle)-1] {
		f.Notef(r.refPos(circle[i+1].ID), "%s refers to %s here", r.ID.Short(), circle[i+1].ID.Short())
	}
	g.soften(first, from)
}

func (r *Resource) refPos(to resource.ID) diag.Pos {
	for _, at := range r.Values.Refs {
		if at.Ref.ID() == to {
			return at.Pos
		}
	}
	return r.NamePos()
}

// reach marks what the Entrypoint needs.
func (g *Graph) reach() {
	if g.Entrypoint == nil {
		return
	}
	var visit func(r *Resource)
	visit = func(r *Resource) {
		if r.Reached {
			return
		}
		r.Reached = true
		for _, t := range g.targets(r) {
			visit(t)
		}
	}
	visit(g.Entrypoint)
}

// unused warns of what the Entrypoint doesn't need.
func (g *Graph) unused() {
	list := g.Decoder.List
	if g.Entrypoint == nil {
		if !list.HasErrors() || len(g.Resources) > 0 {
			list.Errorf(diag.Pos{}, diag.NoEntrypoint, "the config has no core/v1 Entrypoint, so there's nothing to run").
				Hintf("see: aileronc template core/v1/Entrypoint")
		}
		return
	}
	for _, r := range g.Resources {
		if !r.Reached && r.Doc != nil {
			list.Warnf(r.NamePos(), diag.UnusedResource, "nothing refers to %s, so it isn't part of the gateway", r.ID.Short())
		}
	}
}
