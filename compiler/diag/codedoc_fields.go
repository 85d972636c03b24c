package diag

var fieldCodes = []CodeDoc{{
	Code: UnknownField, Title: "the kind has no such field",
	Text: `Fields are case-sensitive. "aileronc explain KIND" lists them.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  adress: ":8080"
`,
}, {
	Code: MissingField, Title: "a required field isn't there",
	Text: `The field has no default, and nothing can be made without it.`,
	Example: `apiVersion: core/v1
spec: {}
`,
}, {
	Code: ConflictingFields, Title: "two fields exclude each other",
	Text: `Only one of these fields can be set: they are alternatives.`,
	Example: `apiVersion: core/v1
kind: HTTPClient
spec:
  httpTransportConfig: {}
  http2TransportConfig: {}
`,
}, {
	Code: DuplicateValue, Title: "a list has a value twice that must be unique",
	Text: `The second one would do nothing, or something other than what was meant.`,
	Example: `apiVersion: core/v1
kind: StaticFileHandler
spec:
  methods: [GET, GET]
`,
}, {
	Code: SecondSpelling, Severity: Warning, Title: "a field is spelled the other way",
	Text: `Each field can be spelled in two ways, as in addr and Addr. The first is the documented one.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  Addr: ":8080"
`,
}, {
	Code: UnsupportedField, Title: "the compiler can't do what the field asks for",
	Text: `The field is part of the config language, and the compiler knows it, but can't make a gateway that does it, since the system that it's built for (--os) can't. It is refused rather than ignored.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  httpConfig:
    listenConfig:
      sockOption: {soOption: {bindToDevice: eth0}} # not on Windows
`,
	OS: "windows",
}, {
	Code: NoEffect, Severity: Warning, Title: "a field does nothing here",
	Text: `The field is sound, but another field, or its absence, makes it useless.`,
	Example: `apiVersion: core/v1
kind: HTTPClient
spec:
  retryConfig:
    maxRetry: 0
    retryStatusCodes: [503]
`,
}, {
	Code: WrongType, Title: "a value has the wrong type",
	Text: `Text, numbers, true and false, lists and mappings can't stand for each other. Text that looks like a number needs quotes; true and false must have none.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  addr: 8080
`,
}}

var valueCodes = []CodeDoc{{
	Code: UnknownValue, Title: "a value isn't one of those allowed",
	Text: `The field takes one of a few words, which are case-sensitive.`,
	Example: `apiVersion: app/v1
kind: EchoHandler
spec:
  methods: [FETCH]
`,
}, {
	Code: OutOfRange, Title: "a number or length is too small or too large",
	Text: `The message says what the limits are.`,
	Example: `apiVersion: core/v1
kind: HTTPClient
spec:
  retryConfig:
    maxRetry: 101
`,
}, {
	Code: BadValue, Title: "a value has the wrong form",
	Text: `The text doesn't have the form that the field needs; the message says which.`,
	Example: `apiVersion: core/v1
kind: HTTPLogger
spec:
  timezone: Mars/Olympus
`,
}, {
	Code: BadRegexp, Title: "a regular expression doesn't compile",
	Text: `Regular expressions have the syntax of RE2 (https://github.com/google/re2/wiki/Syntax): no look-around, no back-references.`,
	Example: `apiVersion: core/v1
kind: ReverseProxyHandler
spec:
  loadBalancers:
    - pathMatchers:
        - match: "^/(api"
          matchType: Regex
      upstreams:
        - url: http://127.0.0.1:9090
`,
}, {
	Code: BadTemplate, Title: "a template doesn't parse",
	Text: `Templates have the syntax of Go's text/template. The position is that of the template; the message names the line in it.`,
	Example: `apiVersion: core/v1
kind: TemplateHandler
spec:
  mimeContents:
    - mimeType: text/plain
      templateType: GoText
      template: "{{ .proto"
`,
}, {
	Code: BadURL, Title: "a URL doesn't parse or can't be used",
	Text: `The field needs a URL with a scheme and a host.`,
	Example: `apiVersion: core/v1
kind: ReverseProxyHandler
spec:
  loadBalancers:
    - upstreams:
        - url: "http://[::1"
`,
}, {
	Code: BadAddress, Title: "a network address or CIDR doesn't parse",
	Text: `Addresses to listen on are host:port; networks are an address, a slash and the length of the prefix.`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  addr: "127.0.0.1:http:80"
`,
}, {
	Code: BadHeaderName, Title: "a header name has a forbidden character",
	Text: `Names of header fields are tokens (RFC 9110, section 5.1): letters, digits and a few signs, no blanks and no colons.`,
	Example: `apiVersion: app/v1
kind: HeaderPolicyMiddleware
spec:
  requestPolicy:
    removes: ["X Forwarded For"]
`,
}, {
	Code: BadPattern, Title: "a route pattern doesn't parse",
	Text: `Patterns are those of Go's http.ServeMux: an optional host, a path, and wildcards such as {id} that are whole segments.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - {apiVersion: core/v1, kind: HTTPServer}
---
apiVersion: core/v1
kind: HTTPServer
spec:
  virtualHosts:
    - handlers:
        - pattern: /users/{id
          handler: {apiVersion: app/v1, kind: EchoHandler}
---
apiVersion: app/v1
kind: EchoHandler
`,
}, {
	Code: BadFile, Title: "a file that the config names isn't there or isn't what it should be",
	Text: `Files that the config names are checked where the compiler runs, if they are there; relative paths are relative to the working directory.`,
	Example: `apiVersion: core/v1
kind: TemplateHandler
spec:
  mimeContents:
    - mimeType: text/plain
      templateFile: . # a folder
`,
}, {
	Code: BadPolicy, Title: "a policy doesn't parse, or isn't sound",
	Text: `A file of Rego, the query of an OPAAuthzMiddleware, or a bundle is refused by the compiler of the Open Policy Agent. Rego has two versions: where version 1 has "allow if { … }", version 0 has "allow { … }". Each file may be of either.`,
	Example: `apiVersion: app/v1
kind: OPAAuthzMiddleware
spec:
  regos:
    - queryParameter: data.authz.allow ==
      policyFiles: [authz.rego]
`,
}, {
	Code: BadPlugin, Title: "a Go package can't be linked in",
	Text: `A GoPlugin names a Go package, by import path or by folder, and a symbol of it. Its source is built into the gateway: shared objects can't be loaded.`,
	Example: `apiVersion: core/v1
kind: GoPlugin
spec:
  pluginPath: ./plugin.so
`,
}}

var envCodes = []CodeDoc{{
	Code: EnvSyntax, Title: "a ${...} expression is malformed",
	Text: `The text begins like an expression on an environment variable, but it isn't one. Write "$${" for a literal "${".`,
	Example: `apiVersion: core/v1
kind: HTTPServer
spec:
  addr: "${ADDR:}"
`,
}, {
	Code: EnvStructure, Title: "a variable would change the structure",
	Text: `Environment variables are read when the gateway starts, but its kinds, references, routes and lists are fixed when it is compiled. Use --freeze NAME to resolve the variable now.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - apiVersion: core/v1
      kind: HTTPServer
      name: ${SERVER}
`,
}, {
	Code: EnvUnset, Severity: Warning, Title: "a variable is not set",
	Text: `A variable that is resolved by the compiler, because of --freeze, is not set, and the expression gives no default. It counts as empty.`,
}}

var wiringCodes = []CodeDoc{{
	Code: RouteConflict, Title: "two handlers claim the same requests",
	Text: `Two patterns of one server match the same requests, and neither is more specific. The rules are those of Go's http.ServeMux.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - apiVersion: core/v1
      kind: HTTPServer
---
apiVersion: core/v1
kind: HTTPServer
spec:
  virtualHosts:
    - handlers:
        - pattern: /a/{x}
          handler: {apiVersion: app/v1, kind: EchoHandler}
        - pattern: /{x}/b
          handler: {apiVersion: app/v1, kind: EchoHandler}
---
apiVersion: app/v1
kind: EchoHandler
`,
}, {
	Code: UnreachableRoute, Severity: Warning, Title: "requests never get to a handler",
	Text: `Something before it, a load balancer or a pattern, already takes all requests that this one would match.`,
	Example: `apiVersion: core/v1
kind: ReverseProxyHandler
spec:
  loadBalancers:
    - pathMatcher:
        match: /
        matchType: Prefix
      upstreams:
        - url: http://127.0.0.1:9090
    - pathMatchers:
        - match: /api/
          matchType: Prefix
      upstreams:
        - url: http://127.0.0.1:9091
`,
}, {
	Code: MiddlewareOrder, Severity: Warning, Title: "a middleware stands in the wrong place of a chain",
	Text: `The first middleware of a list is the outermost. One that answers by itself, or reads what another writes, may have to stand before it: CORS before authentication, or preflights are refused.`,
	Example: `apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - {apiVersion: core/v1, kind: HTTPServer}
---
apiVersion: core/v1
kind: HTTPServer
spec:
  middleware:
    - {apiVersion: app/v1, kind: HeaderPolicyMiddleware}
    - {apiVersion: app/v1, kind: CORSMiddleware}
  virtualHosts:
    - handlers:
        - handler: {apiVersion: app/v1, kind: EchoHandler}
---
apiVersion: app/v1
kind: HeaderPolicyMiddleware
spec:
  allowMIMEs: [application/json]
---
apiVersion: app/v1
kind: CORSMiddleware
---
apiVersion: app/v1
kind: EchoHandler
`,
}, {
	Code: Insecure, Severity: Warning, Title: "a setting gives up a protection",
	Text: `The setting does what it says, but leaves the gateway or its users without a protection they may rely on.`,
	Example: `apiVersion: core/v1
kind: HTTPClient
spec:
  httpTransportConfig:
    tlsConfig:
      insecureSkipVerify: true
`,
}}
