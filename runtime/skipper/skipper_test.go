package skipper

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

// adds appends letters to the header X on the way in and on the way back.
func adds(in, out string) gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler {
		return gateway.HandlerFunc(func(x *gateway.Exchange) error {
			x.Request.Header.Set("X", x.Request.Header.Get("X")+in)
			err := next.Serve(x)
			x.Request.Header.Set("X", x.Request.Header.Get("X")+out)
			return err
		})
	}
}

type logger struct {
	level gateway.Level
	lines []string
}

func (l *logger) Enabled(level gateway.Level) bool { return level >= l.level }
func (l *logger) WriteLine([]byte)                 {}
func (l *logger) Log(_ *gateway.Exchange, level gateway.Level, msg string, _ ...gateway.Attr) {
	l.lines = append(l.lines, fmt.Sprint(level, " ", msg))
}

func TestSkipper(t *testing.T) {
	conditions := []Condition{
		{Methods: []string{"PUT"}}, // for nothing
		{Match: match.Prefix("/skip"), Methods: []string{"GET", "HEAD"}},
		{Match: match.Exact("/always")},
	}
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/skip/x", "."}, {"HEAD", "/skip", "."}, {"POST", "/skip", "ab.cd"}, {"GET", "/other", "ab.cd"},
		{"POST", "/always", "."}, {"PUT", "/always/not", "ab.cd"}, {"PUT", "", "ab.cd"},
	} {
		log := &logger{}
		h := New(Options{Conditions: conditions, Chain: []gateway.Middleware{adds("a", "d"), adds("b", "c")}, Name: "app/v1/Skipper/a/b", Logger: log})(adds(".", "")(
			gateway.HandlerFunc(func(x *gateway.Exchange) error { return nil })))
		x := new(gateway.Exchange)
		x.Request.Method, x.Request.Path = tt.method, tt.path
		if err := h.Serve(x); err != nil {
			t.Error(err)
		}
		if got := x.Request.Header.Get("X"); got != tt.want {
			t.Errorf("%s %s: %q, not %q", tt.method, tt.path, got, tt.want)
		}
		if told := len(log.lines) == 1 && log.lines[0] == "0 app/v1/Skipper/a/b is skipped"; told != (tt.want == ".") || !told && len(log.lines) > 0 {
			t.Errorf("%s %s: the log says %q", tt.method, tt.path, log.lines)
		}
	}
}

// Nobody is told who doesn't want to know, and a chain of nothing is none.
func TestNothing(t *testing.T) {
	log := &logger{level: gateway.LevelInfo}
	refused := &gateway.Error{Status: 403}
	for _, o := range []Options{{}, {Conditions: []Condition{{Match: match.Prefix("")}}, Logger: log}, {Conditions: []Condition{{Match: match.Prefix("")}}}} {
		h := New(o)(gateway.HandlerFunc(func(*gateway.Exchange) error { return refused }))
		if err := h.Serve(new(gateway.Exchange)); err != refused || len(log.lines) > 0 {
			t.Errorf("%v, and the log says %q", err, log.lines)
		}
	}
}

func BenchmarkSkipper(b *testing.B) {
	next := gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })
	h := New(Options{Conditions: []Condition{{Match: match.Prefix("/a", "/b"), Methods: []string{"GET"}}}, Chain: []gateway.Middleware{adds("a", "b")}})(next)
	x := new(gateway.Exchange)
	x.Request.Method, x.Request.Path = "GET", "/b/c"
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	h := New(Options{
		Conditions: []Condition{{Match: match.Prefix("/public/")}},
		Chain: []gateway.Middleware{func(gateway.Handler) gateway.Handler {
			return gateway.HandlerFunc(func(*gateway.Exchange) error {
				return &gateway.Error{Status: 401, Message: "who are you?"}
			})
		}},
	})(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))

	x := new(gateway.Exchange)
	for _, x.Request.Path = range []string{"/public/logo", "/private"} {
		fmt.Println(h.Serve(x))
	}
	// Output:
	// <nil>
	// who are you?
}
