package decode

import (
	"reflect"
	"strings"
)

// PartName names a struct within a spec, as messages and `explain` do: the type's
// name without "Spec" or "Config" at its end. ok is false for the spec itself,
// which goes by its kind: its type implements Lower.
func PartName(t reflect.Type) (name string, ok bool) {
	if _, isSpec := reflect.PointerTo(t).MethodByName("Lower"); isSpec {
		return "", false
	}
	if t.Name() == "Ref" || t.Name() == "Metadata" || t.Name() == "document" {
		return "", false
	}
	return strings.TrimSuffix(t.Name(), "Spec"), true
}
