package soaprest_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/soaprest"
)

const (
	xmlBody = `<a b="1">x</a>`
	inJSON  = `{"a":{"$":"x","@b":"1"}}` + "\n"
	head    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
)

func request(body string, fields ...string) *gateway.Exchange {
	x := new(gateway.Exchange)
	x.Request.Method = "POST"
	for i := 0; i < len(fields); i += 2 {
		x.Request.Header.Add(fields[i], fields[i+1])
	}
	x.Request.Body, x.Request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return x
}

func answer(status int, contentType, body string) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = status
		x.Response.Header.Set("Content-Type", contentType)
		x.Response.Bytes = []byte(body)
		return nil
	}
}

func TestRequest(t *testing.T) {
	cases := []struct {
		name   string
		fields []string
		body   string
		status int // 0 for passing
		action string
		media  string
	}{
		{"1.1", []string{"Content-Type", "text/xml", "SOAPAction", `"urn:do"`}, xmlBody, 0, `"urn:do"`, "text/xml"},
		{"1.1 with an empty action", []string{"Content-Type", "Text/XML; charset=utf-8", "soapaction", ""}, xmlBody, 0, "", "text/xml"},
		{"1.1 without action", []string{"Content-Type", "text/xml"}, xmlBody, 403, "", ""},
		{"1.2", []string{"Content-Type", `application/soap+xml; charset=utf-8; action="urn:do"`}, xmlBody, 0, "urn:do", "application/soap+xml"},
		{"1.2 without action", []string{"Content-Type", "application/soap+xml", "SOAPAction", "ignored"}, xmlBody, 0, "", "application/soap+xml"},
		{"JSON", []string{"Content-Type", "application/json"}, "{}", 403, "", ""},
		{"no type", nil, xmlBody, 403, "", ""},
		{"nonsense as type", []string{"Content-Type", "; ;", "SOAPAction", "x"}, xmlBody, 403, "", ""},
		{"broken XML", []string{"Content-Type", "text/xml", "SOAPAction", ""}, "<a><b></a>", 400, "", ""},
		{"too large", []string{"Content-Type", "text/xml", "SOAPAction", ""}, "<a>" + strings.Repeat("x", 200) + "</a>", 413, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			called := false
			h := soaprest.New(soaprest.Options{MaxSize: 100})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				called = true
				q := &x.Request
				b, err := io.ReadAll(q.Body)
				if err != nil || string(b) != inJSON || q.ContentLength != int64(len(inJSON)) {
					t.Errorf("the body is %s, %v, of length %d", b, err, q.ContentLength)
				}
				for name, want := range map[string]string{
					"Accept": "application/json", "Content-Type": "application/json", "X-SOAP-Action": c.action, "X-Content-Type": c.media, "X-Other": "kept",
				} {
					if got, ok := q.Header.Joined(name, "|"); got != want || !ok {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				for _, name := range []string{"Accept-Encoding", "Content-Length", "Range"} {
					if q.Header.Has(name) {
						t.Errorf("%s is there", name)
					}
				}
				return answer(200, "application/json", inJSON)(x)
			}))
			x := request(c.body, append(c.fields, "X-Other", "kept", "Accept", "text/xml", "Accept-Encoding", "gzip", "Range", "bytes=0-1", "X-SOAP-Action", "forged")...)
			err := h.Serve(x)
			if c.status != 0 {
				if gateway.StatusOf(err) != c.status || called {
					t.Errorf("the status is %d (%v), the handler was called: %v", gateway.StatusOf(err), err, called)
				}
				return
			}
			if err != nil || string(x.Response.Bytes) != head+xmlBody {
				t.Errorf("the response is %s, %v", x.Response.Bytes, err)
			}
			if got, want := x.Response.Header.Get("Content-Type"), c.media+"; charset=utf-8"; got != want {
				t.Errorf("Content-Type is %q, want %q", got, want)
			}
			if x.Request.Header.Get("Accept") != "text/xml" {
				t.Errorf("the client's Accept has become %q", x.Request.Header.Get("Accept"))
			}
		})
	}
}

func TestUnreadableRequest(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{{io.ErrUnexpectedEOF, 400}, {errTimeout{}, 408}} {
		x := request("", "Content-Type", "text/xml", "SOAPAction", "")
		x.Request.Body, x.Request.ContentLength = io.NopCloser(iotest.ErrReader(c.err)), -1
		if err := soaprest.New(soaprest.Options{})(answer(200, "", "")).Serve(x); gateway.StatusOf(err) != c.status {
			t.Errorf("%v is answered by %v", c.err, err)
		}
	}
	x := request("", "Content-Type", "text/xml", "SOAPAction", "")
	x.Request.Body = io.NopCloser(iotest.ErrReader(gateway.ErrTooLarge))
	if err := soaprest.New(soaprest.Options{})(answer(200, "", "")).Serve(x); !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("who limits bodies doesn't learn of it: %v", err)
	}
}

type errTimeout struct{}

func (errTimeout) Error() string   { return "timeout" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

func TestNoBody(t *testing.T) {
	x := request("", "Content-Type", "text/xml", "SOAPAction", "")
	x.Request.Body, x.Request.ContentLength, x.Request.Method = nil, 0, "GET"
	err := soaprest.New(soaprest.Options{})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if b, _ := io.ReadAll(x.Request.Body); string(b) != "{}\n" {
			t.Errorf("the body is %q", b)
		}
		return answer(200, "application/json", `{"a":null}`)(x)
	})).Serve(x)
	if err != nil || string(x.Response.Bytes) != head+"<a></a>" {
		t.Errorf("%s, %v", x.Response.Bytes, err)
	}
}

func TestResponse(t *testing.T) {
	stream := func(status int, r io.Reader, fields ...string) gateway.HandlerFunc {
		return func(x *gateway.Exchange) error {
			p := &x.Response
			p.Status, p.Body, p.ContentLength = status, io.NopCloser(r), -1
			p.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(fields); i += 2 {
				p.Header.Set(fields[i], fields[i+1])
			}
			return nil
		}
	}
	refused := &gateway.Error{Status: 418}
	cases := []struct {
		name   string
		h      gateway.HandlerFunc
		status int
		code   string
		body   string
	}{
		{"stream", stream(201, strings.NewReader(`{"a":{"@b":"1","$":"x"}}`), "ETag", `"1"`), 201, "", head + xmlBody},
		{"error of the service", answer(500, "application/json; charset=utf-8", `{"a":1}`), 500, "", head + "<a>1</a>"},
		{"refused", func(*gateway.Exchange) error { return refused }, 418, "", ""},
		{"text", answer(200, "text/plain", `{}`), 500, "E3219", ""},
		{"no type", answer(200, "", `{}`), 500, "E3219", ""},
		{"compressed", stream(200, strings.NewReader("{}"), "Content-Encoding", "gzip"), 500, "E3219", ""},
		{"identity", stream(200, strings.NewReader(`{"a":1}`), "Content-Encoding", "identity"), 200, "", head + "<a>1</a>"},
		{"empty", answer(200, "application/json", ``), 500, "E3220", ""},
		{"broken", answer(200, "application/json", `{"a"`), 500, "E3220", ""},
		{"too large", stream(200, strings.NewReader(`{"a":"`+strings.Repeat("x", 200)+`"}`)), 502, "E3220", ""},
		{"cut off", stream(200, io.MultiReader(strings.NewReader(`{"a":1}`), iotest.ErrReader(io.ErrUnexpectedEOF))), 502, "E3220", ""},
		{"slow", stream(200, iotest.ErrReader(errTimeout{})), 504, "E3220", ""},
		{"no content", func(x *gateway.Exchange) error { x.Response.Status = 204; return nil }, 204, "", ""},
		{"not modified", func(x *gateway.Exchange) error { x.Response.Status = 304; return nil }, 304, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := request(xmlBody, "Content-Type", "text/xml", "SOAPAction", "")
			err := soaprest.New(soaprest.Options{MaxSize: 100})(c.h).Serve(x)
			status, code := x.Response.Status, ""
			if err != nil {
				status = gateway.StatusOf(err)
				e, _ := gateway.AsError(err)
				code = e.Code
				if x.Response.Header.Has("Content-Type") || x.Response.Body != nil {
					t.Errorf("something of the response is left: %+v", x.Response)
				}
			}
			if status != c.status || code != c.code || string(x.Response.Bytes) != c.body {
				t.Errorf("%d %s %q, want %d %s %q", status, code, x.Response.Bytes, c.status, c.code, c.body)
			}
			if x.Response.Header.Has("ETag") {
				t.Error("there is an ETag of something else")
			}
		})
	}
}

func BenchmarkServe(b *testing.B) {
	h := soaprest.New(soaprest.Options{})(answer(200, "application/json", inJSON))
	b.ReportAllocs()
	for b.Loop() {
		x := request(xmlBody, "Content-Type", "text/xml", "SOAPAction", "urn:do")
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}
