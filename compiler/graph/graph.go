// Package graph connects the resources of a config: it decodes the documents,
// resolves the references between them and finds what is missing, circular, unfit
// for its role, or unused.
package graph

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

// A Resource is a decoded document.
type Resource struct {
	ID     resource.ID
	Kind   *kinds.Kind
	Spec   kinds.Spec
	Meta   resource.Metadata
	Values *decode.Values
	Doc    *source.Document // nil for what a config refers to without declaring it
	// Reached is set if the Entrypoint needs the resource.
	Reached bool

	head     *document
	checkCtx *kinds.Check
}

// A Graph is a config whose references are resolved.
type Graph struct {
	Resources  []*Resource // in the order of the config
	Entrypoint *Resource   // nil if there's none
	Decoder    *decode.Decoder

	byID  map[resource.ID]*Resource
	place kinds.Place
}

// document is the shape of every document. The spec is decoded by itself.
type document struct {
	APIVersion string            `json:"apiVersion" alt:"APIVersion" fixed:"true"`
	Kind       string            `json:"kind" fixed:"true"`
	Metadata   resource.Metadata `json:"metadata"`
}

// Entrypoint is the identity of the resource where everything begins.
var Entrypoint = resource.ID{APIVersion: "core/v1", Kind: "Entrypoint", Namespace: ".entrypoint", Name: ".entrypoint"}

// Build makes a graph of docs.
func Build(docs []*source.Document, d *decode.Decoder, place kinds.Place) *Graph {
	g := &Graph{Decoder: d, byID: make(map[resource.ID]*Resource), place: place}
	for _, doc := range docs {
		if r := g.decode(doc); r != nil {
			g.add(r)
		}
	}
	g.reach()
	for _, r := range g.Resources {
		from := d.List.Len()
		g.resolve(r)
		if c, ok := r.Spec.(kinds.Checker); ok && r.Doc != nil {
			c.Check(r.checkCtx)
		}
		g.soften(r, from)
	}
	g.cycles()
	g.unused()
	return g
}

// soften makes warnings of the errors that were added to the list since it had a length, if
// they are about a resource that isn't part of the gateway: AILERON Gateway only looks
// whether such a one fits its schema.
func (g *Graph) soften(r *Resource, since int) {
	if list := g.Decoder.List; !r.Reached && g.Entrypoint != nil {
		list.Soften(since, list.Len())
	}
}

// Lookup returns the resource of that identity, or nil.
func (g *Graph) Lookup(id resource.ID) *Resource { return g.byID[id] }

// decode reads one document. It returns nil if its kind isn't known.
func (g *Graph) decode(doc *source.Document) *Resource {
	kind := kinds.Find(doc.APIVersion, doc.Kind)
	if kind == nil {
		g.unknownKind(doc)
		return nil
	}
	r := &Resource{Kind: kind, Spec: kind.New(), Doc: doc, head: &document{}}
	head, spec := g.split(doc.Node)
	hv := g.Decoder.Into(head, r.head, "a resource", doc.Name)
	g.Decoder.Untaken(hv) // none of it may come from the environment
	r.Meta = r.head.Metadata
	r.ID = resource.New(doc.APIVersion, doc.Kind, r.Meta.Namespace, r.Meta.Name)
	if doc.Kind == Entrypoint.Kind {
		r.ID = Entrypoint
	}
	r.Values = decode.NewValues(doc.Node.Pos, doc.Name)
	if spec != nil {
		r.Values = g.Decoder.Into(spec, r.Spec, doc.Kind, doc.Name)
	}
	r.Values.Adopt(hv, &r.head.Metadata, &r.Meta)
	r.checkCtx = g.newCheck(r)
	return r
}

func (g *Graph) newCheck(r *Resource) *kinds.Check {
	return &kinds.Check{ID: r.ID, Meta: &r.Meta, Values: r.Values, Findings: g.Decoder.List, Place: g.place}
}

// split takes the spec out of a document.
func (g *Graph) split(n *source.Node) (head, spec *source.Node) {
	c := *n
	c.Fields = nil
	var first *source.Field
	for i := range n.Fields {
		f := &n.Fields[i]
		switch {
		case f.Key != "spec" && f.Key != "Spec":
			c.Fields = append(c.Fields, *f)
			continue
		case first != nil:
			g.Decoder.List.Errorf(f.KeyPos, diag.DuplicateKey, "%q and %q are the same field", first.Key, f.Key).
				Notef(first.KeyPos, "the first one is here")
			continue
		case f.Key == "Spec":
			g.Decoder.List.Warnf(f.KeyPos, diag.SecondSpelling, "%q is the second spelling of %q", "Spec", "spec")
		}
		first = f
		if f.Value.Kind != source.Null {
			spec = f.Value
		}
	}
	return &c, spec
}

func (g *Graph) unknownKind(doc *source.Document) {
	var names []string
	for i := range kinds.All {
		names = append(names, kinds.All[i].Name)
	}
	list := g.Decoder.List
	switch {
	case doc.Kind == "":
		list.Errorf(doc.Node.Pos, diag.UnknownKind, "a resource without a kind")
	case doc.APIVersion == "":
		list.Errorf(doc.KindPos, diag.UnknownKind, "%s without an apiVersion", doc.Kind)
	case slices.Contains(names, doc.Kind):
		list.Errorf(doc.APIVersionPos, diag.UnknownKind, "there's no %s in %s", doc.Kind, doc.APIVersion).
			Suggest(doc.APIVersion, []string{"core/v1", "app/v1"})
	default:
		f := list.Errorf(doc.KindPos, diag.UnknownKind, "there's no kind %s/%s", doc.APIVersion, doc.Kind)
		if f.Suggest(doc.Kind, names); f.Hint == "" {
			f.Hint = "the kinds are listed by: aileronc explain"
		}
	}
}

func (g *Graph) add(r *Resource) {
	if first := g.byID[r.ID]; first != nil {
		g.Decoder.List.Errorf(r.NamePos(), diag.DuplicateResource, "%s is declared twice", r.ID.Short()).
			Notef(first.NamePos(), "the first one is here")
		return
	}
	g.byID[r.ID] = r
	g.Resources = append(g.Resources, r)
	if r.ID == Entrypoint {
		g.Entrypoint = r
	}
}

// NamePos is where a resource gets its name, or its kind if it has none.
func (r *Resource) NamePos() diag.Pos {
	if r.Doc == nil {
		return diag.Pos{}
	}
	if r.Values.IsSet(&r.Meta.Name) {
		return r.Values.Pos(&r.Meta.Name)
	}
	return r.Doc.KindPos
}

// Line is where a resource begins: "config.yaml:31".
func (r *Resource) Line() string {
	if r.Doc == nil {
		return ""
	}
	line := r.Doc.KindPos.Line
	if p := r.Doc.APIVersionPos.Line; p < line {
		line = p
	}
	return r.Doc.Name + ":" + strconv.Itoa(line)
}

// Check is what reports findings about the resource.
func (r *Resource) Check() *kinds.Check { return r.checkCtx }

// Sources are the provenance names of the config's files, in order.
func (g *Graph) Sources() []string {
	var names []string
	for _, r := range g.Resources {
		if r.Doc != nil {
			names = append(names, r.Doc.Name)
		}
	}
	slices.SortFunc(names, cmp.Compare)
	return slices.Compact(names)
}
