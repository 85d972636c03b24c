package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/invopop/yaml"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// Template prints a resource of a kind with all its fields at their defaults.
// Objects that are absent by default, and references, are null.
func Template(w io.Writer, kind string, asJSON bool) error {
	k := find(kind)
	if k == nil {
		return unknown(fmt.Sprintf("there's no kind %q", kind), kind, KindNames())
	}
	doc := object{
		{"apiVersion", k.APIVersion},
		{"kind", k.Name},
		{"metadata", object{{"namespace", resource.Default}, {"name", resource.Default}, {"logger", ""}, {"errorHandler", ""}}},
		{"spec", plain(reflect.ValueOf(k.New()).Elem())},
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if asJSON {
		var b bytes.Buffer
		if err := json.Indent(&b, text, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err = b.WriteTo(w)
		return err
	}
	if text, err = yaml.JSONToYAML(text); err != nil { // sorts the keys, as AILERON Gateway's templates do
		return err
	}
	_, err = w.Write(text)
	return err
}

// An object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON prints the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(m.name)
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain turns a spec with its defaults into values that JSON knows. Fields that the
// compiler refuses are left out: a template must compile.
func plain(v reflect.Value) any {
	switch {
	case v.Type() == reflect.TypeFor[resource.Ref]():
		return nil
	case v.Type() == reflect.TypeFor[decode.Map]():
		return object{}
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case v.Kind() == reflect.Struct:
		o := object{}
		for _, f := range decode.Fields(v.Type()) {
			if f.Tag.Get("reject") == "" && f.Tag.Get("inert") == "" {
				o = append(o, member{f.Name, plain(v.Field(f.Index))})
			}
		}
		return o
	case v.Kind() == reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case decode.EnumValues(v.Type()) != nil && v.String() == "":
		return decode.EnumValues(v.Type())[0]
	}
	return v.Interface()
}
