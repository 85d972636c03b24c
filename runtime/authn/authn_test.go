package authn_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// stub is an Authenticator with an outcome that is known beforehand.
type stub struct {
	name    string
	outcome authn.Outcome
	err     error
	asked   *[]string
}

func (s stub) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	*s.asked = append(*s.asked, s.name)
	if s.outcome == authn.Answered {
		x.Response.Status = 302
	}
	return s.outcome, s.err
}

func (s stub) Challenge(h *gateway.Header, why error) {
	value := s.name
	if why != nil {
		value += ` error="` + why.Error() + `"`
	}
	h.Add("WWW-Authenticate", value)
}

func TestMiddleware(t *testing.T) {
	wrong, down := errors.New("wrong"), &gateway.Error{Status: 500, Message: "down"}
	type outcome struct {
		Asked      []string
		Passed     bool
		Status     int
		Err        string
		Challenges []string
	}
	for name, tt := range map[string]struct {
		handlers []stub
		want     outcome
	}{
		"no handlers":    {nil, outcome{Status: 401, Err: "no credentials"}},
		"the first":      {[]stub{{"A", authn.Accepted, nil, nil}, {"B", authn.Refused, wrong, nil}}, outcome{[]string{"A"}, true, 0, "", nil}},
		"the second":     {[]stub{{"A", authn.Absent, nil, nil}, {"B", authn.Accepted, nil, nil}}, outcome{[]string{"A", "B"}, true, 0, "", nil}},
		"refused before": {[]stub{{"A", authn.Refused, wrong, nil}, {"B", authn.Accepted, nil, nil}}, outcome{[]string{"A", "B"}, true, 0, "", nil}},
		"none": {[]stub{{"A", authn.Absent, nil, nil}, {"B", authn.Absent, nil, nil}},
			outcome{[]string{"A", "B"}, false, 401, "no credentials", []string{"A", "B"}}},
		"wrong": {[]stub{{"A", authn.Absent, nil, nil}, {"B", authn.Refused, wrong, nil}},
			outcome{[]string{"A", "B"}, false, 401, "wrong credentials [wrong]", []string{"A", `B error="wrong"`}}},
		"answered": {[]stub{{"A", authn.Answered, nil, nil}, {"B", authn.Accepted, nil, nil}}, outcome{[]string{"A"}, false, 302, "", nil}},
		"failed":   {[]stub{{"A", authn.Failed, down, nil}, {"B", authn.Accepted, nil, nil}}, outcome{[]string{"A"}, false, 500, "down", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			var got outcome
			var handlers []authn.Authenticator
			for _, h := range tt.handlers {
				h.asked = &got.Asked
				handlers = append(handlers, h)
			}
			x := &gateway.Exchange{}
			err := authn.New(authn.Options{Handlers: handlers})(gateway.HandlerFunc(func(*gateway.Exchange) error {
				got.Passed = true
				return nil
			})).Serve(x)
			got.Status = x.Response.Status
			if e, ok := gateway.AsError(err); ok {
				got.Status, got.Err = e.Status, e.Error()
				for v := range e.Header.Values("WWW-Authenticate") {
					got.Challenges = append(got.Challenges, v)
				}
				if e.Code != "" {
					t.Errorf("the error has the code %s", e.Code)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// lines is a logger that keeps what it is told.
type lines []string

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, _ gateway.Level, msg string, attrs ...gateway.Attr) {
	*l = append(*l, msg+": "+attrs[0].Text())
}

func TestLog(t *testing.T) {
	var log lines
	var asked []string
	h := authn.New(authn.Options{Logger: &log, Handlers: []authn.Authenticator{
		stub{"A", authn.Refused, errors.New("wrong"), &asked}, stub{"B", authn.Accepted, nil, &asked},
	}})(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	if err := h.Serve(&gateway.Exchange{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(lines{"credentials refused: wrong"}, log); d != "" {
		t.Error(d)
	}
}

// finishing is an Authenticator that edits the response.
type finishing struct{ stub }

func (finishing) Finish(x *gateway.Exchange) { x.Response.Header.Set("X-Finished", "yes") }

func TestFinisher(t *testing.T) {
	for _, err := range []error{nil, errors.New("refused")} {
		for outcome, want := range map[authn.Outcome]string{authn.Accepted: "yes", authn.Absent: "", authn.Refused: ""} {
			var asked []string
			h := authn.New(authn.Options{Handlers: []authn.Authenticator{
				finishing{stub{"A", outcome, errors.New("wrong"), &asked}}, stub{"B", authn.Accepted, nil, &asked},
			}})(gateway.HandlerFunc(func(*gateway.Exchange) error { return err }))
			x := &gateway.Exchange{}
			if got := h.Serve(x); got != err {
				t.Errorf("got %v, want %v", got, err)
			}
			if got := x.Response.Header.Get("X-Finished"); got != want {
				t.Errorf("with outcome %v: %q, want %q", outcome, got, want)
			}
		}
	}
}

func TestIdentity(t *testing.T) {
	x := &gateway.Exchange{}
	at := time.Unix(1700000000, 5)
	(&authn.Identity{Method: "Basic", Name: "alice", Time: at, Attrs: map[string]any{"a": 1.0}}).Put(x, "")
	(&authn.Identity{Method: "APIKey", Time: at}).Put(x, "other")
	want := map[string]any{"method": "Basic", "name": "alice", "auth_time": 1.7e9, "attrs": map[string]any{"a": 1.0}}
	if d := cmp.Diff(want, claims.Get(x, claims.DefaultKey)); d != "" {
		t.Error(d)
	}
	want = map[string]any{"method": "APIKey", "auth_time": 1.7e9, "attrs": nil}
	if d := cmp.Diff(want, claims.Get(x, "other")); d != "" {
		t.Error(d)
	}
}

func TestHeader(t *testing.T) {
	x := &gateway.Exchange{}
	check := func(wantValue string, wantOK, wantSingle bool) {
		t.Helper()
		if v, ok, single := authn.Header(x, "X-K"); v != wantValue || ok != wantOK || single != wantSingle {
			t.Error(v, ok, single)
		}
	}
	check("", false, false)
	x.Request.Header.Add("x-k", "1")
	check("1", true, true)
	x.Request.Header.Add("X-K", "2")
	check("1", true, false)
}

// anybody accepts whoever brings a name.
type anybody struct{}

func (anybody) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	name, ok, _ := authn.Header(x, "X-Name")
	if !ok {
		return authn.Absent, nil
	}
	(&authn.Identity{Method: "Trust", Name: name, Time: x.Start}).Put(x, "")
	return authn.Accepted, nil
}

func (anybody) Challenge(h *gateway.Header, _ error) { h.Add("WWW-Authenticate", "Trust") }

func Example() {
	h := authn.New(authn.Options{Handlers: []authn.Authenticator{anybody{}}})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println("hello,", claims.Get(x, claims.DefaultKey)["name"])
		return nil
	}))
	x := &gateway.Exchange{}
	fmt.Println(h.Serve(x))
	x.Request.Header.Add("X-Name", "alice")
	fmt.Println(h.Serve(x))
	// Output:
	// no credentials
	// hello, alice
	// <nil>
}

func BenchmarkMiddleware(b *testing.B) {
	h := authn.New(authn.Options{Handlers: []authn.Authenticator{anybody{}}})(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	x := &gateway.Exchange{}
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Header.Add("X-Name", "alice")
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}

// restorer notes the chain that it's asked in.
type restorer struct {
	restores bool
	chain    int64
}

func (r *restorer) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	r.chain = authn.Chain(x)
	return authn.Accepted, nil
}

func (*restorer) Challenge(*gateway.Header, error) {}

func (r *restorer) Restores() bool { return r.restores }

// Who restores requests knows which handler they were on their way to.
func TestChain(t *testing.T) {
	next := gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })
	for _, restores := range []bool{true, false} {
		r := &restorer{restores: restores}
		m := authn.New(authn.Options{Handlers: []authn.Authenticator{r}})
		a, b := m(next), m(next)
		var got []int64
		for _, h := range []gateway.Handler{b, a, b} {
			if err := h.Serve(new(gateway.Exchange)); err != nil {
				t.Fatal(err)
			}
			got = append(got, r.chain)
		}
		want := []int64{2, 1, 2}
		if !restores {
			want = []int64{0, 0, 0}
		}
		if !slices.Equal(got, want) {
			t.Errorf("restores: %t: %d", restores, got)
		}
	}
}
