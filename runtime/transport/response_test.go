package transport

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A shape is what a test looks at in a response.
type shape struct {
	Status  int
	Header  gateway.Header
	Length  int64
	Body    string
	HasBody bool
	Trailer gateway.Header
}

func shapeOf(t *testing.T, leg *gateway.Exchange) shape {
	t.Helper()
	r := &leg.Response
	s := shape{Status: r.Status, Header: r.Header, Length: r.ContentLength, HasBody: r.Body != nil, Body: readAll(t, leg)}
	if r.Trailer != nil {
		s.Trailer = r.Trailer()
	}
	return s
}

func TestResponseHTTP2(t *testing.T) {
	tr := newHTTP2(t, HTTP2Options{AllowHTTP: true, DisableCompression: true})
	for name, tt := range map[string]struct {
		method string
		answer http.HandlerFunc
		want   shape
	}{
		"length": {"GET", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abc") },
			shape{200, gateway.Header{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}}, 3, "abc", true, nil}},
		"no body": {"GET", func(w http.ResponseWriter, _ *http.Request) {},
			shape{200, nil, 0, "", false, nil}},
		"HEAD": {"HEAD", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "3") },
			shape{200, nil, 3, "", true, nil}},
		"304": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(304)
		}, shape{304, nil, 3, "", true, nil}},
		"204": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
			shape{204, nil, 0, "", false, nil}},
		"trailers": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-T")
			w.Header().Set("Content-Type", "a/b")
			io.WriteString(w, "abc")
			w.Header().Set("X-T", "1")
			w.Header().Set(http.TrailerPrefix+"X-U", "2")
		}, shape{200, gateway.Header{{Name: "Content-Type", Value: "a/b"}, {Name: "Trailer", Value: "X-T"}}, 3, "abc", true,
			gateway.Header{{Name: "X-T", Value: "1"}, {Name: "X-U", Value: "2"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer2(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				tt.answer(w, r)
			})
			leg, end := newLeg(t, tt.method, s.URL)
			defer end()
			mustServe(t, tr, leg)
			if diff := cmp.Diff(tt.want, shapeOf(t, leg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecompression(t *testing.T) {
	zip := func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Content-Type", "a/b")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			io.WriteString(w, "plain")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "zipped")
		z.Close()
	}
	type response struct {
		Header gateway.Header
		Length int64
		Body   string
	}
	contentType := gateway.Field{Name: "Content-Type", Value: "a/b"}
	for name, tt := range map[string]struct {
		disable bool
		accept  string
		want    response
	}{
		"decoded":             {false, "", response{gateway.Header{contentType}, -1, "zipped"}},
		"not asked for":       {true, "", response{gateway.Header{contentType}, 5, "plain"}},
		"asked for by client": {false, "gzip", response{gateway.Header{{Name: "Content-Encoding", Value: "gzip"}, contentType}, 30, "\x1f\x8b"}},
	} {
		for proto, start := range map[string]func() (*Transport, string){
			"HTTP/1.1": func() (*Transport, string) {
				return newHTTP1(t, HTTPOptions{DisableCompression: tt.disable}), newServer(t, zip).URL
			},
			"HTTP/2": func() (*Transport, string) {
				return newHTTP2(t, HTTP2Options{DisableCompression: tt.disable, AllowHTTP: true}), newServer2(t, zip).URL
			},
		} {
			t.Run(name+" "+proto, func(t *testing.T) {
				tr, url := start()
				leg, end := newLeg(t, "GET", url)
				defer end()
				if tt.accept != "" {
					leg.Request.Header.Add("Accept-Encoding", tt.accept)
				}
				mustServe(t, tr, leg)
				got := response{leg.Response.Header, leg.Response.ContentLength, readAll(t, leg)}
				if strings.HasPrefix(got.Body, "\x1f\x8b") {
					got.Body = got.Body[:2]
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}
