package log_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

var request = gateway.Object("request",
	gateway.Object("header", gateway.String("Cookie", "a=b"), gateway.String("X-A", "1")),
	gateway.String("method", "GET"),
	gateway.Bool("secure", true),
	gateway.Int("size", -1),
)

// line logs request at level Info, as msg, and returns what was written.
func line(o log.Options, x *gateway.Exchange, msg string) string {
	var out bytes.Buffer
	o.Output = &out
	log.New(o).Log(x, gateway.LevelInfo, msg, request)
	return out.String()
}

func TestLines(t *testing.T) {
	fixed := log.Options{NoLocation: true, OutputTimeFormat: "<now>", DateFormat: "<date>", TimeFormat: "<clock>", Zone: time.UTC}
	bare := log.Options{NoLocation: true, NoDatetime: true, OutputTimeFormat: "<now>"}
	x := new(gateway.Exchange)
	x.Attach(gateway.Object("id", gateway.String("request", "r1")))
	x.Attach(gateway.String("trace", "t1"))
	leg := new(gateway.Exchange)
	x.Leg(leg)
	text := func(o log.Options) log.Options { o.Unstructured = true; return o }
	edit := func(rs ...log.FieldReplacer) log.Options { o := bare; o.FieldReplacers = rs; return o }
	const end = `"request":{"header":{"Cookie":"a=b","X-A":"1"},"method":"GET","secure":true,"size":-1}}`

	tests := []struct {
		name string
		o    log.Options
		x    *gateway.Exchange
		msg  string
		want string
	}{
		{"all members", fixed, nil, "server", `{"time":"<now>","level":"INFO","msg":"server","datetime":{"date":"<date>","time":"<clock>","zone":"UTC"},` + end},
		{"no datetime", bare, nil, "server", `{"time":"<now>","level":"INFO","msg":"server",` + end},
		{"attached attributes", bare, leg, "client", `{"time":"<now>","level":"INFO","msg":"client","id":{"request":"r1"},"trace":"t1",` + end},
		{"escapes", bare, nil, "a\"b\\c\n\r\t\x00\x1b\x7f\u009b\u2028<&>é\xff\U0001F600", `{"time":"<now>","level":"INFO","msg":"a\"b\\c\n\r\t\u0000\u001b\u007f\u009b\u2028<&>é\ufffd` + "\U0001F600" + `",` + end},
		{"text", text(fixed), x, "server", `time=<now> level=INFO msg=server datetime="map[date:<date> time:<clock> zone:UTC]" id=map[request:r1] trace=t1 request="map[header:map[Cookie:a=b X-A:1] method:GET secure:true size:-1]"`},
		{"text, quoted", text(bare), nil, "a\"b\\c\n=", `time=<now> level=INFO msg="a\"b\\c\n=" request="map[header:map[Cookie:a=b X-A:1] method:GET secure:true size:-1]"`},
		{"text, empty", text(bare), nil, "", `time=<now> level=INFO msg="" request="map[header:map[Cookie:a=b X-A:1] method:GET secure:true size:-1]"`},
		{"replace", edit(log.FieldReplacer{"request.method", replace.Fixed("***")}, log.FieldReplacer{"msg", replace.Left("#", 2)}), nil, "server",
			`{"time":"<now>","level":"INFO","msg":"##rver","request":{"header":{"Cookie":"a=b","X-A":"1"},"method":"***","secure":true,"size":-1}}`},
		{"replace a header field, and all in order", edit(log.FieldReplacer{"request.header.Cookie", replace.Left("*", 1)}, log.FieldReplacer{"request.header.Cookie", replace.Right("#", 1)}, log.FieldReplacer{"request.size", nil}), nil, "m",
			`{"time":"<now>","level":"INFO","msg":"m","request":{"header":{"Cookie":"*=#","X-A":"1"},"method":"GET","secure":true}}`},
		{"replace what is no text, or not there", edit(log.FieldReplacer{"request.size", replace.Fixed("x")}, log.FieldReplacer{"request.header", replace.Fixed("x")}, log.FieldReplacer{"a.b", replace.Fixed("x")}, log.FieldReplacer{"", nil}), nil, "m",
			`{"time":"<now>","level":"INFO","msg":"m",` + end},
		{"remove", edit(log.FieldReplacer{"level", nil}, log.FieldReplacer{"msg", nil}, log.FieldReplacer{"request.header", nil}), nil, "m",
			`{"time":"<now>","request":{"method":"GET","secure":true,"size":-1}}`},
		{"remove, then replace", edit(log.FieldReplacer{"request", nil}, log.FieldReplacer{"request.method", replace.Fixed("x")}), nil, "m",
			`{"time":"<now>","level":"INFO","msg":"m"}`},
		{"time and level stay", edit(log.FieldReplacer{"time", nil}, log.FieldReplacer{"time", replace.Fixed("x")}, log.FieldReplacer{"level", replace.Fixed("x")}), nil, "m",
			`{"time":"<now>","level":"INFO","msg":"m",` + end},
		{"text, replace and remove", text(edit(log.FieldReplacer{"request.header.Cookie", nil}, log.FieldReplacer{"request.size", nil}, log.FieldReplacer{"request.method", replace.Fixed("x y")}, log.FieldReplacer{"level", nil})), nil, "m",
			`time=<now> msg=m request="map[header:map[X-A:1] method:x y secure:true]"`},
		{"an edited datetime", func() log.Options {
			o := fixed
			o.FieldReplacers = []log.FieldReplacer{{"datetime.zone", nil}, {"datetime.date", replace.Fixed("-")}, {"request", nil}}
			return o
		}(), nil, "m", `{"time":"<now>","level":"INFO","msg":"m","datetime":{"date":"-","time":"<clock>"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want+"\n", line(tt.o, tt.x, tt.msg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The request must be the same after it was logged with edits.
func TestEditsLeaveAttrsAlone(t *testing.T) {
	before := fmt.Sprint(request)
	line(log.Options{FieldReplacers: []log.FieldReplacer{{"request.method", replace.Fixed("x")}, {"request.header", nil}}}, nil, "m")
	if after := fmt.Sprint(request); after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

func TestDefaultFormats(t *testing.T) {
	got := line(log.Options{}, nil, "m")
	want := regexp.MustCompile(`^\{"time":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d","level":"INFO","msg":"m","datetime":` +
		`\{"date":"\d{4}-\d\d-\d\d","time":"\d\d:\d\d:\d\d\.\d{3}","zone":"Local"\},` +
		`"location":\{"file":"log/log_test\.go","func":"log_test\.line","line":\d+\},"request":`)
	if !want.MatchString(got) {
		t.Errorf("got %s", got)
	}
}

// Two places in one function, and the same one twice.
func TestLocation(t *testing.T) {
	var out bytes.Buffer
	var l gateway.Logger = log.New(log.Options{Output: &out})
	for range 2 {
		l.Log(nil, gateway.LevelInfo, "a")
		l.Log(nil, gateway.LevelInfo, "b")
	}
	var lines []int
	for _, m := range regexp.MustCompile(`"func":"log_test.TestLocation","line":(\d+)`).FindAllStringSubmatch(out.String(), -1) {
		var n int
		_, _ = fmt.Sscan(m[1], &n)
		lines = append(lines, n)
	}
	if len(lines) != 4 || lines[1] != lines[0]+1 || lines[2] != lines[0] || lines[3] != lines[1] {
		t.Errorf("got lines %v from\n%s", lines, out.String())
	}
}

func TestLevels(t *testing.T) {
	all := []gateway.Level{gateway.LevelDebug, gateway.LevelInfo, gateway.LevelWarn, gateway.LevelError}
	tests := []struct {
		o    log.Options
		want string
	}{
		{log.Options{}, "DEBUG INFO WARN ERROR"},
		{log.Options{Level: gateway.LevelInfo}, "INFO WARN ERROR"},
		{log.Options{Level: gateway.LevelWarn}, "WARN ERROR"},
		{log.Options{Level: gateway.LevelError}, "ERROR"},
		{log.Options{Level: gateway.LevelOff}, ""},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		tt.o.Output, tt.o.Unstructured = &out, true
		l := log.New(tt.o)
		var enabled []string
		for _, level := range all {
			before := out.Len()
			l.Log(nil, level, "m")
			written := out.String()[before:]
			if l.Enabled(level) != (written != "") {
				t.Errorf("level %d: Enabled is %v, but %q was written", level, l.Enabled(level), written)
			}
			if _, rest, ok := strings.Cut(written, "level="); ok {
				enabled = append(enabled, strings.Fields(rest)[0])
			}
		}
		if got := strings.Join(enabled, " "); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if log.New(log.Options{Output: io.Discard}).Enabled(gateway.LevelError) {
		t.Error("lines are made for io.Discard")
	}
}

func TestDefault(t *testing.T) {
	for value, want := range map[string]gateway.Level{
		"": gateway.LevelInfo, "verbose": gateway.LevelInfo, "Info": gateway.LevelInfo,
		"trace": gateway.LevelDebug, "DEBUG": gateway.LevelDebug, "wArn": gateway.LevelWarn,
		"error": gateway.LevelError, "FATAL": gateway.LevelError,
	} {
		t.Setenv("GATEWAY_LOG_LEVEL", value)
		l := log.Default()
		if !l.Enabled(want) || want > gateway.LevelDebug && l.Enabled(want-1) {
			t.Errorf("%q: not level %d", value, want)
		}
	}
	t.Setenv("GATEWAY_LOG_LEVEL", "")
	for _, tt := range []struct{ location, datetime, want string }{
		{"", "", "datetime location"}, {"true", "False", "datetime location"},
		{"false", "", "datetime"}, {"", "false", "location"}, {"false", "false", ""},
	} {
		t.Setenv("GATEWAY_LOG_LOCATION", tt.location)
		t.Setenv("GATEWAY_LOG_DATETIME", tt.datetime)
		out := stdout(t, func() { log.Default().Log(nil, gateway.LevelInfo, "m") })
		var got []string
		for _, member := range []string{"datetime", "location"} {
			if strings.Contains(out, `"`+member+`":{`) {
				got = append(got, member)
			}
		}
		if strings.Join(got, " ") != tt.want || !strings.HasPrefix(out, `{"time":"20`) {
			t.Errorf("location %q, datetime %q: got %s", tt.location, tt.datetime, out)
		}
	}
}

// stdout returns what f writes to standard output.
func stdout(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	saved := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = saved }()
	f()
	out, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// countingWriter notes each write, and whether two met.
type countingWriter struct {
	busy   sync.Mutex
	t      *testing.T
	writes []string
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if !w.busy.TryLock() {
		w.t.Error("two writes at a time")
		return 0, io.ErrShortWrite
	}
	defer w.busy.Unlock()
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func TestOneWritePerLine(t *testing.T) {
	out := &countingWriter{t: t}
	l := log.New(log.Options{Output: out})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				l.Log(nil, gateway.LevelInfo, "m", request)
				l.WriteLine([]byte("raw\n"))
			}
		})
	}
	wg.Wait()
	if len(out.writes) != 800 {
		t.Errorf("got %d writes, want 800", len(out.writes))
	}
	for _, line := range out.writes {
		if line != "raw\n" && !(strings.HasSuffix(line, "}\n") && json.Valid([]byte(line))) {
			t.Fatalf("got %q", line)
		}
	}
}

func Example() {
	l := log.New(log.Options{
		NoLocation:     true,
		NoDatetime:     true,
		FieldReplacers: []log.FieldReplacer{{Field: "user.name", Replace: replace.Right("*", 3)}},

		OutputTimeFormat: "(now)",
	})
	l.Log(nil, gateway.LevelInfo, "hello", gateway.Object("user", gateway.String("name", "alice")))
	// Output: {"time":"(now)","level":"INFO","msg":"hello","user":{"name":"al***"}}
}

// Lines of one moment that differ in level or message don't begin alike.
func TestLinesOfAMoment(t *testing.T) {
	var out bytes.Buffer
	l := log.New(log.Options{NoLocation: true, OutputTimeFormat: "<now>", DateFormat: "<date>", TimeFormat: "<clock>", Zone: time.UTC, Output: &out})
	for range 2 {
		l.Log(nil, gateway.LevelInfo, "one")
		l.Log(nil, gateway.LevelInfo, "two")
		l.Log(nil, gateway.LevelWarn, "two", gateway.Int("n", 1))
	}
	const datetime = `"datetime":{"date":"<date>","time":"<clock>","zone":"UTC"}`
	want := strings.Repeat(`{"time":"<now>","level":"INFO","msg":"one",`+datetime+"}\n"+
		`{"time":"<now>","level":"INFO","msg":"two",`+datetime+"}\n"+
		`{"time":"<now>","level":"WARN","msg":"two",`+datetime+`,"n":1}`+"\n", 2)
	if got := out.String(); got != want {
		t.Error(cmp.Diff(want, got))
	}
}
