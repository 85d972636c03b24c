package protocols

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// upstreamHandler is what the upstreams do, by path.
func upstreamHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, h func(w http.ResponseWriter, r *http.Request, v *visit)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			v, ok := visits.Load(r.FormValue("id"))
			if !ok {
				http.Error(w, "nobody has sent this request", http.StatusTeapot)
				return
			}
			v.(*visit).proto <- r.ProtoMajor
			h(w, r, v.(*visit))
		})
	}
	handle("/echo", echo)
	handle("/trailers", trailers)
	handle("/hints", hints)
	handle("/refuse", refuse)
	handle("/unmodified", unmodified)
	handle("/large", large)
	handle("/early", early)
	handle("/broken", broken)
	handle("/wait", wait)
	handle("/upload", upload)
	handle("/events", events)
	handle("/websocket", websocketEcho)
	handle("/websocket/wrong", websocketWrong)
	handle("/bytes", bytesEcho)
	handle("/websocket/refused", func(w http.ResponseWriter, _ *http.Request, _ *visit) { http.Error(w, "no", http.StatusForbidden) })
	return mux
}

func echo(w http.ResponseWriter, r *http.Request, _ *visit) {
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
	b, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)+2))
	_, _ = fmt.Fprintf(w, "<%s>", b)
}

func trailers(w http.ResponseWriter, r *http.Request, _ *visit) {
	w.Header().Set("Trailer", "X-Announced")
	b, _ := io.ReadAll(r.Body)
	_, _ = w.Write(b)
	w.Header().Set("X-Announced", r.Trailer.Get("X-Up"))
	w.Header().Set(http.TrailerPrefix+"X-Unannounced", "2")
}

func hints(w http.ResponseWriter, _ *http.Request, v *visit) {
	w.Header().Set("Link", "</style.css>")
	w.WriteHeader(http.StatusEarlyHints)
	<-v.next // it has arrived
	w.Header().Del("Link")
	_, _ = io.WriteString(w, "final")
}

// refuse answers without a look at the body.
func refuse(w http.ResponseWriter, _ *http.Request, _ *visit) {
	w.WriteHeader(http.StatusForbidden)
}

func unmodified(w http.ResponseWriter, _ *http.Request, _ *visit) {
	w.Header().Set("Etag", `"1"`)
	w.WriteHeader(http.StatusNotModified)
}

// largeSize is the size of large bodies.
const largeSize = 5 << 20

// large returns a large body, with the sum of it and that of the request's.
func large(w http.ResponseWriter, r *http.Request, _ *visit) {
	h := sha256.New()
	n, _ := io.Copy(h, r.Body)
	w.Header().Set("X-Sum", hex.EncodeToString(h.Sum(nil)))
	w.Header().Set("X-Got", fmt.Sprint(n))
	if r.FormValue("chunked") == "" {
		w.Header().Set("Content-Length", fmt.Sprint(largeSize))
	}
	_, _ = io.Copy(w, largeBody())
}

// largeBody is a body in which each part differs from all others.
func largeBody() io.Reader {
	return io.LimitReader(&counting{}, largeSize)
}

type counting struct{ n uint64 }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.n >> (c.n % 8 * 5))
		c.n++
	}
	return len(p), nil
}

// early answers at once, then reads the body.
func early(w http.ResponseWriter, r *http.Request, v *visit) {
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex()
	_, _ = io.WriteString(w, "early\n")
	_ = rc.Flush()
	n, err := io.Copy(io.Discard, r.Body)
	_, _ = fmt.Fprintf(w, "%d bytes\n", n)
	v.ended <- err
}

// broken ends half-way.
func broken(w http.ResponseWriter, r *http.Request, _ *visit) {
	if r.FormValue("chunked") == "" {
		w.Header().Set("Content-Length", "100000")
	}
	_, _ = io.WriteString(w, strings.Repeat("half of it ", 1000))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// wait sends a head and waits until the client has gone.
func wait(w http.ResponseWriter, r *http.Request, v *visit) {
	_, _ = io.WriteString(w, "begin\n")
	_ = http.NewResponseController(w).Flush()
	v.ended <- untilGone(r)
}

func untilGone(r *http.Request) error {
	select {
	case <-r.Context().Done():
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the client is still there")
	}
}

// upload reads the body and tells how it has ended.
func upload(_ http.ResponseWriter, r *http.Request, v *visit) {
	_, _ = r.Body.Read(make([]byte, 1))
	v.next <- struct{}{}
	_, err := io.Copy(io.Discard, r.Body)
	v.ended <- err
}

// events sends one event after the other, each when the client has got the one before.
func events(w http.ResponseWriter, r *http.Request, v *visit) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	for _, event := range eventList {
		_, _ = io.WriteString(w, event)
		if rc.Flush() != nil {
			break
		}
		select {
		case <-v.next:
		case <-r.Context().Done():
			v.ended <- nil
			return
		case <-time.After(patience):
			v.ended <- fmt.Errorf("the client didn't get %q", event)
			return
		}
	}
	if r.FormValue("end") == "" {
		v.ended <- untilGone(r)
	}
}

// eventList are the events of a stream: comments keep it alive.
var eventList = []string{
	": hello\n\n",
	"id: 1\nevent: news\ndata: a\ndata: b\n\n",
	": still here\n\n",
	"data: \u00e9\n\n",
	"retry: 10\n\n",
}
