// Package log writes log lines, one JSON object each:
//
//	{"time":"2025-01-02 03:04:05","level":"INFO","msg":"server",
//	 "datetime":{"date":"2025-01-02","time":"03:04:05.678","zone":"Local"},
//	 "location":{"file":"accesslog/log.go","func":"accesslog.(*logger).request","line":88},
//	 "request":{"method":"GET"}}
//
// (in one line), or as text:
//
//	time="2025-01-02 03:04:05" level=INFO msg=server datetime="map[date:2025-01-02 time:03:04:05.678 zone:Local]"
//
// A line always is one line, whatever a client has put into a value.
package log

import (
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log/stdout"
	"github.com/aileron-gateway/aileronc/runtime/log/timestamp"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Options say what lines look like and where they go.
type Options struct {
	// Level is the least important level that is written; by default LevelDebug, all.
	Level gateway.Level
	// Output gets each line in one Write. Loggers that share one need not be the same: files write
	// whole lines by themselves. Default: the standard output, which lines of WriteLine may reach 20 ms
	// later; see [stdout.Flush]. With io.Discard lines are not even made.
	Output io.Writer
	// Unstructured makes lines text instead of JSON.
	Unstructured bool

	// OutputTimeFormat is the layout of the member "time"; by default "2006-01-02 15:04:05".
	OutputTimeFormat string
	// DateFormat and TimeFormat are the layouts in the member "datetime"; by default
	// "2006-01-02" and "15:04:05.000".
	DateFormat, TimeFormat string
	// Zone is the time zone of all three; by default time.Local.
	Zone *time.Location

	// NoLocation and NoDatetime leave these members out.
	NoLocation, NoDatetime bool

	// FieldReplacers edit or remove members; see there.
	FieldReplacers []FieldReplacer
}

// A FieldReplacer edits a member of the line, or removes it. All that fit a member
// are applied, in order.
type FieldReplacer struct {
	// Field is the path to the member, its names separated by dots: "request.header.Cookie".
	// The member "time" stays as it is.
	Field string
	// Replace edits the member if it is a text, but for "level". Nil removes it, whatever it is.
	Replace replace.Func
}

// A Logger is a gateway.Logger that writes to one output.
type Logger struct {
	level   gateway.Level
	text    bool
	time    *timestamp.Format
	date    *timestamp.Format // nil for no datetime
	clock   *timestamp.Format
	edits   *node // nil for none
	callers *callers
	tick    int64 // for how long, in nanoseconds, lines begin alike; 0 if they may not
	last    atomic.Pointer[head]
	located atomic.Pointer[head] // with the location

	mu     *sync.Mutex // nil if out needs none
	out    io.Writer
	events func() // has what Log has written go out at once; nil if it does
}

// New makes a Logger.
func New(o Options) *Logger {
	l := &Logger{level: o.Level, text: o.Unstructured, edits: newTree(o.FieldReplacers), out: o.Output}
	switch l.out {
	case nil:
		l.out, l.events = standard{}, stdout.Flush
	case io.Discard:
		l.level = gateway.LevelOff
	}
	switch l.out.(type) {
	case *os.File, concurrent:
	default:
		l.mu = new(sync.Mutex)
	}
	l.time = timestamp.New(or(o.OutputTimeFormat, time.DateTime), o.Zone)
	if !o.NoDatetime {
		l.date = timestamp.New(or(o.DateFormat, time.DateOnly), o.Zone)
		l.clock = timestamp.New(or(o.TimeFormat, "15:04:05.000"), o.Zone)
	}
	if l.edits == nil { // those may give another result each time
		l.tick = l.time.Tick()
		if l.date != nil {
			l.tick = min(l.tick, l.date.Tick(), l.clock.Tick())
		}
	}
	if !o.NoLocation {
		l.callers = new(callers)
	}
	return l
}

// standard is the standard output.
type standard struct{}

func (standard) Write(line []byte) (int, error) {
	stdout.Write(line)
	return len(line), nil
}

func (standard) WritesLines() {}

// concurrent is an output that takes lines from several goroutines at a time.
type concurrent interface{ WritesLines() }

func or(layout, fallback string) string {
	if layout == "" {
		return fallback
	}
	return layout
}

// Default is the logger of a gateway whose config names none: JSON to standard
// output. The environment, which is read now, has its options: GATEWAY_LOG_LEVEL (trace,
// debug, info, warn, error, fatal, in any case; otherwise info), and
// GATEWAY_LOG_LOCATION and GATEWAY_LOG_DATETIME, which if "false" leave these members out.
func Default() *Logger {
	return New(Options{
		Level:      levelNamed(os.Getenv("GATEWAY_LOG_LEVEL")),
		NoLocation: os.Getenv("GATEWAY_LOG_LOCATION") == "false",
		NoDatetime: os.Getenv("GATEWAY_LOG_DATETIME") == "false",
	})
}

func levelNamed(name string) gateway.Level {
	switch strings.ToUpper(name) {
	case "TRACE", "DEBUG":
		return gateway.LevelDebug
	case "WARN":
		return gateway.LevelWarn
	case "ERROR", "FATAL": // nothing is fatal to a gateway: what is an error has to be seen
		return gateway.LevelError
	}
	return gateway.LevelInfo
}

// Enabled reports whether lines of that level are written.
func (l *Logger) Enabled(level gateway.Level) bool { return level >= l.level }

// WriteLine writes line as it is.
func (l *Logger) WriteLine(line []byte) {
	if l.mu != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	_, _ = l.out.Write(line) // there is no place to complain about a log that can't be written
}

// Finalize is for the end of the gateway: if the output is a file, it is archived. Lines that come later
// go to standard error then.
func (l *Logger) Finalize() error {
	if f, ok := l.out.(interface{ Finalize() error }); ok {
		return f.Finalize()
	}
	return nil
}

// Log writes a line.
func (l *Logger) Log(x *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	if !l.Enabled(level) {
		return
	}
	b := buffers.Get().(*buffer)
	w := writer{text: l.text, b: b.bytes[:0]}
	l.begin(&w, b, time.Now(), level, msg, &l.last)
	if l.callers != nil {
		l.location(&w, b, l.callers.of(b, 2))
	}
	if x != nil {
		l.members(&w, x.Attached())
	}
	l.members(&w, attrs)
	w.end()
	l.WriteLine(w.b)
	b.put(w.b)
	if l.events != nil {
		l.events()
	}
}

// location writes where a line comes from.
func (l *Logger) location(w *writer, b *buffer, at caller) {
	b.parts = [3]gateway.Attr{gateway.String("file", at.file), gateway.String("func", at.function), gateway.Int("line", at.line)}
	b.one = gateway.Object("location", b.parts[:]...)
	w.member(&b.one, l.edits.child("location"))
}

func (l *Logger) members(w *writer, attrs []gateway.Attr) {
	if l.edits == nil && !w.text { // nearly always
		w.b = appendMembers(w.b, attrs)
		return
	}
	for i := range attrs {
		a := &attrs[i]
		w.member(a, l.edits.child(a.Key))
	}
}

// A head is what lines of one tick, level and message begin with. On a busy gateway these are many.
type head struct {
	from, until int64 // the tick, in nanoseconds since the Unix time 0
	level       gateway.Level
	msg         string
	text        string
}

// AppendHead appends what a line begins with: the members that every line has, and those that are attached to x, which may be nil. The caller appends
// more, each with a comma before it, and "}\n", and hands the line to WriteLine. That's for lines that are written for each request, those of one
// message in one place. If ok is false, the logger makes lines of another kind, which only Log can do.
func (l *Logger) AppendHead(line []byte, x *gateway.Exchange, now time.Time, level gateway.Level, msg string) (head []byte, ok bool) {
	if l.text || l.edits != nil {
		return line, false
	}
	w, last := writer{b: line}, &l.last
	if l.callers != nil {
		last = &l.located
	}
	l.begin(&w, nil, now, level, msg, last)
	if x != nil {
		w.b = appendMembers(w.b, x.Attached())
	}
	return w.b, true
}

// begin begins a line with the members that every line has. b may be nil. last is what the last line began with; if that is l.located, the
// location of who has called the caller is a member, too.
func (l *Logger) begin(w *writer, b *buffer, now time.Time, level gateway.Level, msg string, last *atomic.Pointer[head]) {
	at := now.UnixNano()
	if h := last.Load(); h != nil && h.from <= at && at < h.until && h.level == level && h.msg == msg {
		w.b = append(w.b, h.text...)
		return
	}
	if b == nil {
		b = buffers.Get().(*buffer)
		defer buffers.Put(b)
	}
	w.begin()
	l.head(w, b, now, level, msg)
	if last == &l.located {
		l.location(w, b, l.callers.of(b, 3))
	}
	if l.tick > 0 {
		from := at - at%l.tick
		last.Store(&head{from, from + l.tick, level, msg, string(w.b)})
	}
}

func (l *Logger) head(w *writer, b *buffer, now time.Time, level gateway.Level, msg string) {
	text := func(name, value string, edits *node) {
		b.one = gateway.String(name, value)
		w.member(&b.one, edits)
	}
	text("time", l.time.Text(now), nil)
	text("level", levelNames[level], l.edits.child("level"))
	text("msg", msg, l.edits.child("msg"))
	if l.date != nil {
		b.parts = [3]gateway.Attr{
			gateway.String("date", l.date.Text(now)),
			gateway.String("time", l.clock.Text(now)),
			gateway.String("zone", l.date.Zone()),
		}
		b.one = gateway.Object("datetime", b.parts[:]...)
		w.member(&b.one, l.edits.child("datetime"))
	}
}

var levelNames = [...]string{
	gateway.LevelDebug: "DEBUG",
	gateway.LevelInfo:  "INFO",
	gateway.LevelWarn:  "WARN",
	gateway.LevelError: "ERROR",
	gateway.LevelOff:   "OFF",
}

// A buffer is what making a line needs and the next line can use again.
type buffer struct {
	bytes []byte
	one   gateway.Attr
	parts [3]gateway.Attr
	pcs   [1]uintptr
}

var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, 1024)} }}

// put gives b back. One huge line must not hold its memory for good.
func (b *buffer) put(bytes []byte) {
	if cap(bytes) > 64<<10 {
		return
	}
	b.bytes = bytes
	b.one = gateway.Attr{}
	clear(b.parts[:])
	buffers.Put(b)
}
