package gateway

import "time"

// A Level is the importance of a log line.
type Level int8

// The levels, in order. LevelOff is above all lines: a logger of that level prints none.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
	LevelOff
)

// A Logger writes log lines. It is safe for concurrent use and keeps neither attrs nor line.
type Logger interface {
	// Enabled reports whether lines of that level are written at all.
	Enabled(level Level) bool
	// Log writes one line. x may be nil; the attributes that Attach put on it come first.
	Log(x *Exchange, level Level, msg string, attrs ...Attr)
	// WriteLine writes line, which ends in a line feed, as it is.
	WriteLine(line []byte)
}

// An Attr is a named value of a log line.
type Attr struct {
	Key  string
	kind AttrKind
	num  int64
	text string
	obj  []Attr
}

// An AttrKind tells what an Attr holds.
type AttrKind uint8

// The kinds of values that a log line has.
const (
	KindString AttrKind = iota
	KindInt
	KindBool
	KindObject
)

// String is a text value.
func String(key, value string) Attr { return Attr{Key: key, kind: KindString, text: value} }

// Int is a whole number.
func Int(key string, value int64) Attr { return Attr{Key: key, kind: KindInt, num: value} }

// Bool is a truth value.
func Bool(key string, value bool) Attr {
	a := Attr{Key: key, kind: KindBool}
	if value {
		a.num = 1
	}
	return a
}

// Object is a value that holds named values.
func Object(key string, members ...Attr) Attr { return Attr{Key: key, kind: KindObject, obj: members} }

// Micros is a duration in microseconds.
func Micros(key string, d time.Duration) Attr { return Int(key, d.Microseconds()) }

// Kind tells which of Text, Number and Members holds the value.
func (a Attr) Kind() AttrKind { return a.kind }

// Text is the value of a string.
func (a Attr) Text() string { return a.text }

// Number is the value of an int, or 1 for true.
func (a Attr) Number() int64 { return a.num }

// Members are the values in an object.
func (a Attr) Members() []Attr { return a.obj }

// Attach puts a onto every log line that is written for x from now on.
func (x *Exchange) Attach(a Attr) {
	for x.Parent != nil {
		x = x.Parent
	}
	x.attrs = append(x.attrs, a)
}

// Attached are the attributes that Attach has put on x.
func (x *Exchange) Attached() []Attr {
	for x.Parent != nil {
		x = x.Parent
	}
	return x.attrs
}
