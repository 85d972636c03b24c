package torture

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/wirerows"
)

// A witness is an upstream that keeps what it gets.
type witness struct {
	mu    sync.Mutex
	seen  []sighting
	conns int

	answer string // to the next request, once; otherwise it's 200
	closes bool   // the connection behind that answer
}

// A sighting is what came as one request.
type sighting struct {
	conn  int
	whole bool   // it had an end, and nothing behind it
	raw   string // what came
	req   *http.Request
	body  string
}

func newWitness(t *testing.T, addr string) *witness {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	w := new(witness)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.conns++
			go w.serve(c, w.conns)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return w
}

func (w *witness) serve(c net.Conn, number int) {
	defer c.Close()
	var raw bytes.Buffer
	r := bufio.NewReader(io.TeeReader(c, &raw))
	for {
		raw.Reset()
		s := sighting{conn: number}
		var err error
		var body []byte
		if s.req, err = http.ReadRequest(r); err == nil {
			body, err = io.ReadAll(s.req.Body)
		}
		s.raw, s.body, s.whole = raw.String(), string(body), err == nil && r.Buffered() == 0
		if s.raw == "" {
			return
		}
		if err != nil && !strings.Contains(s.raw, "next") {
			return // what the gateway has refused behind its head
		}
		w.mu.Lock()
		w.seen = append(w.seen, s)
		answer, closes := w.answer, w.closes
		w.answer, w.closes = "", false
		w.mu.Unlock()
		if answer == "" {
			answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		}
		if _, err := io.WriteString(c, answer); err != nil || closes {
			return
		}
	}
}

// take returns what has been seen since it was called last.
func (w *witness) take() []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen
	w.seen = nil
	return s
}

// String is what came.
func (s sighting) String() string { return s.raw }

// replies are the responses that come on p until it ends, at most n.
func replies(p *peer, method string, n int) (all []*http.Response) {
	for len(all) < n {
		resp, err := http.ReadResponse(p.r, &http.Request{Method: method})
		if err != nil {
			return all
		}
		if _, err = io.Copy(io.Discard, resp.Body); resp.StatusCode >= 200 {
			all = append(all, resp)
			method = "GET"
		}
		if err != nil {
			return all
		}
	}
	return all
}

// show is the statuses of responses.
func show(all []*http.Response) string {
	s := ""
	for _, r := range all {
		s += " " + strconv.Itoa(r.StatusCode)
	}
	return strings.TrimPrefix(s, " ")
}

// testRows sends the messages of the rules' tests to the gateway: what is malformed is answered as documented, nobody upstream sees
// anything of it or of what is behind it, and the connection ends.
func (g *process) testRows(t *testing.T) {
	g.rest(t)
	w := newWitness(t, g.ports[strictUpstream])
	for _, row := range wirerows.Requests {
		t.Run("request/"+row.Name, func(t *testing.T) {
			if row.Rule != wirerows.Accepted {
				g.refuseRequest(t, w, row.Head, wirerows.Status(row.Rule))
				return
			}
			length, chunked := framingOf(row.Want)
			if length > 1<<20 {
				return // nobody sends so much
			}
			content, body := strings.Repeat("a", length), strings.Repeat("a", length)
			if chunked {
				content = "0\r\n\r\n"
			}
			g.acceptRequest(t, w, row.Head+content, row.Want, body)
		})
	}
	for _, row := range wirerows.Chunks {
		t.Run("content/"+row.Name, func(t *testing.T) {
			message := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n" + row.Head
			body, rest, whole := strings.Cut(row.Want, "|")
			switch {
			case row.Rule != wirerows.Accepted: // which the proxy learns when it reads
				g.refuseRequest(t, w, message, 400)
			case !whole:
				g.refuseRequest(t, w, message, 0)
			case strings.HasSuffix(rest, "|"):
				g.acceptRequest(t, w, message, "POST / a / chunked", body)
			}
		})
	}
	for _, row := range wirerows.Responses {
		if !strings.HasPrefix(row.Name, "CONNECT") {
			t.Run("response/"+row.Name, func(t *testing.T) { g.checkResponse(t, w, &row) })
		}
	}
	g.rest(t)
	if s := w.take(); len(s) > 0 {
		t.Errorf("in the end, the upstream got %q", s[0].raw)
	}
}

var announced = regexp.MustCompile(` length=(\d+)`)

// framingOf says how the content of a message is framed.
func framingOf(want string) (length int, chunked bool) {
	if m := announced.FindStringSubmatch(want); m != nil {
		length, _ = strconv.Atoi(m[1])
	}
	return length, strings.Contains(want, " chunked")
}

// next is a request behind another message.
const next = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"

// refuseRequest sends a message that nobody must see. Status 0 is that of a message that doesn't end.
func (g *process) refuseRequest(t *testing.T, w *witness, message string, status int) {
	p, err := g.dial(strict, &net.Dialer{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = p.SetDeadline(time.Now().Add(4 * time.Second))
	if status == 0 {
		_, _ = io.WriteString(p, message)
		_ = p.CloseWrite()
	} else {
		_, _ = io.WriteString(p, message+next)
	}
	got := replies(p, "GET", 9)
	switch {
	case status == 0 && len(got) == 0:
	case len(got) != 1 || status != 0 && got[0].StatusCode != status:
		t.Errorf("%.300q is answered with %q, not %d", message, show(got), status)
	case got[0].StatusCode < 400 || !got[0].Close:
		t.Errorf("%.300q is answered with %s %q", message, show(got), got[0].Header)
	}
	if n, err := p.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		t.Errorf("%.300q: the connection doesn't end: %v", message, err)
	}
	for _, s := range w.take() {
		t.Errorf("the upstream got %q from %.300q", s.raw, message)
	}
}

// refusals are the statuses of messages that are well-formed, but not for a proxy, by how their description begins.
var refusals = []struct {
	want   string
	status int
}{
	{"CONNECT ", 404},
	{"OPTIONS * ", 400},
	{"GET //b/c ", 307},
	{"GET /a/../b ", 307},
}

// acceptRequest sends a message that the upstream must get as one request, and another one behind it.
func (g *process) acceptRequest(t *testing.T, w *witness, message, want, body string) {
	p, err := g.dial(strict, &net.Dialer{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = p.SetDeadline(time.Now().Add(4 * time.Second))
	_, _ = io.WriteString(p, message+next)
	part := strings.Split(want, " ")
	status, number := "200", 2
	for _, r := range refusals {
		if strings.HasPrefix(want, r.want) {
			status = strconv.Itoa(r.status)
		}
	}
	if strings.Contains(want, " close") {
		number = 1
	}
	got := replies(p, part[0], number)
	statuses := strings.TrimSuffix(status+" 200", strings.Repeat(" 200", 2-number))
	if show(got) != statuses {
		t.Errorf("%.300q is answered with %q, not %s", message, show(got), statuses)
	}
	seen := w.take()
	if status == "200" {
		if len(seen) == 0 {
			t.Fatalf("the upstream hasn't got %.300q", message)
		}
		checkSighting(t, &seen[0], part[0], body)
		seen = seen[1:]
	}
	if len(seen) != number-1 || len(seen) > 0 && (!seen[0].whole || seen[0].req.URL.Path != "/next") {
		t.Errorf("behind it, the upstream got %q", seen)
	}
}

func checkSighting(t *testing.T, s *sighting, method, body string) {
	t.Helper()
	if !s.whole || s.req.Method != method || s.body != body || len(s.req.Header["Content-Length"])+len(s.req.TransferEncoding) > 1 {
		t.Errorf("the upstream got %q, with the body %q", s.raw, s.body)
	}
}

// checkResponse has the upstream answer with a row, and sees what the client gets, and whether the next request goes well.
func (g *process) checkResponse(t *testing.T, w *witness, row *wirerows.Row) {
	p, err := g.dial(strict, &net.Dialer{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = p.SetDeadline(time.Now().Add(4 * time.Second))
	method := "GET"
	if strings.HasPrefix(row.Name, "HEAD") {
		method = "HEAD"
	}
	answer, want := row.Head, "502"
	if row.Rule == wirerows.Accepted {
		want = row.Want[:3]
		length, chunked := framingOf(row.Want)
		switch {
		case chunked:
			answer += "1\r\na\r\n0\r\n\r\n"
		case strings.Contains(row.Want, " toEnd"):
			answer += "a"
		default:
			answer += strings.Repeat("a", length)
		}
		switch {
		case want == "101": // which nobody has asked for
			want = "502"
		case want[0] == '1':
			answer, want = answer+"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"
		}
	}
	closes := row.Rule == wirerows.Accepted && strings.Contains(row.Want, " close")
	w.mu.Lock()
	w.answer, w.closes = answer, closes
	w.mu.Unlock()
	_, _ = fmt.Fprintf(p, "%s / HTTP/1.1\r\nHost: a\r\n\r\n%s", method, next)
	if got := show(replies(p, method, 2)); got != want+" 200" {
		t.Errorf("%.300q is %q to the client, not %s 200", answer, got, want)
	}
	seen := w.take()
	if len(seen) != 2 {
		t.Fatalf("the upstream got %q", seen)
	}
	if (row.Rule != wirerows.Accepted || closes) && seen[0].conn == seen[1].conn {
		t.Error("the connection is used again")
	}
}
