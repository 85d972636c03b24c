package http3transport

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

// head is a HEADERS frame of names and values in turn.
func head(pairs ...string) []byte {
	var b bytes.Buffer
	e := qpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(qpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return frame(1, b.String())
}

// data is a DATA frame.
func data(text string) []byte { return frame(0, text) }

func frame(kind uint64, payload string) []byte {
	return append(quicvarint.Append(quicvarint.Append(nil, kind), uint64(len(payload))), payload...)
}

// streams hands each request to serve, its head read, with their numbers.
func streams(c *quic.Conn, serve func(s *quic.Stream, n int)) {
	for n := 0; ; n++ {
		s, err := c.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go func() {
			_ = s.SetDeadline(time.Now().Add(forever))
			r := quicvarint.NewReader(s)
			if _, err := quicvarint.Read(r); err != nil {
				return
			}
			length, err := quicvarint.Read(r)
			if err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
				return
			}
			serve(s, n)
		}()
	}
}

// answer sends frames, and the end of the stream.
func answer(s *quic.Stream, frames ...[]byte) {
	_, _ = s.Write(bytes.Join(frames, nil))
	_ = s.Close()
}

// ok answers a request.
func ok(s *quic.Stream) { answer(s, head(":status", "200", "content-length", "2"), data("ok")) }

// What no upstream should send is no response, or none to the end.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, frames := range map[string][][]byte{
		"nothing":                    {},
		"no status":                  {head("x-foo", "1")},
		"a status that is no number": {head(":status", "ok")},
		"status below 100":           {head(":status", "42")},
		"DATA first":                 {data("x")},
		"upper case":                 {head(":status", "200", "X-Foo", "1")},
		"Connection":                 {head(":status", "200", "connection", "close")},
		"of a request":               {head(":status", "200", ":path", "/")},
		"bad value":                  {head(":status", "200", "x", "a\nb")},
		"lengths":                    {head(":status", "200", "content-length", "1", "content-length", "2")},
		"half a head":                {{1, 10, 0, 0}},
		"only interims":              {head(":status", "103")},
		"switching protocols":        {head(":status", "101")},
		"too short":                  {head(":status", "200", "content-length", "3"), data("ab")},
		"too long":                   {head(":status", "200", "content-length", "1"), data("ab")},
		"two trailers":               {head(":status", "200"), data("a"), head("x", "1"), head("x", "1")},
		"bad trailer":                {head(":status", "200"), data("a"), head(":status", "200")},
		"data behind it":             {head(":status", "200"), head("x", "1"), data("a")},
	} {
		u := newRaw(t, nil, func(c *quic.Conn, n int) {
			streams(c, func(s *quic.Stream, i int) {
				if n == 0 && i == 0 {
					answer(s, frames...)
					return
				}
				ok(s)
			})
		})
		tr := u.transport(t)
		l := newLeg(t, "POST", u.url()) // which isn't tried again
		err := tr.Serve(l.Exchange)
		if err == nil {
			_, err = io.ReadAll(l.Response.Body)
		}
		if err == nil {
			t.Errorf("%s: it's taken for a response: %+v", name, l.Response)
		}
		l.end()
		if status, body := get(t, tr, u.url()); status != 200 || body != "ok" {
			t.Errorf("%s: the next one is %d %q", name, status, body)
		}
	}
}
