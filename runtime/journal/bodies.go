package journal

import (
	"encoding/base64"
	"io"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace"
	"github.com/aileron-gateway/aileronc/runtime/replace/jsonfield"
)

// bodies are Bodies made ready.
type bodies struct {
	types  []mediaType
	max    int64
	base64 bool
	dir    string
}

// A mediaType is one of the media types that are logged.
type mediaType struct {
	name  string
	edits []edit
}

// An edit changes a body, or reports false if it can't.
type edit func(body string) (string, bool)

func newBodies(o Bodies) (*bodies, error) {
	b := &bodies{max: o.MaxBytes, base64: o.Base64, dir: o.Dir}
	for _, name := range o.MIMEs {
		t := mediaType{name: name}
		for _, e := range o.Edits {
			if !gateway.EqualName(e.MIME, name) {
				continue
			}
			made, err := e.made()
			if err != nil {
				return nil, err
			}
			t.edits = append(t.edits, made)
		}
		b.types = append(b.types, t)
	}
	return b, nil
}

func (e Edit) made() (edit, error) {
	if len(e.JSONFields) == 0 {
		return func(body string) (string, bool) { return replace.Apply(e.Replacers, body), true }, nil
	}
	fields, err := jsonfield.New(e.JSONFields, e.Replacers)
	if err != nil {
		return nil, err
	}
	return fields.Edit, nil
}

// typeOf is the media type of a message, or nil if its body isn't to be logged.
func (b *bodies) typeOf(h gateway.Header) *mediaType {
	name, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	name = strings.Trim(name, " \t")
	for i := range b.types {
		if gateway.EqualName(b.types[i].name, name) {
			return &b.types[i]
		}
	}
	return nil
}

// A source is a body that is to be logged, and what has to be known to do so.
type source struct {
	*bodies
	*mediaType
	coding string // the fields Content-Encoding
}

func (b *bodies) source(h gateway.Header) (source, bool) {
	t := b.typeOf(h)
	if t == nil {
		return source{}, false
	}
	coding, _ := h.Joined("Content-Encoding", ",")
	return source{b, t, coding}, true
}

// text is what is logged of a body. If it isn't whole, p is its beginning.
func (s source) text(p []byte, whole bool) string {
	if len(p) == 0 || !whole && len(s.edits) > 0 {
		return ""
	}
	plain, ok := p, true
	if s.coding != "" {
		plain, ok = decode(s.coding, p, s.max)
	}
	switch {
	case !ok && len(s.edits) > 0:
		return ""
	case !ok:
		return base64.StdEncoding.EncodeToString(p)
	}
	text := string(plain)
	for _, edit := range s.edits {
		if text, ok = edit(text); !ok {
			return ""
		}
	}
	if s.base64 {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text
}

// taken is what has been taken of a body.
type taken struct {
	ready string // to be logged: the body, or the name of its file
	tee   *tee   // what takes the rest; nil if there is none
}

// isPending reports whether it takes until the end of the body to know what to log.
func (t *taken) isPending() bool { return t.tee != nil && t.tee.file == nil }

// hasEnded reports whether all of the body has passed.
func (t *taken) hasEnded() bool { return t.tee == nil || t.tee.hasEnded() }

// text is what is logged. Nothing is taken any more then, unless it goes to a file.
func (t *taken) text() string {
	if t.isPending() {
		return t.tee.text()
	}
	return t.ready
}

// close ends it, and reports what went wrong with the file.
func (t *taken) close() error {
	if t.tee == nil {
		return nil
	}
	return t.tee.seal()
}

// ofRequest takes the body of q, which is replaced by one that is as good. An error is one of reading it, or
// of making the file.
func (b *bodies) ofRequest(q *gateway.Request, name, suffix string) (taken, error) {
	if q.Body == nil || q.ContentLength == 0 && q.Trailer == nil {
		return taken{}, nil
	}
	s, ok := b.source(q.Header)
	if !ok {
		return taken{}, nil
	}
	length := q.ContentLength
	fits := 0 < length && length <= b.max
	if fits || length < 0 && b.dir == "" {
		if p, all := gateway.Buffered(q.Body); all { // which is nearly always so
			return s.atHand(p, length), nil
		}
	}
	// A client that waits to be asked for the body isn't asked for the log's sake.
	if fits && q.Trailer == nil && !q.Header.Has("Expect") {
		p := make([]byte, length)
		if _, err := io.ReadFull(q.Body, p); err != nil {
			return taken{}, err
		}
		q.Body = &held{rest: p, source: q.Body}
		return taken{ready: s.text(p, true)}, nil
	}
	return s.pass(&q.Body, length, name, suffix)
}

// ofResponse is ofRequest for the response of x, which isn't waited for.
func (b *bodies) ofResponse(x *gateway.Exchange, name, suffix string) (taken, error) {
	r := &x.Response
	switch {
	case x.Request.Method == "HEAD", r.Conn != nil, r.Status == 304, r.Status == 204, 0 < r.Status && r.Status < 200:
		return taken{}, nil // there is none (RFC 9110, section 6.4.1)
	case r.Body == nil && len(r.Bytes) == 0, r.Body != nil && r.ContentLength == 0 && r.Trailer == nil:
		return taken{}, nil
	}
	s, ok := b.source(r.Header)
	if !ok {
		return taken{}, nil
	}
	if r.Body == nil {
		if length := int64(len(r.Bytes)); length > b.max && b.dir != "" {
			return s.toFile(r.Bytes, name, suffix)
		}
		return s.atHand(r.Bytes, int64(len(r.Bytes))), nil
	}
	length := r.ContentLength
	if 0 < length && length <= b.max || length < 0 && b.dir == "" {
		if p, all := gateway.Buffered(r.Body); all {
			return s.atHand(p, length), nil
		}
	}
	return s.pass(&r.Body, length, name, suffix)
}

// atHand takes a body that is all there.
func (s source) atHand(p []byte, length int64) taken {
	if int64(len(p)) > s.max {
		return taken{}
	}
	return taken{ready: s.text(p, length < 0 || length == int64(len(p)))}
}

// pass takes a copy of a body as it passes, if it isn't too long for that.
func (s source) pass(body *io.ReadCloser, length int64, name, suffix string) (t taken, err error) {
	inMemory := s.max > 0 && length <= s.max
	if length < 0 && s.dir != "" {
		inMemory = false
	}
	if !inMemory && s.dir == "" {
		return taken{}, nil
	}
	t.tee = &tee{source: s, body: *body, length: length}
	if !inMemory {
		if t.tee.file, t.ready, err = create(s.dir, name, suffix); err != nil {
			return taken{}, err
		}
	}
	*body = t.tee
	return t, nil
}

// toFile writes a body that is all there.
func (s source) toFile(p []byte, name, suffix string) (taken, error) {
	file, ready, err := create(s.dir, name, suffix)
	if err != nil {
		return taken{}, err
	}
	t := taken{ready: ready, tee: &tee{file: file}}
	t.tee.take(p, nil)
	return t, t.close()
}
