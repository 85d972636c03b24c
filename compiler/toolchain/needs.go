package toolchain

import (
	_ "embed"
	"strings"
)

// need is what a package of the runtime brings into the go.mod and go.sum of a gateway.
type need struct {
	modules []string // their paths, also of those that its own dependencies need
	sums    []string // lines of go.sum, with their ends
}

// needsText is what "go mod tidy" has said of each package of the runtime that imports another module, by
// itself. To ask the go command at each build would need the network; what a gateway needs is the union.
//
// A paragraph is the name of a package, its modules, and its lines of go.sum. A test compares it with what the
// go command says, and rewrites it with -update.
//
//go:embed needs.txt
var needsText string

var needs = parseNeeds(needsText)

func parseNeeds(text string) map[string]need {
	all := make(map[string]need)
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		name, rest, _ := strings.Cut(paragraph, "\n")
		var n need
		for line := range strings.Lines(rest) {
			if line = strings.TrimSpace(line); strings.Contains(line, " ") {
				n.sums = append(n.sums, line+"\n")
			} else if line != "" {
				n.modules = append(n.modules, line)
			}
		}
		if name != "" {
			all[name] = n
		}
	}
	return all
}
