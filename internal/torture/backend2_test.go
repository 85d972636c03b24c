package torture

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
)

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
