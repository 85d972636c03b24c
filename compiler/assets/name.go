package assets

import (
	"fmt"
	"strings"

	"golang.org/x/mod/module"
)

// Name is what a file may be called in a Go module, so that go:embed takes it and every file system can hold it: letters, digits and
// most signs stay, others become = and their number, as "=5Bslug=5D.js" for "[slug].js". Different files have
// different names.
func Name(file string) string {
	elements := strings.Split(file, "/")
	for i, e := range elements {
		elements[i] = element(e)
	}
	return strings.Join(elements, "/")
}

func element(e string) string {
	var b strings.Builder
	for i := range len(e) {
		c := e[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.+@,", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	name := b.String()
	if strings.HasSuffix(name, ".") {
		name = name[:len(name)-1] + "=2E"
	}
	if isVersionControl(name) || name == "go.mod" || strings.EqualFold(name, "vendor") || module.CheckFilePath(name) != nil { // aux.js, on Windows
		return fmt.Sprintf("=%02X%s", name[0], name[1:])
	}
	return name
}
