package servertest

import (
	"io"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var limitTests = []test{
	{"MaxHeaderBytes", testMaxHeaderBytes},
	{"EndlessHead", testEndlessHead},
	{"MaxFields", testMaxFields},
	{"ManyFields", testManyFields},
	{"LongTarget", testLongTarget},
	{"EndlessTrailer", testEndlessTrailer},
}

func testMaxHeaderBytes(t *testing.T, e Engine) {
	const limit = 1024
	errs := &errorHandler{}
	g := start(t, e, wire.ServerOptions{MaxHeaderBytes: limit, Errors: errs}, text(200, "hello"))
	fixed := len("GET / HTTP/1.1\r\nHost: gw.test\r\nX-Big: \r\n\r\n")
	for size, status := range map[int]int{limit: 200, limit + 1: 431, 4 * limit: 431, 64 * limit: 431} {
		t.Run(itoa(size), func(t *testing.T) {
			t.Parallel()
			c := g.dial(t)
			c.get("GET /", "X-Big: "+strings.Repeat("a", size-fixed))
			if res, _ := c.response("GET"); res.StatusCode != status {
				t.Errorf("%d, want %d", res.StatusCode, status)
			}
		})
	}
}

// A head that doesn't end is refused before it has filled the memory.
func testEndlessHead(t *testing.T, e Engine) {
	for name, part := range map[string]string{
		"in a field":          "GET / HTTP/1.1\r\nHost: a\r\nX: ",
		"in the target":       "GET /",
		"in the method":       "",
		"in a name":           "GET / HTTP/1.1\r\nHost: a\r\n",
		"in fields":           "GET / HTTP/1.1\r\nHost: a\r\n\x00",
		"behind another head": request("GET /"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, e, wire.ServerOptions{MaxHeaderBytes: 8 << 10}, text(200, ""))
			c := g.dial(t)
			more := strings.Repeat("a", 64<<10)
			if first, ok := strings.CutSuffix(part, "\x00"); ok {
				part, more = first, strings.Repeat("A: b\r\n", 10_000)
			}
			c.send(part)
			go func() {
				for range 1 << 10 { // 64 MiB, if they are taken
					if _, err := io.WriteString(c, more); err != nil {
						return
					}
				}
			}()
			if strings.HasSuffix(part, "\r\n\r\n") {
				c.expect(200, "")
			}
			if res, _ := c.response("GET"); res.StatusCode != 431 && res.StatusCode != 400 && res.StatusCode != 414 {
				t.Errorf("status %d", res.StatusCode)
			}
			if rest, _ := c.rest(); rest != "" {
				t.Errorf("and then %q", shorten(rest))
			}
		})
	}
}

func testMaxFields(t *testing.T, e Engine) {
	if e.MaxFields == 0 {
		t.Skip("the engine has no such limit")
	}
	g := start(t, e, wire.ServerOptions{}, text(200, ""))
	for n, status := range map[int]int{e.MaxFields: 200, e.MaxFields + 1: 431} {
		c := g.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", n-1) + "\r\n")
		if res, _ := c.response("GET"); res.StatusCode != status {
			t.Errorf("%d fields: %d, want %d", n, res.StatusCode, status)
		}
	}
}

// So many fields are nothing unusual, with the cookies and client hints of browsers and what proxies add.
func testManyFields(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		return text(200, x.Request.Header.Get("X-99"))(x)
	})
	c := g.dial(t)
	for range 2 {
		lines := make([]string, 100)
		for i := range lines {
			lines[i] = "X-" + itoa(i) + ": value " + itoa(i)
		}
		c.get("GET /", lines...)
		c.expect(200, "value 99")
	}
}

func testLongTarget(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		return text(200, itoa(len(x.Request.RawQuery)))(x)
	})
	c := g.dial(t)
	for _, n := range []int{1, 4095, 4096, 8000, 30_000, 200_000} {
		c.get("GET /?" + strings.Repeat("q", n))
		c.expect(200, itoa(n))
	}
}

// Trailers count, too.
func testEndlessTrailer(t *testing.T, e Engine) {
	read := make(chan error, 1)
	g := start(t, e, wire.ServerOptions{MaxHeaderBytes: 8 << 10}, func(x *gateway.Exchange) error {
		_, err := io.ReadAll(x.Request.Body)
		read <- err
		return text(400, "")(x)
	})
	c := g.dial(t)
	c.get("POST /", "Transfer-Encoding: chunked", "Trailer: X-T")
	c.send("1\r\na\r\n0\r\n")
	go func() {
		line := "X-T: " + strings.Repeat("a", 1000) + "\r\n"
		for range 1 << 16 { // 64 MiB, if they are taken
			if _, err := io.WriteString(c, line); err != nil {
				return
			}
		}
	}()
	if err := receive(t, read); err == nil || err == io.EOF {
		t.Error("no error")
	}
	c.expect(400, "")
}
