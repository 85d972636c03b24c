package accesslog_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Each tag, in the line of a request and in that of a response, of a server and of a client.
func TestTags(t *testing.T) {
	const when, id, number = `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$`, `^[0-9A-Za-z_-]{20}$`, `^\d+$`
	exactly := func(s string) string { return "^" + regexp.QuoteMeta(s) + "$" }
	undefined := func(tag string) string { return exactly("<undefined:" + tag + ">") }
	for tag, want := range map[string]struct{ server, client, serverAnswer, clientAnswer string }{
		"id":            {id, id, id, id},
		"time":          {when, when, when, when},
		"type":          {"^server$", "^client$", "^server$", "^client$"},
		"method":        {"^POST$", "^PUT$", undefined("method"), undefined("method")},
		"path":          {exactly("/a b"), exactly("/up"), undefined("path"), undefined("path")},
		"query":         {exactly("k=*"), exactly("q=*"), undefined("query"), undefined("query")},
		"host":          {exactly("api.example.com"), exactly("10.0.0.7:8080"), undefined("host"), undefined("host")},
		"remote":        {exactly("192.0.2.7:41234"), exactly("192.0.2.7:41234"), undefined("remote"), undefined("remote")},
		"proto":         {exactly("HTTP/1.1"), exactly("HTTP/1.1"), undefined("proto"), undefined("proto")},
		"size":          {"^5$", "^-1$", "^2$", "^2$"},
		"duration":      {undefined("duration"), undefined("duration"), number, number},
		"status":        {undefined("status"), undefined("status"), "^201$", "^201$"},
		"body":          {"^$", "^$", "^$", "^$"},
		"header":        {exactly("map[Accept:*/* X-Foo:1,2]"), exactly("map[X-Foo:up]"), exactly("map[X-Foo:down]"), exactly("map[X-Foo:down]")},
		"header.X-Foo":  {exactly("1,2"), "^up$", "^down$", "^down$"},
		"header.x-fOO":  {exactly("1,2"), "^up$", "^down$", "^down$"},
		"header.Accept": {exactly("*/*"), "^$", "^$", "^$"},
		// Not among those to log.
		"header.Authorization": {"^$", "^$", "^$", "^$"},
		"header.":              {undefined("header."), undefined("header."), undefined("header."), undefined("header.")},
		"Status":               {undefined("Status"), undefined("Status"), undefined("Status"), undefined("Status")},
		"a_b-C.9":              {undefined("a_b-C.9"), undefined("a_b-C.9"), undefined("a_b-C.9"), undefined("a_b-C.9")},
	} {
		var b bytes.Buffer
		side := accesslog.Side{Format: "%" + tag + "%", Headers: []accesslog.Header{{Name: "x-foo"}, {Name: "Accept"}}}
		o := accesslog.Options{Logger: log.New(log.Options{Output: &b}), Request: side, Response: side}
		o.Request.Queries = []replace.Func{replace.Right("*", 1)}
		m := accesslog.New(o)
		upstream := m(answer(gateway.Response{Status: 201, Header: fields("X-Foo", "down"), Bytes: []byte("ok")}))
		h := m(gateway.HandlerFunc(func(x *gateway.Exchange) error {
			var leg gateway.Exchange
			x.Leg(&leg)
			leg.Request = gateway.Request{Method: "PUT", Host: "10.0.0.7:8080", Path: "/up", RawQuery: "q=1", Header: fields("X-Foo", "up"), Body: x.Request.Body, ContentLength: -1}
			err := upstream.Serve(&leg)
			x.Response = leg.Response
			return err
		}))
		if err := h.Serve(request()); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		for i, re := range []string{want.server, want.client, want.clientAnswer, want.serverAnswer} {
			if !regexp.MustCompile(re).MatchString(lines[i]) {
				t.Errorf("%%%s%%: line %d is %q, not %s", tag, i+1, lines[i], re)
			}
		}
	}
}

// An id is made of the host's name, the time, and a number that goes up.
func TestIDParts(t *testing.T) {
	before := time.Now().Unix()
	var parts [2][]byte
	for i := range parts {
		var b bytes.Buffer
		h := accesslog.New(accesslog.Options{Logger: log.New(log.Options{Output: &b}), Request: accesslog.Side{Format: "%id%"}, Response: accesslog.Side{Format: "-"}})
		if err := h(answer(gateway.Response{})).Serve(request()); err != nil {
			t.Fatal(err)
		}
		id, _, _ := strings.Cut(b.String(), "\n")
		p, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(p) != 15 {
			t.Fatalf("%q: %v", id, err)
		}
		parts[i] = p
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	hash := fnv.New32a()
	hash.Write([]byte(name))
	count := func(p []byte) uint64 { return binary.BigEndian.Uint64(append([]byte{0}, p[8:]...)) }
	for _, p := range parts {
		if got := binary.BigEndian.Uint32(p); got != hash.Sum32() {
			t.Errorf("host %x, not %x", got, hash.Sum32())
		}
		if got := int64(binary.BigEndian.Uint32(p[4:])); got < before || got > time.Now().Unix() {
			t.Errorf("second %d", got)
		}
	}
	if count(parts[1]) != count(parts[0])+1 {
		t.Errorf("numbers %d and %d", count(parts[0]), count(parts[1]))
	}
}

// Whatever the format is, and whatever comes in a request: a line is one line, and what is text in it is so.
func FuzzFormat(f *testing.F) {
	for _, format := range []string{"", "%", "%%", "% path %", "%path%%host%", "%header%", "%header.X-A%", "100% %x", "a\nb", "%status%", "%%path%%"} {
		f.Add(format, "a\nb\x1b[31m\u2028\xff")
	}
	f.Fuzz(func(t *testing.T, format, value string) {
		if format == "" {
			return // no format at all
		}
		var b bytes.Buffer
		o := accesslog.Options{Logger: log.New(log.Options{Output: &b}), Request: accesslog.Side{Format: format, Headers: []accesslog.Header{{Name: "*"}}}, Response: accesslog.Side{Format: "-"}}
		x := &gateway.Exchange{Request: gateway.Request{Target: "/", Method: value, Path: value, RawQuery: value, Host: value, Header: fields("X-A", value, value, "1")}}
		if err := accesslog.New(o)(answer(gateway.Response{})).Serve(x); err != nil {
			t.Fatal(err)
		}
		got, ok := strings.CutSuffix(b.String(), "\n-\n")
		if !ok {
			t.Fatalf("got %q", b.String())
		}
		if !strings.Contains(format, "%") && got != format {
			t.Errorf("%q gives %q", format, got)
		}
		for _, r := range got {
			if (unicode.IsControl(r) || r == '\u2028' || r == '\u2029') && !strings.ContainsRune(format, r) {
				t.Errorf("%q with %q gives %q", format, value, got)
			}
		}
	})
}
