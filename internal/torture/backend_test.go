package torture

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// text is n bytes that tell whose they are: "id;id;id;".
func text(id string, n int) string {
	return strings.Repeat(id+";", n/(len(id)+1)+1)[:n]
}

// foreign returns a part of got that isn't the beginning of text(id, …).
func foreign(id, got string) string {
	want := text(id, len(got))
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("%q at %d", got[i:min(i+40, len(got))], i)
		}
	}
	return ""
}

// A backend answers as the query of a request says, on connections of its own, so that it
// can break all rules. Query parameters: mode, n (the length of the body), te (chunked or not).
type backend struct {
	net.Listener
	t     *testing.T
	tries sync.Map // id -> *int, of the mode flaky
}

func newBackend(t *testing.T, addr string) *backend {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{Listener: l, t: t}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c.(*net.TCPConn))
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return b
}

func (b *backend) serve(c *net.TCPConn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		req, err := http.ReadRequest(r)
		if err != nil || !b.answer(c, r, req) {
			return
		}
	}
}

// checkRequest tells whether all parts of a request are of the same one.
func checkRequest(t *testing.T, req *http.Request) (id string, q url.Values) {
	q = req.URL.Query()
	id = q.Get("id")
	if got := req.Header.Values("X-Id"); len(got) != 1 || got[0] != id {
		t.Errorf("request %s has X-Id %q", id, got)
	}
	if !strings.HasSuffix(req.URL.Path, "/"+id) || req.Header.Get("X-Policy") != "1" || req.Header.Get("X-Secret") != "" ||
		len(req.Header.Values("X-Request-Id")) != 1 || len(req.Header.Values("X-Forwarded-For")) != 1 {
		t.Errorf("request %s: %s %q", id, req.URL, req.Header)
	}
	return id, q
}

// readBody reads a body, which may end early, and checks whose it is.
func readBody(t *testing.T, id string, req *http.Request) error {
	body, err := io.ReadAll(req.Body)
	if f := foreign(id, string(body)); f != "" {
		t.Errorf("request %s has a foreign body: %s", id, f)
	}
	if got := req.Trailer.Get("X-Trailer-Id"); err == nil && got != "" && got != id {
		t.Errorf("request %s has the trailer of %s", id, got)
	}
	return err
}

// answer reports whether the connection can be used again.
func (b *backend) answer(c *net.TCPConn, r *bufio.Reader, req *http.Request) bool {
	id, q := checkRequest(b.t, req)
	n, _ := strconv.Atoi(q.Get("n"))
	mode := q.Get("mode")
	if req.Method == "HEAD" && strings.HasPrefix(mode, "cut") && mode != "cut head" {
		mode = "plain"
	}
	if mode == "flaky" {
		v, _ := b.tries.LoadOrStore(id, new(int))
		if v := v.(*int); *v == 0 { // one try after the other
			*v++
			mode = []string{"reset", "cut head", "503"}[rand.N(3)]
		} else {
			mode = "plain"
		}
	}
	switch mode {
	case "reset":
		_ = c.SetLinger(0)
		return false
	case "cut head":
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Id: "+id)
		_ = c.SetLinger(rand.N(2) - 1)
		return false
	case "early":
		te := q.Get("te")
		if rand.N(2) == 0 {
			te = "close"
		}
		return b.respond(c, req, id, 200, n, te, 0) && readBody(b.t, id, req) == nil
	case "hang":
		_, _ = io.Copy(io.Discard, r)
		return false
	}
	if req.Header.Get("Expect") != "" && rand.N(2) == 0 {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if readBody(b.t, id, req) != nil {
		return false
	}
	switch mode {
	case "interim":
		for range 1 + rand.N(3) {
			_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nX-Id: "+id+"\r\nLink: </"+id+">\r\n\r\n")
		}
		return b.respond(c, req, id, 200, n, q.Get("te"), 0)
	case "slow":
		return b.respond(c, req, id, 200, n, q.Get("te"), time.Millisecond)
	case "204", "304", "503", "404":
		status, _ := strconv.Atoi(mode)
		return b.respond(c, req, id, status, n, q.Get("te"), 0)
	case "cut":
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Id: %s\r\nContent-Length: %d\r\n\r\n%s", id, n+1, text(id, n/2))
		_ = c.SetLinger(rand.N(2) - 1)
		return false
	case "cut chunks":
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Id: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", id, n+1, text(id, n/2))
		return false
	case "upgrade":
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: torture\r\nX-Id: %s\r\n\r\n%s;", id, id)
		_, _ = io.Copy(struct{ io.Writer }{c}, r)
		_ = c.CloseWrite()
		return false
	case "unasked":
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		return false
	}
	return b.respond(c, req, id, 200, n, q.Get("te"), 0)
}

// respond sends a whole response, in pieces with pauses, if there are to be some.
func (b *backend) respond(c net.Conn, req *http.Request, id string, status, n int, te string, pause time.Duration) bool {
	w := bufio.NewWriterSize(c, 4096)
	fmt.Fprintf(w, "HTTP/1.1 %d X\r\nX-Id: %s\r\nX-Secret: s\r\nSet-Cookie: a=%s\r\nSet-Cookie: b=%s\r\n", status, id, id, id)
	bodiless := req.Method == "HEAD" || status == 204 || status == 304
	switch {
	case bodiless:
		if status != 204 {
			fmt.Fprintf(w, "Content-Length: %d\r\n", n)
		}
		fmt.Fprint(w, "\r\n")
		return w.Flush() == nil
	case te == "chunked":
		fmt.Fprint(w, "Transfer-Encoding: chunked\r\nTrailer: X-Trailer-Id\r\n\r\n")
	case te == "close":
		fmt.Fprint(w, "Connection: close\r\n\r\n")
	default:
		fmt.Fprintf(w, "Content-Length: %d\r\n\r\n", n)
	}
	for body := text(id, n); body != ""; {
		piece := body[:1+rand.N(len(body))]
		body = body[len(piece):]
		if te == "chunked" {
			fmt.Fprintf(w, "%x\r\n%s\r\n", len(piece), piece)
		} else {
			_, _ = w.WriteString(piece)
		}
		if pause > 0 {
			_ = w.Flush()
			time.Sleep(rand.N(pause))
		}
	}
	if te == "chunked" {
		fmt.Fprintf(w, "0\r\nX-Trailer-Id: %s\r\n\r\n", id)
	}
	return w.Flush() == nil && te != "close"
}

// newBackend2 is a backend of HTTP/2.
func newBackend2(t *testing.T, addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: p, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer2(t, w, r) })}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
}

func answer2(t *testing.T, w http.ResponseWriter, r *http.Request) {
	id, q := checkRequest(t, r)
	n, _ := strconv.Atoi(q.Get("n"))
	mode := q.Get("mode")
	if mode == "reset" {
		panic(http.ErrAbortHandler)
	}
	if mode != "early" {
		_ = readBody(t, id, r)
	}
	h := w.Header()
	h.Set("X-Id", id)
	if mode == "interim" {
		w.WriteHeader(103)
	}
	h.Add("Set-Cookie", "a="+id)
	h.Add("Set-Cookie", "b="+id)
	h.Set("Trailer", "X-Trailer-Id")
	w.WriteHeader(200)
	body := text(id, n)
	if mode == "cut" {
		body = body[:n/2]
	}
	_, _ = io.WriteString(w, body)
	if mode == "cut" {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	h.Set("X-Trailer-Id", id)
}
