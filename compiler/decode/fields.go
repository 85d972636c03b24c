package decode

import (
	"reflect"
	"strings"
	"sync"
)

// A Field is one field of a spec struct as the config sees it. The tags of the
// struct field say all of it:
//
//	json      its name
//	alt       its second spelling, if that isn't the name with an upper-case first letter
//	required  "true": it must be set
//	min, max  range of a number
//	minlen    least length of a string, or number of elements of a list
//	pattern   regular expression that a string, or each element of a list, must match
//	unique    "true": no element of the list occurs twice
//	format    what a string, or each element, is: see formats
//	oneof     fields with the same word exclude each other
//	role      what the resource must be able to do that a resource.Ref names
//	fixed     "true": the value shapes the program, so it can't be read at start
//	os        systems that have it, as GOOS has them, or bsd; without the tag all do
//	reject    why a config that sets the field is refused
//	inert     why the field has no effect: a warning
//	secret    "true": the value isn't shown by --config
type Field struct {
	Name, Alt string
	Index     int
	Type      reflect.Type
	Tag       reflect.StructTag
	GoName    string
}

var fieldCache sync.Map // reflect.Type -> []Field

// Fields lists the fields of a spec struct.
func Fields(t reflect.Type) []Field {
	if f, ok := fieldCache.Load(t); ok {
		return f.([]Field)
	}
	var fields []Field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		alt := sf.Tag.Get("alt")
		if alt == "" {
			alt = strings.ToUpper(name[:1]) + name[1:]
		}
		fields = append(fields, Field{Name: name, Alt: alt, Index: i, Type: sf.Type, Tag: sf.Tag, GoName: sf.Name})
	}
	fieldCache.Store(t, fields)
	return fields
}

// An Enum is a string type with a closed set of values, in the order of their numbers.
type Enum interface{ Values() []string }

var enumType = reflect.TypeFor[Enum]()

// EnumValues returns the values of an enum type, nil for other types.
func EnumValues(t reflect.Type) []string {
	if t.Kind() != reflect.String || !t.Implements(enumType) {
		return nil
	}
	return reflect.Zero(t).Interface().(Enum).Values()
}

// A Map is a map of strings in the order of the config.
type Map []Entry

// An Entry is one entry of a Map.
type Entry struct{ Key, Value string }

// Get returns the value of key.
func (m Map) Get(key string) (string, bool) {
	for i := range m {
		if m[i].Key == key {
			return m[i].Value, true
		}
	}
	return "", false
}
