package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestTransportResponse(t *testing.T) {
	type shape struct {
		Status  int
		Header  gateway.Header
		Length  int64
		Body    string
		HasBody bool
		Trailer gateway.Header
		Kept    bool // the connection
	}
	for name, tt := range map[string]struct {
		method, response string
		want             shape
	}{
		"length": {"GET", "200 OK\r\nX-B: 1\r\nContent-Length: 3\r\nx-b: 3\r\n\r\nabc",
			shape{200, gateway.Header{{Name: "X-B", Value: "1"}, {Name: "x-b", Value: "3"}}, 3, "abc", true, nil, true}},
		"long":          {"GET", "200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), shape{200, nil, 100000, strings.Repeat("x", 100000), true, nil, true}},
		"no body":       {"GET", "200 OK\r\nContent-Length: 0\r\n\r\n", shape{200, nil, 0, "", false, nil, true}},
		"until the end": {"GET", "200 OK\r\n\r\nabc", shape{200, nil, -1, "abc", true, nil, false}},
		"to be closed": {"GET", "200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
			shape{200, gateway.Header{{Name: "Connection", Value: "close"}}, 3, "abc", true, nil, false}},
		"chunked": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			shape{200, nil, -1, "abc", true, nil, true}},
		"chunks": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			shape{200, nil, -1, "abcde", true, nil, true}},
		"trailers": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n",
			shape{200, gateway.Header{{Name: "Trailer", Value: "X-T"}}, -1, "abc", true,
				gateway.Header{{Name: "X-T", Value: "1"}, {Name: "X-U", Value: "2"}}, true}},
		"HEAD":                 {"HEAD", "200 OK\r\nContent-Length: 3\r\n\r\n", shape{200, nil, 3, "", true, nil, true}},
		"HEAD, unknown length": {"HEAD", "200 OK\r\n\r\n", shape{200, nil, -1, "", true, nil, true}},
		"HEAD with a body":     {"HEAD", "200 OK\r\nContent-Length: 3\r\n\r\nabc", shape{200, nil, 3, "", true, nil, false}},
		"304":                  {"GET", "304 Not Modified\r\nContent-Length: 3\r\n\r\n", shape{304, nil, 3, "", true, nil, true}},
		"204":                  {"GET", "204 No Content\r\n\r\n", shape{204, nil, 0, "", false, nil, true}},
		"204 with a body":      {"GET", "204 No Content\r\n\r\nabc", shape{204, nil, 0, "", false, nil, false}},
		"too long": {"GET", "200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
			shape{200, nil, 3, "abc", true, nil, false}},
		"too many chunks": {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
			shape{200, nil, -1, "abc", true, nil, false}},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = requestHead(r)
				io.WriteString(c, "HTTP/1.1 "+tt.response)
				if tt.want.Length != -1 || tt.want.Kept {
					io.Copy(io.Discard, r)
				}
			})
			tr := testTransport(t, TransportOptions{})
			leg, end := newLeg(t, tt.method, "http://"+addr)
			defer end()
			mustServe(t, tr, leg)
			r := &leg.Response
			got := shape{Status: r.Status, Header: r.Header, Length: r.ContentLength, HasBody: r.Body != nil, Body: readBody(t, leg)}
			if len(got.Header) == 0 {
				got.Header = nil
			}
			if r.Trailer != nil {
				got.Trailer = r.Trailer()
			}
			_, idle := linksOf(tr, addr)
			got.Kept = idle == 1
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTransportBrokenResponses(t *testing.T) {
	tr := testTransport(t, TransportOptions{MaxResponseHeaderBytes: 1 << 10})
	for name, tt := range map[string]struct {
		response string
		want     error
		fault    int
	}{
		"closed at once":         {"", io.EOF, 0},
		"not HTTP":               {"SSH-2.0-OpenSSH\r\n", errNotHTTP, 0},
		"cut in the head":        {"HTTP/1.1 200 OK\r\nX-A: 1\r\n", io.ErrUnexpectedEOF, 0},
		"head too large":         {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", errHeadSize, 0},
		"endless head":           {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 64<<10), errHeadSize, 0},
		"two lengths":            {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", nil, twoLengths},
		"101 without upgrade":    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", errSwitch, 0},
		"101 not asked for":      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", errSwitch, 0},
		"broken 1xx":             {"HTTP/1.1 103 Early Hints\r\nX : 1\r\n\r\n", nil, spaceBeforeColon},
		"informational response": {"HTTP/1.1 103 Early Hints\r\n\r\n", io.EOF, 0},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = requestHead(r)
				io.WriteString(c, tt.response)
				if strings.HasPrefix(tt.response, "SSH") {
					io.Copy(io.Discard, r)
				}
			})
			leg, end := newLeg(t, "GET", "http://"+addr+"/secret")
			defer end()
			err := tr.Serve(leg)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || gateway.IsTimeout(err) {
				t.Fatalf("the error is %v; it should be %v", err, tt.want)
			}
			if tt.want == nil {
				if f, ok := errors.AsType[*Fault](err); !ok || f != &rules[tt.fault] {
					t.Errorf("the error is %v", err)
				}
			}
			if want := fmt.Sprintf("GET to upstream http://%s: ", addr); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("the error is %v; it should begin with %q", err, want)
			}
			if all, _ := linksOf(tr, addr); all != 0 {
				t.Errorf("there are %d connections left", all)
			}
		})
	}
}

func TestTransportCutBody(t *testing.T) {
	for name, head := range map[string]string{
		"length":  "Content-Length: 10\r\n\r\nabc",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"spoiled": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = requestHead(r)
				io.WriteString(c, "HTTP/1.1 200 OK\r\n"+head)
			})
			tr := testTransport(t, TransportOptions{})
			leg, end := newLeg(t, "GET", "http://"+addr)
			mustServe(t, tr, leg)
			b, err := io.ReadAll(leg.Response.Body)
			_, fault := errors.AsType[*Fault](err)
			if string(b) != "abc" || !errors.Is(err, io.ErrUnexpectedEOF) && !fault {
				t.Errorf("read %q, %v", b, err)
			}
			end()
			if all, _ := linksOf(tr, addr); all != 0 {
				t.Errorf("there are %d connections left", all)
			}
		})
	}
}

// Bodies that aren't read to their end leave the connection usable only if the end has come.
func TestTransportClosesBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		begin, rest string
		kept        bool
	}{
		"all there":        {"Content-Length: 3\r\n\r\nabc", "", true},
		"all chunks there": {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", "", true},
		"more to come":     {"Content-Length: 3\r\n\r\na", "bc", false},
		"chunks to come":   {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "0\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			more := make(chan struct{})
			addr := rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) {
				_, _ = requestHead(r)
				io.WriteString(c, "HTTP/1.1 200 OK\r\n"+tt.begin)
				<-more
				io.WriteString(c, tt.rest)
				io.Copy(io.Discard, r)
			})
			tr := testTransport(t, TransportOptions{})
			leg, _ := newLeg(t, "GET", "http://"+addr)
			mustServe(t, tr, leg)
			b := leg.Response.Body
			for range 2 {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
			if n, err := b.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
				t.Errorf("read %d, %v", n, err)
			}
			if _, idle := linksOf(tr, addr); (idle == 1) != tt.kept {
				t.Errorf("%d connections are idle", idle)
			}
			close(more)
		})
	}
}
