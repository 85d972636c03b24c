package diag

import "slices"

// A CodeDoc tells what a code means.
type CodeDoc struct {
	Code     Code
	Severity Severity // of its findings
	Title    string   // a short phrase
	Text     string   // what it means, and what to do about it
	Example  string   // a config that raises it; empty if no config alone does
	OS       string   // the system that the example is built for, if that matters
}

// Codes documents every code, in the order of the stages that find them.
var Codes = slices.Concat(documentCodes, resourceCodes, fieldCodes, valueCodes, envCodes, wiringCodes)

// Explain returns what a code means. It's nil for a word that isn't a code.
func Explain(code Code) *CodeDoc {
	for i := range Codes {
		if Codes[i].Code == code {
			return &Codes[i]
		}
	}
	return nil
}

var documentCodes = []CodeDoc{{
	Code: UnreadableFile, Title: "a config file can't be read",
	Text: `A path after -f isn't there, or its permissions forbid reading it. Paths are relative to the working directory; they aren't patterns.`,
}, {
	Code: IgnoredFile, Severity: Warning, Title: "a file named explicitly is not read",
	Text: `Config files are those whose names end in .json, .yaml or .yml. A path after -f that ends otherwise is not read, nor is a folder without any such file.`,
}, {
	Code: IgnoredDocument, Severity: Warning, Title: "a document is no resource",
	Text: `A document with neither apiVersion nor kind declares nothing. Anchors can't be kept in one: they reach to the end of their own document only.`,
	Example: `anchors:
  - &api {apiVersion: app/v1, kind: EchoHandler}
`,
}, {
	Code: Syntax, Title: "a file is not YAML or JSON",
	Text: `The text can't be read from the marked place on. Often the mistake stands a little before it: an open quote or bracket, a tab or a wrong indent. The documents after the next "---" are checked nevertheless.`,
	Example: `apiVersion: core/v1
kind: [Entrypoint
`,
}, {
	Code: DuplicateKey, Title: "a mapping has a key twice",
	Text: `A mapping has the same key twice, so that one of the values would be lost. Both spellings of a field, addr and Addr, are the same key.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  addr: ":8080"
  addr: ":8081"
`,
}, {
	Code: BadAlias, Title: "an alias or merge key can't be resolved",
	Text: `An alias stands for the anchor of that name which is before it in the same document. It can't contain itself, and aliases of aliases can't blow a document up beyond reason. A merge key (<<) needs a mapping, or a list of mappings.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  <<: [1, 2]
`,
}}

var resourceCodes = []CodeDoc{{
	Code: UnknownKind, Title: "there's no such apiVersion and kind",
	Text: `The compiler knows no such kind of resource. Kinds are case-sensitive; "aileronc explain" lists them.`,
	Example: `apiVersion: core/v1
kind: HttpServer
`,
}, {
	Code: BadName, Title: "a name or namespace has a forbidden character",
	Text: `Names and namespaces consist of letters, digits, hyphens and dots. An empty one is "default".`,
	Example: `apiVersion: core/v1
kind: HTTPServer
metadata:
  name: my_server
`,
}, {
	Code: DuplicateResource, Title: "a resource is declared twice",
	Text: `Two documents have the same apiVersion, kind, namespace and name. Give one of them another name. There is only one Entrypoint, whatever its name.`,
	Example: `apiVersion: app/v1
kind: EchoHandler
---
apiVersion: app/v1
kind: EchoHandler
metadata:
  name: default
`,
}, {
	Code: MissingReference, Title: "a reference names a resource that isn't there",
	Text: `No document declares the resource. Namespace and name are "default" if the reference doesn't say otherwise.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - apiVersion: core/v1
      kind: HTTPServer
      name: main
`,
}, {
	Code: WrongRole, Title: "a referenced resource can't do what it's needed for",
	Text: `A field that holds a reference needs a resource of a certain role: runners need something that runs, such as an HTTPServer; middleware lists need middleware.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - apiVersion: app/v1
      kind: EchoHandler
---
apiVersion: app/v1
kind: EchoHandler
`,
}, {
	Code: CircularReference, Title: "a resource needs itself",
	Text: `References lead from a resource back to it, so that none of them could be made first. The notes show the way round.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  loggers:
    - apiVersion: core/v1
      kind: HTTPLogger
---
apiVersion: core/v1
kind: HTTPLogger
spec:
  logger:
    apiVersion: core/v1
    kind: HTTPLogger
`,
}, {
	Code: UnusedResource, Severity: Warning, Title: "nothing reaches a resource",
	Text: `The resource is sound, but no reference leads to it from the Entrypoint. It is not part of the gateway.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec: {}
---
apiVersion: app/v1
kind: EchoHandler
`,
}, {
	Code: NoEntrypoint, Title: "there's no Entrypoint",
	Text: `The resource of kind Entrypoint says what a gateway runs. There must be one.`,
	Example: `apiVersion: app/v1
kind: EchoHandler
`,
}, {
	Code: NoRunner, Severity: Warning, Title: "the Entrypoint runs nothing",
	Text: `The list of runners is empty. The gateway will end as soon as it is started.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec: {}
`,
}}
