package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var sLogger = Kind{
	APIVersion: "core/v1",
	Name:       "SLogger",
	Roles:      []Role{Logger, Finalizer},
	New: func() Spec {
		return &SLoggerSpec{
			Level:            "Info",
			OutputTimeFormat: "2006-01-02 15:04:05",
			DateFormat:       "2006-01-02",
			TimeFormat:       "15:04:05.000",
			LogOutput:        LogOutputSpec{OutputTarget: "Stdout", LogFileName: "application.log", RotateSize: 1024, TimeZone: "Local"},
		}
	},
}

// SLoggerSpec is the spec of an SLogger, which writes log lines as JSON objects or
// as text. A line has the members time, level, msg, datetime, location, what
// middleware has put onto the request, and what the line is about.
//
// Control characters in values are escaped, so a line is always one line.
//
// A log file is appended to, and archived when it is too large or when cron says so,
// unless it is empty; if it can't be written, lines go to the standard error. That of a logger which
// the Entrypoint has as its default one, among its loggers or its finalizers is archived when the gateway stops, too, if no other process
// writes it then. Other than
// in AILERON Gateway, the file has mode 0640, folders
// have 0750, an archive never takes the place of another one, and the outputs don't
// depend on each other. Several gateways may write one file.
type SLoggerSpec struct {
	// Level is the least important level that is written: Trace and Debug, Info, Warn, Error and Fatal. Trace is the same as Debug, and Fatal as Error.
	Level LogLevel `json:"level"`
	// LogOutput is where lines go.
	LogOutput LogOutputSpec `json:"logOutput"`
	// Unstructured makes lines text, key=value, instead of JSON.
	Unstructured bool `json:"unstructured"`
	// OutputTimeFormat is the Go layout of the member time. Empty is the default.
	OutputTimeFormat string `json:"outputTimeFormat"`
	// DateFormat is the Go layout of the member datetime.date. Empty is the default.
	DateFormat string `json:"dateFormat"`
	// TimeFormat is the Go layout of the member datetime.time. Empty is the default.
	TimeFormat string `json:"timeFormat"`
	// NoLocation leaves out the member location: the place in the gateway's source that the line comes from.
	NoLocation bool `json:"noLocation"`
	// NoDatetime leaves out the member datetime.
	NoDatetime bool `json:"noDatetime"`
	// FieldReplacers edit or remove members of the lines. All that fit a member are applied, in order (AILERON Gateway stops after the first). Lines that an HTTPLogger makes by its logFormat are left alone.
	FieldReplacers []FieldReplacerSpec `json:"fieldReplacers"`
}

// FieldReplacerSpec edits or removes a member of log lines.
type FieldReplacerSpec struct {
	// Field is the path to the member, names separated by dots, such as request.header.Cookie. The member time can't be changed.
	Field string `json:"field" fixed:"true"`
	// Replacer edits the member, if it's a text; level isn't. Without it the member is removed.
	Replacer *ReplacerSpec `json:"replacer"`
}

// LogLevel is the importance of a log line.
type LogLevel string

// Values lists the levels in the order of their numbers.
func (LogLevel) Values() []string {
	return []string{"LogLevelUnknown", "Trace", "Debug", "Info", "Warn", "Error", "Fatal"}
}

// Check reports what can't be done, or does nothing.
func (s *SLoggerSpec) Check(c *Check) {
	s.LogOutput.check(c)
	for i := range s.FieldReplacers {
		r := &s.FieldReplacers[i]
		if r.Replacer != nil {
			r.Replacer.check(c)
		}
		if why := r.vain(); why != "" {
			at := any(&r.Field)
			if !c.IsSet(at) {
				at = r
			}
			c.Warnf(at, diag.NoEffect, "%s", why)
		}
	}
}

// vain says why the replacer does nothing, if it does nothing.
func (r *FieldReplacerSpec) vain() string {
	switch {
	case r.Field == "":
		return "no member has an empty name, so nothing is changed"
	case r.Field == "time":
		return "the member time can't be changed or removed"
	case r.Field == "level" && r.Replacer != nil:
		return "the member level can be removed, but not changed"
	}
	return ""
}

// Finalizes reports whether there is a file to archive.
func (s *SLoggerSpec) Finalizes() bool { return s.LogOutput.OutputTarget == "File" }

// Lower returns the logger.
func (s *SLoggerSpec) Lower(l *Lower) ir.Expr {
	edits := ir.List{Elem: ir.Runtime("log.FieldReplacer")}
	for i := range s.FieldReplacers {
		r := &s.FieldReplacers[i]
		if r.vain() != "" {
			continue
		}
		edit := []ir.Field{ir.Set("Field", ir.String(r.Field))}
		if r.Replacer != nil {
			edit = append(edit, ir.Set("Replace", r.Replacer.lower(l)))
		}
		edits.Items = append(edits.Items, l.Struct("log.FieldReplacer", edit...))
	}
	zone := l.zone(&s.LogOutput.TimeZone)
	return l.Call("log.New", l.Struct("log.Options",
		ir.Set("Level", ir.Runtime("gateway."+levels[s.Level])),
		ir.Set("Output", s.LogOutput.lower(l, zone)),
		ir.Set("Unstructured", l.Bool(&s.Unstructured)),
		ir.Set("OutputTimeFormat", l.unless(&s.OutputTimeFormat, "2006-01-02 15:04:05")),
		ir.Set("DateFormat", l.unless(&s.DateFormat, "2006-01-02")),
		ir.Set("TimeFormat", l.unless(&s.TimeFormat, "15:04:05.000")),
		ir.Set("Zone", zone),
		ir.Set("NoLocation", l.Bool(&s.NoLocation)),
		ir.Set("NoDatetime", l.Bool(&s.NoDatetime)),
		ir.Set("FieldReplacers", edits),
	))
}

// levels are the levels that the runtime has: nothing is less important than Debug,
// or more than Error.
var levels = map[LogLevel]string{
	"LogLevelUnknown": "LevelInfo",
	"Trace":           "LevelDebug",
	"Debug":           "LevelDebug",
	"Info":            "LevelInfo",
	"Warn":            "LevelWarn",
	"Error":           "LevelError",
	"Fatal":           "LevelError",
}

// unless is the string at p, but nil if it is what the runtime takes anyway.
func (l *Lower) unless(p *string, fallback string) ir.Expr {
	if *p == fallback && !l.Deferred(p) {
		return nil
	}
	return l.String(p)
}

// zone is the *time.Location of that name, nil for Local.
func (l *Lower) zone(p *string) ir.Expr {
	switch {
	case l.Deferred(p):
	case *p == "" || *p == "Local":
		return nil
	case *p == "UTC":
		return ir.Std("time.UTC")
	}
	return l.Link.Part(l, "zone", true, l.Call("log/zone.Load", l.String(p)))
}
