package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// over2 runs test with an upstream of HTTP/2. That of HTTP/1.1 is the suite's.
func over2(t *testing.T, h http.HandlerFunc, test func(t *testing.T, tr *Transport, url string)) {
	t.Helper()
	test(t, newHTTP2(t, HTTP2Options{AllowHTTP: true, DisableCompression: true}), newServer2(t, h).URL)
}

// Request and response flow at the same time, each piece as soon as it is there.
func TestFullDuplex(t *testing.T) {
	over2(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		buf := make([]byte, 16)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				fmt.Fprintf(w, "<%s>", buf[:n])
				w.(http.Flusher).Flush()
			}
			if err != nil {
				return
			}
		}
	}, func(t *testing.T, tr *Transport, url string) {
		r, w := io.Pipe()
		leg, end := newLeg(t, "POST", url)
		defer end()
		leg.Request.Body, leg.Request.ContentLength = r, -1
		mustServe(t, tr, leg)
		for _, piece := range []string{"one", "two"} {
			io.WriteString(w, piece)
			got := make([]byte, len(piece)+2)
			if _, err := io.ReadFull(leg.Response.Body, got); err != nil || string(got) != "<"+piece+">" {
				t.Fatalf("read %q, %v", got, err)
			}
		}
		w.Close()
		if rest := readAll(t, leg); rest != "" {
			t.Errorf("rest: %q", rest)
		}
	})
}

func TestRequestTrailers(t *testing.T) {
	got := make(chan http.Header, 1)
	over2(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	}, func(t *testing.T, tr *Transport, url string) {
		for name, tt := range map[string]struct {
			text   string
			length int64
		}{"unknown length": {"abc", -1}, "known length": {"abc", 3}, "no body": {"", 0}} {
			t.Run(name, func(t *testing.T) {
				leg, end := newLeg(t, "POST", url)
				defer end()
				setBody(leg, tt.text, tt.length)
				leg.Request.Header.Add("Trailer", "x-t, Content-Length")
				leg.Request.Trailer = func() gateway.Header {
					return gateway.Header{{Name: "x-t", Value: "1"}, {Name: "X-T", Value: "2"}, {Name: "Transfer-Encoding", Value: "x"}}
				}
				mustServe(t, tr, leg)
				if diff := cmp.Diff(http.Header{"X-T": {"1", "2"}}, <-got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestInterim(t *testing.T) {
	over2(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(103)
		w.WriteHeader(102)
		w.Header().Del("Link")
		io.WriteString(w, "done")
	}, func(t *testing.T, tr *Transport, url string) {
		type interim struct {
			Status int
			Header gateway.Header
		}
		var got []interim
		leg, end := newLeg(t, "GET", url)
		defer end()
		leg.Interim = func(status int, h gateway.Header) error {
			got = append(got, interim{status, h})
			return nil
		}
		mustServe(t, tr, leg)
		link := gateway.Header{{Name: "Link", Value: "</style.css>"}}
		if diff := cmp.Diff([]interim{{103, link}, {102, link}}, got); diff != "" {
			t.Error(diff)
		}
		if leg.Response.Status != 200 || leg.Response.Header.Has("Link") || readAll(t, leg) != "done" {
			t.Errorf("response: %v", leg.Response)
		}
		if status, body := get(t, tr, url); status != 200 || body != "done" {
			t.Errorf("with nobody to send them to: %d %s", status, body)
		}
	})
}

func TestInterimFails(t *testing.T) {
	over2(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		io.WriteString(w, "done")
	}, func(t *testing.T, tr *Transport, url string) {
		gone := errors.New("client has gone")
		leg, end := newLeg(t, "GET", url)
		defer end()
		leg.Interim = func(int, gateway.Header) error { return gone }
		if err := tr.Serve(leg); err == nil || !strings.Contains(err.Error(), gone.Error()) {
			t.Errorf("the error is %v", err)
		}
	})
}
