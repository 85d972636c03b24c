package journal_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/journal"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

var plain = gateway.Header{{Name: "Content-Type", Value: "text/plain"}}

// A stream passes piece by piece, in both directions, and the lines come at its end.
func TestStreams(t *testing.T) {
	tr := newTrial(journal.Bodies{MIMEs: text.MIMEs, MaxBytes: 100}, journal.Bodies{MIMEs: text.MIMEs, MaxBytes: 100})
	up, down := newPipe(), newPipe()
	tr.x.Request.Body, tr.x.Request.ContentLength, tr.x.Request.Header = up, -1, plain
	tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response = gateway.Response{Status: 200, Header: plain, Body: down, ContentLength: -1}
		return nil
	})
	if err := tr.middleware(t)(tr.handler).Serve(tr.x); err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{"one", "two", "three"} {
		for p, body := range map[*pipe]io.Reader{up: tr.x.Request.Body, down: tr.x.Response.Body} {
			p.pieces <- piece
			buf := make([]byte, 10)
			if n, err := body.Read(buf); string(buf[:n]) != piece || err != nil {
				t.Fatalf("%q, %v, not %q", buf[:n], err, piece)
			}
		}
	}
	if tr.out.Len() > 0 {
		t.Errorf("logged too early: %s", tr.out.String())
	}
	close(up.pieces)
	close(down.pieces)
	_, _ = io.ReadAll(tr.x.Request.Body)
	_, _ = io.ReadAll(tr.x.Response.Body)
	tr.x.Finish()
	if request, response := tr.logged(t); request != "onetwothree" || response != "onetwothree" {
		t.Errorf("logged %q and %q", request, response)
	}
}

// A pipe is a body whose pieces come one by one.
type pipe struct{ pieces chan string }

func newPipe() *pipe { return &pipe{make(chan string, 1)} }

func (p *pipe) Close() error { return nil }
func (p *pipe) Read(b []byte) (int, error) {
	piece, ok := <-p.pieces
	if !ok {
		return 0, io.EOF
	}
	return copy(b, piece), nil
}

// The line of a request whose body has been read is written before that of a response whose body is still to come.
func TestRequestLineComesFirst(t *testing.T) {
	tr := newTrial(text, text)
	tr.x = newExchange("POST", strings.NewReader("up"), -1)
	tr.x.Request.Header = plain
	tr.handler = echo("text/plain", -1)
	if err := tr.middleware(t)(tr.handler).Serve(tr.x); err != nil {
		t.Fatal(err)
	}
	if l := tr.lines(t); len(l) != 1 || l[0].Request == nil || l[0].Request.Body != "up" {
		t.Errorf("got %s", tr.out.String())
	}
	tr.x.Finish()
	if _, response := tr.logged(t); response != "" { // nobody has read it
		t.Errorf("logged %q", response)
	}
}

// What middleware changes later isn't what is logged.
func TestLinesTellOfTheMomentTheyAreAbout(t *testing.T) {
	tr := newTrial(text, text)
	all := accesslog.Side{Headers: []accesslog.Header{{Name: "*"}}}
	tr.o.Lines.Request, tr.o.Lines.Response = all, all
	tr.x = newExchange("POST", strings.NewReader("up"), -1)
	tr.x.Request.Header = append(gateway.Header{{Name: "X-A", Value: "before"}}, plain...)
	tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Request.Path = "/changed"
		x.Request.Header.Set("X-A", "changed")
		x.Response = gateway.Response{Status: 201, Body: io.NopCloser(strings.NewReader("down")), ContentLength: -1}
		x.Response.Header = append(gateway.Header{{Name: "X-B", Value: "before"}}, plain...)
		return nil
	})
	m := tr.middleware(t)
	tr.o.Lines.Logger = nil
	outer := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		err := m(tr.handler).Serve(x)
		x.Response.Status = 500
		x.Response.Header.Set("X-B", "changed")
		return err
	})
	if err := outer.Serve(tr.x); err != nil {
		t.Fatal(err)
	}
	tr.x.Finish()
	out := tr.out.String()
	if strings.Contains(out, "changed") || strings.Count(out, "before") != 2 || !strings.Contains(out, `"path":"/a"`) || !strings.Contains(out, `"status":201`) {
		t.Errorf("got %s", out)
	}
}

// A body that can't be read is the end of a request, if it had to be.
func TestUnreadableRequest(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(errRefused))
	for _, leg := range []bool{false, true} {
		tr := newTrial(text, text)
		tr.x = newExchange("POST", broken, 5)
		tr.x.Request.Header = plain
		if leg {
			tr.x.Request.Target = ""
		}
		tr.handler = gateway.HandlerFunc(func(*gateway.Exchange) error { t.Error("the handler is called"); return nil })
		sent, err := tr.run(t)
		request, response := tr.logged(t)
		status := tr.lines(t)[1].Response.Status
		if leg {
			e, ok := gateway.AsError(err)
			if !ok || e.Status != 500 || e.Code != "E2050" || !errors.Is(err, errRefused) || status != 0 {
				t.Errorf("%v, status %d", err, status)
			}
			continue
		}
		if err != nil || sent != "refused" || tr.x.Response.Status != 500 || status != 500 || request != "" || response != "refused" {
			t.Errorf("%v, %d %q, logged %q and %d %q", err, tr.x.Response.Status, sent, request, status, response)
		}
	}
}

// Whoever reads a body gets what has come, and then the error.
func TestErrorsOfPassingBodies(t *testing.T) {
	masked := text
	masked.Edits = []journal.Edit{{MIME: "text/plain", Replacers: []replace.Func{replace.TrimPrefix("x")}}}
	for _, tt := range []struct {
		bodies journal.Bodies
		want   string
	}{{text, "ab"}, {masked, ""}} {
		for _, length := range []int64{5, -1} {
			tr := newTrial(journal.Bodies{}, tt.bodies)
			tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
				body := io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(errRefused))
				x.Response = gateway.Response{Status: 200, Header: plain, Body: io.NopCloser(body), ContentLength: length}
				return nil
			})
			if sent, err := tr.run(t); sent != "ab" || err != errRefused {
				t.Errorf("%q, %v", sent, err)
			}
			if _, response := tr.logged(t); response != tt.want {
				t.Errorf("logged %q, not %q", response, tt.want)
			}
		}
	}
}

// Files that can't be made: the request is refused, the response isn't.
func TestNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	all := journal.Bodies{MIMEs: text.MIMEs, MaxBytes: -1, Dir: dir}
	for _, tt := range []struct {
		request, response journal.Bodies
		status            int
	}{{all, journal.Bodies{}, 500}, {journal.Bodies{}, all, 200}} {
		tr := newTrial(tt.request, tt.response)
		m := tr.middleware(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		tr.x = newExchange("POST", strings.NewReader("hello"), 5)
		tr.x.Request.Header = plain
		for _, bytes := range []bool{false, true} {
			tr.out.Reset()
			h := m(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				x.Response = gateway.Response{Status: 200, Header: plain, Body: io.NopCloser(strings.NewReader("hello")), ContentLength: 5}
				if bytes {
					x.Response.Body, x.Response.Bytes = nil, []byte("hello")
				}
				return nil
			}))
			if err := h.Serve(tr.x); err != nil || tr.x.Response.Status != tt.status {
				t.Errorf("%v, status %d, not %d", err, tr.x.Response.Status, tt.status)
			}
			lines := tr.lines(t)
			if tt.status == 500 {
				continue
			}
			if len(lines) != 3 || lines[1].Msg != "error journal response body" || lines[1].Error.Code != "E2050" || lines[2].Response.Body != "" {
				t.Errorf("got %s", tr.out.String())
			}
		}
	}
}

func TestPanic(t *testing.T) {
	tr := newTrial(text, text)
	tr.x = newExchange("POST", strings.NewReader("hello"), -1)
	tr.x.Request.Header = plain
	h := tr.middleware(t)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		_, _ = io.ReadAll(x.Request.Body)
		panic("no")
	}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = h.Serve(tr.x)
	}()
	tr.x.Finish()
	if request, _ := tr.logged(t); request != "hello" || tr.lines(t)[1].Response.Status != 500 {
		t.Errorf("got %s", tr.out.String())
	}
}

// Who has gone away isn't answered, and an upstream that couldn't be reached has said nothing.
func TestNoResponse(t *testing.T) {
	gone := &gateway.Error{Status: gateway.LogOnly}
	for _, leg := range []bool{false, true} {
		tr := newTrial(text, text)
		tr.x = newExchange("POST", strings.NewReader("hello"), -1)
		tr.x.Request.Header = plain
		err := error(gone)
		if leg {
			tr.x.Request.Target = ""
			err = errRefused
		}
		tr.handler = gateway.HandlerFunc(func(*gateway.Exchange) error { return err })
		if _, got := tr.run(t); got != err {
			t.Errorf("got %v", got)
		}
		tr.logged(t)
		if r := tr.lines(t)[1].Response; r.Status != 0 || r.Size != 0 {
			t.Errorf("got %s", tr.out.String())
		}
	}
}

// A transport may read the body of a request when the exchange is over, and the memory of that is used for another.
func TestReaderOutlivesTheExchange(t *testing.T) {
	tr := newTrial(text, text)
	p := newPipe()
	tr.x.Request.Body, tr.x.Request.ContentLength, tr.x.Request.Header = p, -1, plain
	var wg sync.WaitGroup
	tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
		body := x.Request.Body
		wg.Go(func() { _, _ = io.ReadAll(body) })
		p.pieces <- "one"
		x.Response.Bytes = []byte("ok")
		return nil
	})
	if err := tr.middleware(t)(tr.handler).Serve(tr.x); err != nil {
		t.Fatal(err)
	}
	body := tr.x.Request.Body
	if b, ok := body.(interface{ SetReadDeadline(time.Time) error }); !ok || !errors.Is(b.SetReadDeadline(time.Now()), errors.ErrUnsupported) {
		t.Error("SetReadDeadline isn't that of the body")
	}
	tr.x.Finish()
	tr.x.Reset()
	p.pieces <- "two"
	close(p.pieces)
	wg.Wait()
	if request, _ := tr.logged(t); request != "" && request != "one" {
		t.Errorf("logged %q", request)
	}
}

// Below Info, nothing is logged or touched.
func TestDisabled(t *testing.T) {
	tr := newTrial(text, text)
	m, err := journal.New(journal.Options{Lines: accesslog.Options{Logger: log.New(log.Options{Output: &tr.out, Level: gateway.LevelWarn})}, Request: text})
	if err != nil {
		t.Fatal(err)
	}
	body := newPipe()
	tr.x.Request.Body, tr.x.Request.ContentLength, tr.x.Request.Header = body, 5, plain
	h := m(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if x.Request.Body != io.ReadCloser(body) {
			t.Error("the body is another")
		}
		return errRefused
	}))
	if err := h.Serve(tr.x); err != errRefused || tr.out.Len() > 0 {
		t.Errorf("%v, %s", err, tr.out.String())
	}
}

// Who waits to be asked for the body isn't asked by the log.
func TestExpect(t *testing.T) {
	tr := newTrial(text, text)
	body := newPipe() // which would block
	tr.x.Request.Body, tr.x.Request.ContentLength = body, 5
	tr.x.Request.Header = append(gateway.Header{{Name: "Expect", Value: "100-continue"}}, plain...)
	tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error { x.Response.Status = 417; return nil })
	if _, err := tr.run(t); err != nil {
		t.Error(err)
	}
	if request, _ := tr.logged(t); request != "" {
		t.Errorf("logged %q", request)
	}
}

// Trailers come when the body has been read by whoever wants them.
func TestTrailer(t *testing.T) {
	tr := newTrial(text, text)
	tr.x = newExchange("POST", strings.NewReader("hello"), 5)
	tr.x.Request.Header, tr.x.Request.Trailer = plain, func() gateway.Header { return nil }
	tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if p, all := gateway.Buffered(x.Request.Body); p != nil || all {
			t.Error("the body has been read before")
		}
		_, err := io.ReadAll(x.Request.Body)
		return err
	})
	if _, err := tr.run(t); err != nil {
		t.Error(err)
	}
	if request, _ := tr.logged(t); request != "hello" {
		t.Errorf("logged %q", request)
	}
}

func TestNewErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := journal.Bodies{MIMEs: text.MIMEs, Edits: []journal.Edit{{MIME: "text/plain", JSONFields: []string{"a..b"}}}}
	for name, o := range map[string]journal.Options{
		"a path in a request":  {Request: bad},
		"a path in a response": {Response: bad},
		"a folder in a file":   {Response: journal.Bodies{Dir: filepath.Join(file, "x")}},
	} {
		if _, err := journal.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
