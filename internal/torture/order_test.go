package torture

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
)

// text is n bytes that tell whose they are: "id;id;id;".
func text(id string, n int) string {
	return strings.Repeat(id+";", n/(len(id)+1)+1)[:n]
}

// foreign returns a part of got that isn't the beginning of text(id, …).
func foreign(id, got string) string {
	want := text(id, len(got))
	if got == want {
		return ""
	}
	i := 0
	for got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("%q at %d", got[i:min(i+40, len(got))], i)
}

func pick[T any](list ...T) T { return list[rand.N(len(list))] }

// An order is a request and what is expected of its response.
type order struct {
	id, method, target, proto string
	prefix                    string // of the path: what it passes, and which upstream it goes to
	mode                      string // what the upstream does
	size                      int    // of the response's body
	body                      int    // bytes of the request's, -1 for none
	chunked, trailer          bool
	expect, waits             bool // for 100 (Continue), before it sends the body
	fragile                   bool // what comes behind it may end the connection before the response has been read
}

// answers are the statuses that the gateway itself may answer with, by mode; 200 comes
// from the backend.
var answers = map[string][]int{
	"reset": {502}, "reset unread": {502}, "cut head": {502}, "malformed": {502}, "unasked": {502},
	"hang": {504}, "hang head": {504}, "cut hang": {200, 504}, "too large": {413},
	"204": {204}, "304": {304}, "404": {404}, "503": {503}, "upgrade": {101},
}

// modesOf are what upstreams do, by prefix; those that are there several times do it often.
var modesOf = map[string][]string{
	"/hang/":  {"hang", "hang head", "cut hang"},
	"/retry/": {"flaky", "plain"},
	"/h2/":    {"plain", "early", "reset", "cut", "interim"},
	"/unsteady/": {
		"plain", "plain", "plain", "idle reset", "idle close", "idle garbage", "reset", "reset unread", "cut head",
		"cut", "malformed", "early close",
	},
	"": {
		"plain", "plain", "plain", "plain", "slow", "interim", "early", "early close", "204", "304", "404", "extra",
		"reset", "reset unread", "cut head", "cut", "cut chunks", "unasked", "malformed",
	},
}

func (f *fuzzer) order(server string, simple bool) *order {
	f.n++
	o := &order{id: fmt.Sprintf("%s-%d", f.name, f.n), method: "GET", proto: "HTTP/1.1", body: -1}
	switch {
	case server != public:
		o.prefix = pick("/bare/", "/bare/", "/bare/", "/tls/", "/unsteady/")
	case rand.N(20) == 0:
		o.prefix = "/hang/"
	default:
		o.prefix = pick("/plain/", "/plain/", "/retry/", "/h2/", "/limited/", "/limited/")
	}
	modes := modesOf[o.prefix]
	if modes == nil {
		modes = modesOf[""]
	}
	o.mode = pick(modes...)
	o.size = pick(0, 1, 100, 3000, 5000, 32<<10, 70000, 300000)
	switch {
	case rand.N(50) == 0:
		o.size = rand.N(4 << 20)
	case rand.N(4) > 0:
		o.size = rand.N(3000)
	}
	if o.mode == "idle reset" { // takes along what is still under way
		o.size, o.fragile = min(o.size, 3000), true
	}
	if f.small {
		o.size = min(o.size, 100000)
	}
	if !simple {
		o.embellish()
	}
	if o.prefix == "/h2/" && o.mode != "plain" {
		o.trailer = false // to a stream that is over, they are an error of the connection for servers in Go
	}
	o.address()
	return o
}

// embellish adds what a plain GET request doesn't have.
func (o *order) embellish() {
	o.method = pick("GET", "POST", "PUT", "HEAD")
	if o.method == "POST" || o.method == "PUT" {
		o.body = pick(0, 1, rand.N(5000), rand.N(5000), 4096, 4097, 8192, 8193, rand.N(150000))
		if !strings.Contains("/limited/ /retry/", o.prefix) && rand.N(25) == 0 {
			o.body = rand.N(2 << 20)
		}
		o.chunked = rand.N(2) == 0
		o.trailer = o.chunked && rand.N(2) == 0
		o.expect = rand.N(5) == 0
		o.waits = o.expect && rand.N(2) == 0
	}
	if rand.N(12) == 0 && !o.chunked {
		o.proto, o.expect, o.waits = "HTTP/1.0", false, false
	}
	if o.prefix == "/limited/" && o.body >= 0 && rand.N(8) == 0 {
		o.mode, o.body, o.waits = "too large", 200001+rand.N(200000), false
	}
}

// address makes the target, which tells the upstream what to do.
func (o *order) address() {
	te := pick("chunked", "length", "length", "close", "old")
	if o.mode == "extra" {
		te, o.size = pick("chunked", "length"), min(o.size, 3000)
	}
	o.target = fmt.Sprintf("%s%s?id=%s&mode=%s&n=%d&te=%s", o.prefix, o.id, o.id, url.QueryEscape(o.mode), o.size, te)
}

// mayBreak reports whether the connection may end before anything of the response has come: with the
// upstream's response, or while the body is being sent.
func (o *order) mayBreak() bool { return strings.HasPrefix(o.mode, "cut") || o.isEarly() || o.fragile }

// endsConnection reports whether the gateway may end the connection with o.
func (o *order) endsConnection() bool {
	return o.mayBreak() || o.proto == "HTTP/1.0" || o.mode == "too large" || o.expect || o.body > 200<<10
}

// isEarly reports whether the response comes before the request has been read.
func (o *order) isEarly() bool { return strings.HasPrefix(o.mode, "early") && o.body >= 0 }

// mayBe reports whether the status may answer o.
func (o *order) mayBe(status int) bool {
	want := answers[o.mode]
	switch {
	case o.prefix == "/unsteady/" && status == 502: // for what became of the connection before
		return true
	case o.prefix == "/hang/" && o.body >= 0 && status == 408: // the time was over before we had sent it
		return true
	case o.mode == "flaky" && o.chunked: // isn't tried again
		want = []int{200, 502, 503}
	case o.isEarly() && status == 502: // the upstream may have closed while we were sending
		return true
	case want == nil:
		want = []int{200}
	}
	return slices.Contains(want, status)
}

// isBodiless reports whether a response to o has no body.
func (o *order) isBodiless(status int) bool {
	return o.method == "HEAD" || status == 204 || status == 304
}

// String is what goes into a report.
func (o *order) String() string {
	return fmt.Sprintf("%s %s %s (body of %d bytes, chunked %t, expect %t, waits %t)", o.method, o.target, o.proto, o.body, o.chunked, o.expect, o.waits)
}

// head and content are the request on the wire.
func (o *order) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\nHost: gw.test\r\nX-Id: %s\r\nX-Secret: %s\r\n", o.method, o.target, o.proto, o.id, o.id)
	switch {
	case o.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
		if o.trailer {
			b.WriteString("Trailer: X-Trailer-Id\r\n")
		}
	case o.body >= 0:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", o.body)
	}
	if o.expect {
		b.WriteString("Expect: 100-continue\r\n")
	}
	if o.mode == "upgrade" {
		b.WriteString("Connection: Upgrade\r\nUpgrade: torture\r\n")
	}
	return b.String() + "\r\n"
}

func (o *order) content() string {
	if o.body < 0 {
		return ""
	}
	all := text(o.id, o.body)
	if !o.chunked {
		return all
	}
	var b strings.Builder
	extension := pick("", "", "", ";a", ";a=\"b;\"")
	for all != "" {
		n := 1 + rand.N(len(all))
		fmt.Fprintf(&b, "%x%s\r\n%s\r\n", n, extension, all[:n])
		all = all[n:]
	}
	b.WriteString("0\r\n")
	if o.trailer {
		b.WriteString("X-Trailer-Id: " + o.id + "\r\n")
	}
	return b.String() + "\r\n"
}
