package errorhandler_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/errorhandler"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A line is what a test looks at in a log line.
type line struct {
	Level     gateway.Level
	Msg       string
	Code      string
	Kind      string
	Text      string
	HasStack  bool
	stackText string
}

// A recorder is a Logger that keeps its lines.
type recorder struct {
	level gateway.Level
	lines []line
}

func (r *recorder) Enabled(l gateway.Level) bool { return l >= r.level }
func (r *recorder) WriteLine([]byte)             {}
func (r *recorder) Log(_ *gateway.Exchange, l gateway.Level, msg string, attrs ...gateway.Attr) {
	made := line{Level: l, Msg: msg}
	for _, a := range attrs[0].Members() {
		switch a.Key {
		case "code":
			made.Code = a.Text()
		case "kind":
			made.Kind = a.Text()
		case "msg":
			made.Text = a.Text()
		case "stack":
			made.stackText, made.HasStack = a.Text(), a.Text() != ""
		}
	}
	r.lines = append(r.lines, made)
}

func TestLog(t *testing.T) {
	moved := []errorhandler.Message{{Codes: []string{"E2*"}, Contents: []content.Content{{Status: 302}}}}
	worse := []errorhandler.Message{{Codes: []string{"E2*"}, Contents: []content.Content{{Status: 500}}}}
	for _, test := range []struct {
		name    string
		options errorhandler.Options
		err     error
		want    line
	}{
		{"a client error", errorhandler.Options{}, notFound,
			line{Level: gateway.LevelDebug, Msg: "serve http error. status=404", Code: "E2131", Kind: "CoreServerNotFound", Text: "E2131.CoreServerNotFound handler not found for /x"}},
		{"a client error with a stack", errorhandler.Options{StackAlways: true}, notFound,
			line{Level: gateway.LevelDebug, Msg: "serve http error. status=404", Code: "E2131", Kind: "CoreServerNotFound", Text: "E2131.CoreServerNotFound handler not found for /x", HasStack: true}},
		{"a server error", errorhandler.Options{}, &gateway.Error{Status: 502, Code: "E2124", Kind: "CoreProxyRoundtrip", Message: "m", Cause: errors.New("c")},
			line{Level: gateway.LevelError, Msg: "serve http error. status=502", Code: "E2124", Kind: "CoreProxyRoundtrip", Text: "E2124.CoreProxyRoundtrip m [c]", HasStack: true}},
		{"a server error that a message hides", errorhandler.Options{Messages: moved}, &gateway.Error{Status: 502, Code: "E2124", Kind: "K", Message: "m"},
			line{Level: gateway.LevelError, Msg: "serve http error. status=302", Code: "E2124", Kind: "K", Text: "E2124.K m", HasStack: true}},
		{"a client error that a message makes worse", errorhandler.Options{Messages: worse}, notFound,
			line{Level: gateway.LevelError, Msg: "serve http error. status=500", Code: "E2131", Kind: "CoreServerNotFound", Text: "E2131.CoreServerNotFound handler not found for /x", HasStack: true}},
		{"for the log only", errorhandler.Options{}, &gateway.Error{Status: gateway.LogOnly, Code: "E2126", Kind: "K", Message: "m"},
			line{Level: gateway.LevelDebug, Msg: "serve http error. status=-1", Code: "E2126", Kind: "K", Text: "E2126.K m"}},
		{"a panic for the log only", errorhandler.Options{}, &gateway.Error{Status: gateway.LogOnly, Code: "E2132", Kind: "K", Message: "m", Stack: []byte("s")},
			line{Level: gateway.LevelError, Msg: "serve http error. status=-1", Code: "E2132", Kind: "K", Text: "E2132.K m", HasStack: true}},
		{"a foreign error", errorhandler.Options{}, errors.New("text"),
			line{Level: gateway.LevelError, Msg: "serve http error. status=500", Code: "E0000", Kind: "Undefined", Text: "E0000.Undefined  [text]", HasStack: true}},
		{"an error without a code", errorhandler.Options{}, &gateway.Error{Status: 406, Message: "no type"},
			line{Level: gateway.LevelDebug, Msg: "serve http error. status=406", Code: "E0000", Kind: "Undefined", Text: "E0000.Undefined no type"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := &recorder{}
			test.options.Logger = log
			errorhandler.New(test.options).HandleError(exchange("GET", "/", ""), test.err)
			if diff := cmp.Diff([]line{test.want}, log.lines, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".stackText" }, cmp.Ignore())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestForeignErrorOfAComponentWithItsOwnHandler(t *testing.T) {
	log := &recorder{}
	h := errorhandler.New(errorhandler.Options{Logger: log})
	failing := gateway.HandlerWithErrors(h, gateway.HandlerFunc(func(*gateway.Exchange) error { return errors.New("text") }))
	x := exchange("GET", "/", "")
	x.Fail(failing.Serve(x))
	if len(log.lines) != 1 || log.lines[0].Text != "E0000.Undefined  [text]" || x.Response.Status != 500 {
		t.Errorf("got %+v, status %d", log.lines, x.Response.Status)
	}
}

func TestLevels(t *testing.T) {
	log := &recorder{level: gateway.LevelInfo}
	h := errorhandler.New(errorhandler.Options{Logger: log})
	h.HandleError(exchange("GET", "/", ""), notFound)
	if len(log.lines) != 0 {
		t.Errorf("got %+v", log.lines)
	}
	h.HandleError(exchange("GET", "/", ""), errors.New("x"))
	if len(log.lines) != 1 {
		t.Errorf("got %+v", log.lines)
	}
}

func TestStacks(t *testing.T) {
	log := &recorder{}
	h := errorhandler.New(errorhandler.Options{Logger: log})
	h.HandleError(exchange("GET", "/", ""), &gateway.Error{Status: 500, Stack: []byte("goroutine of the panic")})
	h.HandleError(exchange("GET", "/", ""), &gateway.Error{Status: 500, Stack: []byte(strings.Repeat("s", 9000))})
	h.HandleError(exchange("GET", "/", ""), &gateway.Error{Status: 500})
	if got := log.lines[0].stackText; got != "goroutine of the panic" {
		t.Errorf("got %q", got)
	}
	if got := len(log.lines[1].stackText); got != 3<<10 {
		t.Errorf("%d bytes", got)
	}
	if got := log.lines[2].stackText; !strings.HasPrefix(got, "github.com/aileron-gateway/aileronc/runtime/errorhandler_test.TestStacks\n\t") {
		t.Errorf("got %q", got)
	}
}

type broken struct{}

func (broken) Render(content.Values) ([]byte, error) { return []byte("half"), errors.New("broken") }

func TestTemplateFails(t *testing.T) {
	log := &recorder{}
	h := errorhandler.New(errorhandler.Options{Logger: log, Messages: []errorhandler.Message{{
		Contents: []content.Content{{MIMEType: "text/plain", Status: 503, Template: broken{}}},
	}}})
	x := exchange("GET", "/", "")
	h.HandleError(x, notFound)
	if diff := cmp.Diff(answer{503, fields("text/plain; charset=utf-8"), ""}, answerOf(x)); diff != "" {
		t.Error(diff)
	}
	if len(log.lines) != 2 || log.lines[1].Msg != "template failed" || log.lines[1].Text != "E0000.Undefined  [broken]" {
		t.Errorf("got %+v", log.lines)
	}
}
