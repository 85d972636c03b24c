package servertest

import (
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var splitTests = []test{
	{"Pipelined", testPipelined},
	{"PipelinedBehindSlowOne", testPipelinedBehindSlowOne},
	{"PipelinedMany", testPipelinedMany},
	{"PipelinedEvenly", testPipelinedEvenly},
	{"PipelinedBehindTheLast", testPipelinedBehindTheLast},
	{"ByteByByte", testByteByByte},
	{"SplitAnywhere", testSplitAnywhere},
}

// a mixed row of requests, and what echo answers to them.
var (
	mixed = request("GET /1") +
		post("/2", "two") +
		chunked("/3", "three of them", 5) +
		"HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n" +
		"POST /5 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1;x=\"y\"\r\nf\r\n0\r\nX-Sum: 5\r\n\r\n" +
		post("/6", "") +
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" +
		request("GET /8")
	mixedAnswers = []string{"/1", "/2 two", "/3 three of them", "HEAD", "/5 f+X-Sum=5", "/6", "*", "/8"}
)

func (c *client) expectMixed() {
	c.t.Helper()
	for _, want := range mixedAnswers {
		if want == "HEAD" {
			if res, _ := c.response("HEAD"); res.StatusCode != 200 {
				c.t.Errorf("HEAD: status %d", res.StatusCode)
			}
			continue
		}
		c.expect(200, want)
	}
}

func testPipelined(t *testing.T, e Engine) {
	for name, h := range map[string]gateway.HandlerFunc{"echo": echo, "without reading": func(x *gateway.Exchange) error {
		return text(200, x.Request.Path)(x)
	}} {
		g := start(t, e, wire.ServerOptions{}, h)
		c := g.dial(t)
		c.send(mixed)
		if name == "echo" {
			c.expectMixed()
			c.send(mixed)
			c.halfClose()
			c.expectMixed()
			c.ended()
			continue
		}
		for i, want := range mixedAnswers { // the bodies are passed over
			if i == 3 {
				c.response("HEAD")
				continue
			}
			c.expect(200, want[:min(2, len(want))])
		}
	}
}

// Answers come in the order of the requests (RFC 9112, section 9.3.2), and so do the exchanges.
func testPipelinedBehindSlowOne(t *testing.T, e Engine) {
	answer, second := make(chan struct{}), make(chan struct{}, 1)
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/slow" {
			receive(t, answer)
		} else {
			second <- struct{}{}
		}
		return echo(x)
	})
	c := g.dial(t)
	c.send(request("GET /slow") + request("GET /fast"))
	select {
	case <-second:
		t.Error("the second request has overtaken the first")
	case <-time.After(10 * time.Millisecond):
	}
	close(answer)
	c.expect(200, "/slow")
	c.expect(200, "/fast")
}

func testPipelinedMany(t *testing.T, e Engine) {
	const n = 500
	g := start(t, e, wire.ServerOptions{}, echo)
	c := g.dial(t)
	var all strings.Builder
	for i := range n {
		path := "/" + itoa(i)
		switch i % 3 {
		case 0:
			all.WriteString(request("GET " + path))
		case 1:
			all.WriteString(post(path, strings.Repeat("x", i)))
		case 2:
			all.WriteString(chunked(path, strings.Repeat("y", i), 100))
		}
	}
	go func() { _, _ = c.Write([]byte(all.String())) }()
	for i := range n {
		c.expect(200, "/"+itoa(i)+[]string{"", " " + strings.Repeat("x", i), " " + strings.Repeat("y", i)}[i%3])
	}
}

// Requests of which a whole number fits into a buffer of any likely size: after the last one of a buffer, nothing
// tells that there are more but another read.
func testPipelinedEvenly(t *testing.T, e Engine) {
	const size, many = 64, 1024
	g := start(t, e, wire.ServerOptions{}, echo)
	c := g.dial(t)
	bare := request("GET /", "X-Pad: ")
	padded := request("GET /", "X-Pad: "+strings.Repeat("x", size-len(bare)))
	for _, n := range []int{1, 1, many, 1, many} {
		go func() { _, _ = c.Write([]byte(strings.Repeat(padded, n))) }()
		for range n {
			c.expect(200, "/")
		}
	}
}

// What comes behind a request that is the last is not answered.
func testPipelinedBehindTheLast(t *testing.T, e Engine) {
	for name, last := range map[string]string{
		"Connection: close":       request("GET /last", "Connection: close"),
		"a body and close":        "POST /last HTTP/1.1\r\nHost: a\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
		"close among other words": request("GET /last", "Connection: x, close"),
		"HTTP/1.0":                "GET /last HTTP/1.0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan string, 10)
			g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
				seen <- x.Request.Path
				return echo(x)
			})
			c := g.dial(t)
			c.send(request("GET /first") + last + request("GET /beyond"))
			c.expect(200, "/first")
			if res, body := c.response("GET"); body != "/last" || !res.Close {
				t.Errorf("%q, close %v", body, res.Close)
			}
			if rest, _ := c.rest(); rest != "" {
				t.Errorf("a further response: %q", rest)
			}
			if len(seen) != 2 {
				t.Errorf("%d requests were seen", len(seen))
			}
		})
	}
}

// apart is a pause in which a server reads what was sent so far. What is tested holds without it, too.
const apart = 50 * time.Microsecond

func testByteByByte(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, echo)
	c := g.dial(t)
	for i := range len(mixed) {
		c.send(mixed[i : i+1])
		time.Sleep(apart)
	}
	c.expectMixed()
}

func testSplitAnywhere(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, echo)
	c := g.dial(t)
	for i := range len(mixed) {
		c.send(mixed[:i])
		time.Sleep(apart)
		c.send(mixed[i:])
		c.expectMixed()
	}
}
