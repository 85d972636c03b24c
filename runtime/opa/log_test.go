package opa_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
)

// lines is a Logger that keeps its lines as text.
type lines struct {
	level gateway.Level
	mu    sync.Mutex
	all   []string
}

func (l *lines) Enabled(level gateway.Level) bool { return level >= l.level }
func (l *lines) WriteLine([]byte)                 {}
func (l *lines) Log(_ *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	var b strings.Builder
	b.WriteString([]string{"DEBUG", "INFO", "WARN", "ERROR"}[level] + " " + msg)
	write(&b, attrs)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, b.String())
}

func write(b *strings.Builder, attrs []gateway.Attr) {
	for _, a := range attrs {
		b.WriteString(" " + a.Key + "=")
		switch a.Kind() {
		case gateway.KindString:
			b.WriteString(a.Text())
		case gateway.KindObject:
			b.WriteString("{")
			write(b, a.Members())
			b.WriteString("}")
		case gateway.KindBool:
			b.WriteString(map[int64]string{0: "false", 1: "true"}[a.Number()])
		}
	}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// eventually waits until ok, for longer than anything takes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
	}
}

func TestDecisionLog(t *testing.T) {
	policies := rego("package authz\nallow { input.header.Foo[0] == \"bar\"; input.header.Authorization }")
	for _, c := range []struct {
		name     string
		level    gateway.Level
		all      bool
		foo      string
		contains []string // none is no line at all
	}{
		{"a refusal is told at Debug", gateway.LevelDebug, false, "x", []string{
			"DEBUG request refused by policy", "allowed=false", "method=GET", "api=/p", "host=h", "remote=r:1", "header={", " Foo=x", "Authorization=***", "X-Customer=***", "X-Api-Key=***",
		}},
		{"but not at Info", gateway.LevelInfo, false, "x", nil},
		{"nor is what is allowed", gateway.LevelDebug, false, "bar", nil},
		{"unless all decisions are", gateway.LevelInfo, true, "bar", []string{"INFO request allowed by policy", "allowed=true", "query=data.authz.allow", " Foo=bar"}},
		{"refusals, too", gateway.LevelInfo, true, "x", []string{"INFO request refused by policy"}},
		{"if the logger wants to know", gateway.LevelWarn, true, "x", nil},
	} {
		log := &lines{level: c.level}
		a := open(t, opa.Options{Regos: []opa.Rego{{Policies: policies}}, LogDecisions: c.all, MaskedHeaders: []string{"x-customer"}, Logger: log})
		ask(t, a, &gateway.Exchange{Request: gateway.Request{Method: "GET", Host: "h", Path: "/p", RemoteAddr: "r:1", Header: gateway.Header{
			{Name: "foo", Value: c.foo}, {Name: "authorization", Value: "s3cret"}, {Name: "X-Customer", Value: "s3cret"}, {Name: "x-api-key", Value: "s3cret"},
		}}})
		text := log.text()
		if c.contains == nil && text != "" || strings.Contains(text, "s3cret") {
			t.Errorf("%s: the log is\n%s", c.name, text)
		}
		for _, s := range c.contains {
			if !strings.Contains(text, s) {
				t.Errorf("%s: %q is missing in\n%s", c.name, s, text)
			}
		}
	}
}

func TestPrint(t *testing.T) {
	policies := rego("package authz\n\nallow {\n\tprint(\"the path is\", input.api)\n\tinput.api == \"/p\"\n}")
	for enabled, want := range map[bool]string{true: "INFO printed by a policy at=policy.rego:4 text=the path is /p", false: ""} {
		log := &lines{level: gateway.LevelInfo}
		a := open(t, opa.Options{Regos: []opa.Rego{{Policies: policies, Print: enabled}}, Logger: log})
		if got := ask(t, a, &gateway.Exchange{Request: gateway.Request{Path: "/p"}}); got != 200 {
			t.Errorf("status %d", got)
		}
		if got := log.text(); got != want {
			t.Errorf("enabled: %t: the log is %q", enabled, got)
		}
	}
}

func TestTrace(t *testing.T) {
	policies := rego("package authz\n\nallow {\n\ttoken := input.header.Authorization[0]\n\tcount(token) == 5\n}")
	for _, c := range []struct {
		name  string
		level gateway.Level
		trace bool
		token string
		shown bool
	}{
		{"of a refusal", gateway.LevelDebug, true, "s3cret", true},
		{"not of what is allowed", gateway.LevelDebug, true, "right", false},
		{"not without being asked for", gateway.LevelDebug, false, "s3cret", false},
		{"not if nobody reads it", gateway.LevelInfo, true, "s3cret", false},
	} {
		log := &lines{level: c.level}
		a := open(t, opa.Options{Regos: []opa.Rego{{Policies: policies}}, Trace: c.trace, Logger: log})
		ask(t, a, &gateway.Exchange{Request: gateway.Request{Header: gateway.Header{{Name: "Authorization", Value: c.token}}}})
		text := log.text()
		shown := strings.Contains(text, "DEBUG trace of a policy query=data.authz.allow") && strings.Contains(text, "policy.rego:5") && strings.Contains(text, "Fail")
		if shown != c.shown || strings.Contains(text, "s3cret") {
			t.Errorf("%s: the log is\n%s", c.name, text)
		}
	}
}

func TestErrorsAreLogged(t *testing.T) {
	log := &lines{level: gateway.LevelInfo}
	a := open(t, opa.Options{Regos: []opa.Rego{{Policies: rego("package authz\nallow = true { input.api }\nallow = false { input.api }")}}, Logger: log})
	x := &gateway.Exchange{Request: gateway.Request{Path: "/p"}}
	err := a.Middleware(nil).Serve(x)
	if gateway.StatusOf(err) != 403 || !strings.Contains(err.Error(), "eval_conflict_error") {
		t.Errorf("error %v", err)
	}
	if text := log.text(); !strings.Contains(text, "WARN policy not evaluated query=data.authz.allow error=") || !strings.Contains(text, "eval_conflict_error") {
		t.Errorf("the log is\n%s", text)
	}
}

// long is a policy that would take for ever.
const long = "package authz\nallow { count([1 | numbers.range(1, 100000)[i] > 0; numbers.range(1, 100000)[j] > 0; i * j < 0]) == 1 }"

func TestEvaluationEnds(t *testing.T) {
	for name, c := range map[string]struct {
		context func(x *gateway.Exchange) // ends it
		status  int
	}{
		"when the client has gone": {func(x *gateway.Exchange) {
			go x.Cancel(errors.New("the client has gone"))
		}, 403},
		"at the deadline of the exchange": {func(x *gateway.Exchange) {
			x.SetDeadline(time.Now().Add(time.Millisecond))
		}, 504},
		"at the deadline of a context": {func(x *gateway.Exchange) {
			ctx, cancel := context.WithTimeout(x.Context(), time.Millisecond)
			x.SetContext(ctx)
			x.OnDone(func(*gateway.Exchange) { cancel() })
		}, 504},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, opa.Options{Regos: []opa.Rego{{Policies: rego(long)}, {Policies: rego("package authz\nallow := true")}}})
			x := &gateway.Exchange{}
			defer x.Finish()
			c.context(x)
			done := make(chan int, 1)
			go func() { done <- ask(t, a, x) }()
			select {
			case status := <-done:
				if status != c.status {
					t.Errorf("status %d", status)
				}
			case <-time.After(2 * time.Minute):
				t.Fatal("it goes on")
			}
		})
	}
}
