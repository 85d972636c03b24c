package transport

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
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

func TestResponse(t *testing.T) {
	tr := newHTTP1(t, HTTPOptions{DisableCompression: true})
	for name, tt := range map[string]struct {
		method, response string
		want             shape
	}{
		"length": {"GET", "200 OK\r\nX-B: 1\r\nContent-Length: 3\r\nX-A: 2\r\nx-b: 3\r\n\r\nabc",
			shape{200, gateway.Header{{Name: "X-A", Value: "2"}, {Name: "X-B", Value: "1"}, {Name: "X-B", Value: "3"}}, 3, "abc", true, nil}},
		"no body": {"GET", "200 OK\r\nContent-Length: 0\r\n\r\n",
			shape{200, nil, 0, "", false, nil}},
		"until the end": {"GET", "200 OK\r\nConnection: close\r\n\r\nabc",
			shape{200, nil, -1, "abc", true, nil}},
		"chunked": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			shape{200, nil, -1, "abc", true, nil}},
		"trailers": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T, X-S\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n",
			shape{200, gateway.Header{{Name: "Trailer", Value: "X-S, X-T"}}, -1, "abc", true,
				gateway.Header{{Name: "X-T", Value: "1"}, {Name: "X-U", Value: "2"}}}},
		"HEAD": {"HEAD", "200 OK\r\nContent-Length: 3\r\n\r\n",
			shape{200, nil, 3, "", true, nil}},
		"HEAD, unknown length": {"HEAD", "200 OK\r\n\r\n",
			shape{200, nil, -1, "", true, nil}},
		"304": {"GET", "304 Not Modified\r\nContent-Length: 3\r\n\r\n",
			shape{304, nil, 3, "", true, nil}},
		"304, unknown length": {"GET", "304 Not Modified\r\nEtag: x\r\n\r\n",
			shape{304, gateway.Header{{Name: "Etag", Value: "x"}}, -1, "", true, nil}},
		"204": {"GET", "204 No Content\r\n\r\n",
			shape{204, nil, 0, "", false, nil}},
		"unusual status": {"GET", "599 Whatever\r\nContent-Length: 0\r\n\r\n",
			shape{599, nil, 0, "", false, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = readHead(r)
				io.WriteString(c, "HTTP/1.1 "+tt.response)
			})
			leg, end := newLeg(t, tt.method, "http://"+addr)
			defer end()
			mustServe(t, tr, leg)
			if diff := cmp.Diff(tt.want, shapeOf(t, leg)); diff != "" {
				t.Error(diff)
			}
		})
	}
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

func TestBrokenResponses(t *testing.T) {
	tr := newHTTP1(t, HTTPOptions{MaxResponseHeaderBytes: 1 << 10})
	for name, tt := range map[string]struct{ response, want string }{
		"closed at once":      {"", "EOF"},
		"not HTTP":            {"SSH-2.0-OpenSSH\r\n\r\n", "malformed HTTP response"},
		"cut in the head":     {"HTTP/1.1 200 OK\r\nX-A: 1\r\n", "unexpected EOF"},
		"head too large":      {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "exceeded"},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Content-Length"},
		"101 without upgrade": {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "without an upgrade"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = readHead(r)
				io.WriteString(c, tt.response)
			})
			leg, end := newLeg(t, "GET", "http://"+addr+"/secret")
			defer end()
			err := tr.Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || gateway.IsTimeout(err) {
				t.Fatalf("the error is %v; it should say %q", err, tt.want)
			}
			if want := fmt.Sprintf("GET to upstream http://%s: ", addr); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("the error is %v; it should begin with %q", err, want)
			}
		})
	}
}

// A body that is cut off must not look complete.
func TestCutBody(t *testing.T) {
	for name, head := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = readHead(r)
				io.WriteString(c, head)
			})
			leg, end := newLeg(t, "GET", "http://"+addr)
			defer end()
			mustServe(t, newHTTP1(t, HTTPOptions{}), leg)
			b, err := io.ReadAll(leg.Response.Body)
			if string(b) != "abc" || err != io.ErrUnexpectedEOF {
				t.Errorf("read %q, %v", b, err)
			}
		})
	}
}
