package opa

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/internal/policy"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Source is a file, or what is at a URL.
type Source struct {
	// Name is the path of the file, or folder; or a URL of http or https.
	Name string
	// Content is what is in the file, if that needn't be read; a folder's is a gzipped tarball of it.
	Content []byte
}

// remote reports whether s is at a URL.
func (s *Source) remote() bool {
	return s.Content == nil && (hasScheme(s.Name, "http://") || hasScheme(s.Name, "https://"))
}

// label is the name for errors and the log: of a URL, without what may be secret.
func (s *Source) label() string {
	if !s.remote() {
		return s.Name
	}
	u, err := url.Parse(s.Name)
	if err != nil {
		return "URL"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func hasScheme(name, scheme string) bool {
	return len(name) > len(scheme) && strings.EqualFold(name[:len(scheme)], scheme)
}

// A fetched is what was got from a Source last, which is what it still has if the server says that nothing has changed.
type fetched struct {
	content                     []byte
	contentType, etag, modified string
	entries                     []policy.Entry // of a bundle
}

// How large the answer of a server may be, and how long it may take.
const (
	maxDownload  = 64 << 20
	fetchTimeout = time.Minute
)

// fetch gets what is at a URL, unless it's what old has.
func (r *rules) fetch(ctx context.Context, s *Source, old *fetched) (*fetched, error) {
	at, err := url.Parse(s.Name)
	if err != nil {
		return nil, errURL
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var x, leg gateway.Exchange
	x.SetContext(ctx)
	x.Leg(&leg)
	defer x.Finish()
	leg.Request = gateway.Request{
		Method: "GET", Scheme: at.Scheme, Host: at.Host,
		Path: cmp.Or(at.Path, "/"), RawPath: cmp.Or(at.EscapedPath(), "/"), RawQuery: at.RawQuery,
		Header: gateway.Header{{Name: "User-Agent", Value: "aileronc-opa"}},
	}
	h := &leg.Request.Header
	if at.User != nil {
		password, _ := at.User.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(at.User.Username()+":"+password)))
	}
	if old != nil && old.etag != "" {
		h.Set("If-None-Match", old.etag)
	} else if old != nil && old.modified != "" {
		h.Set("If-Modified-Since", old.modified)
	}
	for _, f := range r.Header {
		h.Set(f.Name, f.Value)
	}
	if err := r.Transport.Serve(&leg); err != nil {
		return nil, err
	}
	return receive(&leg.Response, old)
}

var errURL = errors.New("it isn't a URL")

// receive reads a response.
func receive(r *gateway.Response, old *fetched) (*fetched, error) {
	if r.Conn != nil {
		_ = r.Conn.Close() // it wasn't asked for
	}
	content := r.Bytes
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // what matters has been read
	}
	switch {
	case r.Status == 304 && old != nil:
		return old, nil
	case r.Status != 200:
		return nil, fmt.Errorf("the server answered with status %d", r.Status)
	}
	if r.Body != nil {
		var err error
		if content, err = io.ReadAll(io.LimitReader(r.Body, maxDownload+1)); err != nil {
			return nil, err
		}
	}
	if len(content) > maxDownload {
		return nil, fmt.Errorf("it has more than %d MB", maxDownload>>20)
	}
	return &fetched{content: content, contentType: r.Header.Get("Content-Type"), etag: r.Header.Get("ETag"), modified: r.Header.Get("Last-Modified")}, nil
}

// read gets the content of a file or URL.
func (r *rules) read(ctx context.Context, s *Source, old *fetched) (*fetched, error) {
	if s.remote() {
		return r.fetch(ctx, s, old)
	}
	return readFile(s)
}

func readFile(s *Source) (*fetched, error) {
	if s.Content != nil {
		return &fetched{content: s.Content}, nil
	}
	content, err := os.ReadFile(s.Name)
	return &fetched{content: content}, err
}

// readBundle is read for a bundle, which may be a folder.
func (r *rules) readBundle(ctx context.Context, s *Source, old *fetched) (f *fetched, err error) {
	if s.Content == nil && !s.remote() {
		entries, err := policy.ReadPath(s.Name)
		return &fetched{entries: entries}, err
	}
	f, err = r.read(ctx, s, old)
	if err != nil || f == old {
		return f, err
	}
	f.entries, err = policy.Unpack(f.content)
	return f, err
}
