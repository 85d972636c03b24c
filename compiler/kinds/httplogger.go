package kinds

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var httpLogger = Kind{
	APIVersion: "core/v1",
	Name:       "HTTPLogger",
	Roles:      []Role{Middleware, Tripperware},
	New: func() Spec {
		side := LoggingSpec{MaxContentLength: 4096, MIMEs: textTypes()}
		return &HTTPLoggerSpec{Timezone: "Local", TimeFormat: "2006-01-02 15:04:05.000", Request: side, Response: side}
	},
}

// HTTPLoggerSpec is the spec of an HTTPLogger, which writes a log line for each
// request and one for each response: as middleware those of clients, as tripperware
// those of upstreams. All lines of one request have one id.
//
// A request line has the members header, host, id, method, path, proto, query,
// remote, size and time; a response line duration, in microseconds, header, id,
// size, status and time. A size that isn't known beforehand is -1. The response line is
// written when the head of the response is known. A response that the gateway didn't
// get, or couldn't send, has the status 0. Other than in AILERON Gateway, there is
// a line also if nothing was written, and an implicit 200 is logged as 200.
//
// With journal, lines have a member body, too. Bodies pass as they come, and as they are. That of a request of known length is
// taken in before the request is passed on; of others, a copy is taken as they pass, and the lines are
// written when that is over. What AILERON Gateway would read without a limit, and
// hold back, bodies of unknown length, is logged if it isn't too long. Content codings (gzip, deflate, br, zstd) are undone
// before a body is logged; one that can't be decoded is logged in base64. A body that
// isn't whole, can't be decoded, or isn't JSON where jsonFields are, is not logged if it has
// replacers: there is no telling what in it is secret.
//
// Lines have the level Info.
type HTTPLoggerSpec struct {
	// Logger writes the lines. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler answers, with 500, when the body of a request can't be logged, which only happens with journal. Unset is the one of the metadata, or the server's.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// Journal logs bodies, too.
	Journal bool `json:"journal" fixed:"true"`
	// Timezone is the time zone of the members time: UTC, Local or a name of the IANA database.
	Timezone string `json:"timezone" format:"timezone"`
	// TimeFormat is the Go layout of the members time. Empty is the default.
	TimeFormat string `json:"timeFormat"`
	// Request says what is logged of requests.
	Request LoggingSpec `json:"request"`
	// Response says what is logged of responses.
	Response LoggingSpec `json:"response"`
}

// LoggingSpec is what is logged of a request or a response.
type LoggingSpec struct {
	// Headers are the header fields to log; none by default.
	Headers []LogHeaderSpec `json:"headers"`
	// Bodies are how bodies are edited. All that are for a media type are applied, in order. It does nothing without journal.
	Bodies []LogBodySpec `json:"bodies"`
	// Queries edit the query, all of it, in order. A response has none.
	Queries []ReplacerSpec `json:"queries"`
	// LogFormat makes the line text: a template with tags such as %method%. Tags of both lines are id, time, type (server or client), size, header, header.NAME (among headers) and body;
	// of a request method, path, query, host, remote and proto; of a response duration and status. Any other tag prints <undefined:NAME>. Control characters in values are escaped.
	LogFormat string `json:"logFormat" fixed:"true"`
	// BodyOutputPath is a folder for bodies that are longer than maxContentLength or of unknown length; unset is none. It is made if it isn't there, with mode 0750. They go to files body-ID.svr.req.bin with mode 0640, where ID is that of the lines,
	// cli stands for those of upstreams and res for responses; a name that is taken gets a number. The member body is the name of the file then. The files hold what was sent: neither replacers nor base64 are for them. It does nothing without journal.
	BodyOutputPath string `json:"bodyOutputPath"`
	// Base64 encodes bodies, after they have been edited. It does nothing without journal.
	Base64 bool `json:"base64"`
	// MaxContentLength is how long a body may be that is logged, in bytes, as it comes and without its content coding. If it isn't positive, all bodies go to bodyOutputPath, if there is one. It does nothing without journal.
	MaxContentLength int64 `json:"maxContentLength"`
	// MIMEs are the media types, without parameters, of bodies that are logged. It does nothing without journal.
	MIMEs []string `json:"mimes" alt:"MIMEs"`
}

// LogHeaderSpec is a header field to log.
type LogHeaderSpec struct {
	// Name is its name. "*" is all; replacers of fields that are named, too, still apply.
	Name string `json:"name" required:"true" fixed:"true" format:"header-name"`
	// Replacers edit its value, in order. Those of "*" do nothing.
	Replacers []ReplacerSpec `json:"replacers"`
}

// Check reports what does nothing, tags that there are not, and credentials that get into the log.
func (s *HTTPLoggerSpec) Check(c *Check) {
	if c.IsSet(&s.ErrorHandler) && !s.Journal {
		c.Warnf(&s.ErrorHandler, diag.NoEffect, "errorHandler does nothing without journal")
	}
	if c.IsSet(&c.Meta.ErrorHandler) && !s.Journal {
		c.Warnf(&c.Meta.ErrorHandler, diag.NoEffect, "an HTTPLogger without journal refuses nothing, so errorHandler does nothing")
	}
	s.Request.check(c, "request", s.Journal)
	s.Response.check(c, "response", s.Journal)
	if len(s.Response.Queries) > 0 {
		c.Warnf(&s.Response.Queries, diag.NoEffect, "a response has no query, so queries does nothing here")
	}
}

func (s *LoggingSpec) check(c *Check, side string, journal bool) {
	for i := range s.Headers {
		checkReplacers(c, s.Headers[i].Replacers)
	}
	checkReplacers(c, s.Queries)
	s.checkHeaders(c, side)
	s.checkFormat(c, side, journal)
	s.checkBodies(c, journal)
}

// credentials are the fields that let whoever reads them act for the user.
var credentials = map[string][]string{
	"request":  {"Authorization", "Proxy-Authorization", "Cookie"},
	"response": {"Set-Cookie"},
}

func (s *LoggingSpec) checkHeaders(c *Check, side string) {
	var all *LogHeaderSpec
	edited := make(map[string]bool)
	for i := range s.Headers {
		h := &s.Headers[i]
		if h.Name == "*" {
			all = h
			if len(h.Replacers) > 0 {
				c.Warnf(&h.Replacers, diag.NoEffect, `replacers of "*" do nothing; give them to the fields by name`)
			}
			continue
		}
		edited[canonicalName(h.Name)] = len(h.Replacers) > 0
	}
	var open []string
	for _, name := range credentials[side] {
		if masked, named := edited[name]; !masked && (named || all != nil) {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		c.Warnf(&s.Headers, diag.Insecure, "the log gets %s in the clear; add replacers", strings.Join(open, ", "))
	}
}

// tags are the tags of the lines, but for header.NAME.
var tags = map[string]string{
	"request":  " id time type size header body method path query host remote proto ",
	"response": " id time type size header body duration status ",
}

func (s *LoggingSpec) checkFormat(c *Check, side string, journal bool) {
	for _, tag := range formatTags(s.LogFormat) {
		if name, ok := strings.CutPrefix(tag, "header."); ok && name != "" {
			if !s.logs(name) {
				c.Warnf(&s.LogFormat, diag.NoEffect, "%%%s%% is always empty, because headers doesn't have it", tag)
			}
			continue
		}
		if tag == "body" && !journal {
			c.Warnf(&s.LogFormat, diag.NoEffect, "%%body%% is always empty without journal")
		} else if !strings.Contains(tags[side], " "+tag+" ") {
			c.Warnf(&s.LogFormat, diag.UnknownValue, "a %s has no tag %%%s%%; it prints <undefined:%s>", side, tag, tag)
		}
	}
}

// formatTags are the tags in a format. What isn't between two percent signs, or can't be a name, is text.
func formatTags(format string) (tags []string) {
	for {
		_, after, found := strings.Cut(format, "%")
		name, rest, closed := strings.Cut(after, "%")
		if !found || !closed {
			return tags
		}
		name = strings.Trim(name, " \t")
		if name == "" || strings.Trim(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.") != "" {
			format = after
			continue
		}
		tags = append(tags, name)
		format = rest
	}
}

// logs reports whether a header field is among those to log.
func (s *LoggingSpec) logs(name string) bool {
	for i := range s.Headers {
		if h := s.Headers[i].Name; h == "*" || canonicalName(h) == canonicalName(name) {
			return true
		}
	}
	return false
}

// Lower returns the middleware, which is a tripperware, too.
func (s *HTTPLoggerSpec) Lower(l *Lower) ir.Expr {
	logger := l.Use(&s.Logger, Logger)
	if logger == nil {
		logger = l.Logger()
	}
	lines := l.Struct("accesslog.Options",
		ir.Set("Logger", logger),
		ir.Set("TimeFormat", l.unless(&s.TimeFormat, "2006-01-02 15:04:05.000")),
		ir.Set("Zone", l.zone(&s.Timezone)),
		ir.Set("Request", s.Request.lower(l, s.Request.Queries)),
		ir.Set("Response", s.Response.lower(l, nil)),
	)
	if !s.Journal {
		l.ignore(s.Request.journalFields())
		l.ignore(s.Response.journalFields())
		return l.Call("accesslog.New", lines)
	}
	return l.Try("journal.New", l.Struct("journal.Options",
		ir.Set("Lines", lines),
		ir.Set("Request", s.Request.lowerBodies(l)),
		ir.Set("Response", s.Response.lowerBodies(l)),
		ir.Set("Errors", s.errors(l)),
	))
}

// lower returns the accesslog.Side, nil for the default one.
func (s *LoggingSpec) lower(l *Lower, queries []ReplacerSpec) ir.Expr {
	if len(s.Headers) == 0 && len(queries) == 0 && s.LogFormat == "" {
		return nil
	}
	headers := ir.List{Elem: ir.Runtime("accesslog.Header")}
	for i := range s.Headers {
		h := &s.Headers[i]
		header := []ir.Field{ir.Set("Name", ir.String(canonicalName(h.Name)))}
		if h.Name != "*" {
			header = append(header, ir.Set("Replacers", lowerReplacers(l, h.Replacers, (*ReplacerSpec).lower)))
		}
		headers.Items = append(headers.Items, l.Struct("accesslog.Header", header...))
	}
	return l.Struct("accesslog.Side",
		ir.Set("Headers", headers),
		ir.Set("Queries", lowerReplacers(l, queries, (*ReplacerSpec).lower)),
		ir.Set("Format", ir.String(s.LogFormat)),
	)
}
