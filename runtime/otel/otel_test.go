package otel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	sdk "go.opentelemetry.io/otel"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel"
)

func TestResource(t *testing.T) {
	for _, tt := range []struct {
		service, attributes, name string // the config's, and those of the environment
		want                      string
	}{
		{"", "", "", "service.name=gateway"},
		{"shop", "", "", "service.name=shop"},
		{"", "", "env", "service.name=env"},
		{"shop", "", "env", "service.name=shop"},
		{"", "service.name=attr,host.name=a%20b", "", "host.name=a b,service.name=attr"},
		{"", "service.name=attr", "env", "service.name=env"},
		{"shop", "service.name=attr,x=1", "env", "service.name=shop,x=1"},
		{"", "x=1", "", "service.name=gateway,x=1"},
		{"\xff", "", "", "service.name=\uFFFD"},
	} {
		t.Run(tt.service+" "+tt.attributes+" "+tt.name, func(t *testing.T) {
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", tt.attributes)
			t.Setenv("OTEL_SERVICE_NAME", tt.name)
			if got := otel.Resource(tt.service).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A journal notes what is logged.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (*journal) Enabled(gateway.Level) bool { return true }
func (*journal) WriteLine([]byte)           {}
func (j *journal) Log(_ *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := fmt.Sprint(level, " ", msg)
	for _, a := range attrs {
		line += " " + a.Key + "=" + a.Text()
	}
	j.lines = append(j.lines, line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

func TestReport(t *testing.T) {
	j := &journal{}
	r := otel.Report{What: "spans", Logger: j}
	boom := errors.New("boom")
	for _, err := range []error{nil, boom, boom, nil, nil, boom} {
		if r.Outcome(err) != nil {
			t.Error("an error is returned")
		}
	}
	r.Flush(func(context.Context) error { return nil })
	r.Flush(func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the last export has no limit")
		}
		return boom
	})
	want := "2 spans can't be exported, and are lost error=boom\n1 spans are exported again\n2 spans can't be exported, and are lost error=boom\n2 the last spans weren't exported in time error=boom"
	if got := j.String(); got != want {
		t.Errorf("logged:\n%s\nwant:\n%s", got, want)
	}
	if err := (&otel.Report{What: "spans"}).Outcome(nil); err != nil {
		t.Error(err)
	}
}

// What clients cause isn't logged each time.
func TestErrorsAreFew(t *testing.T) {
	j := &journal{}
	(&otel.Report{What: "spans", Logger: j}).Errors()
	for range 100 {
		sdk.Handle(errors.New("bad baggage"))
	}
	if got := strings.Count(j.String(), "bad baggage"); got != 1 {
		t.Errorf("logged %d times", got)
	}
}
