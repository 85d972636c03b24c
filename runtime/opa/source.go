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
	"slices"
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

// How large the answer of a server may be, how long it may take, and how often it may redirect.
const (
	maxDownload  = 64 << 20
	maxRedirects = 5
	fetchTimeout = time.Minute
)

// fetch gets what is at a URL, unless it's what old has. Redirections are followed, but not from https to http, and to another host
// without credentials.
func (r *rules) fetch(ctx context.Context, s *Source, old *fetched) (*fetched, error) {
	at, err := url.Parse(s.Name)
	if err != nil {
		return nil, errURL
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	header := r.requestHeader(at, old)
	for range maxRedirects + 1 {
		f, next, err := r.get(ctx, at, header, old)
		if err != nil || next == "" {
			return f, err
		}
		to, err := at.Parse(next)
		switch {
		case err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http":
			return nil, errors.New("the server redirects to something that isn't a URL of http or https")
		case at.Scheme == "https" && to.Scheme == "http":
			return nil, errors.New("the server redirects from https to http")
		case to.Host != at.Host:
			header = plainHeader
		}
		at = to
	}
	return nil, errors.New("the server redirects too often")
}

// plainHeader are the fields of any request.
var plainHeader = gateway.Header{{Name: "User-Agent", Value: "aileronc-opa"}}

// requestHeader are the fields of a request for what is at a URL.
func (r *rules) requestHeader(at *url.URL, old *fetched) gateway.Header {
	h := slices.Clone(plainHeader)
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
	return h
}

// get sends one request. It returns where the server redirects to, if it does.
func (r *rules) get(ctx context.Context, at *url.URL, header gateway.Header, old *fetched) (f *fetched, next string, err error) {
	var x, leg gateway.Exchange
	x.SetContext(ctx)
	x.Leg(&leg)
	defer x.Finish()
	leg.Request = gateway.Request{
		Method: "GET", Scheme: at.Scheme, Host: at.Host,
		Path: cmp.Or(at.Path, "/"), RawPath: cmp.Or(at.EscapedPath(), "/"), RawQuery: at.RawQuery,
		Header: slices.Clone(header),
	}
	if err := r.Transport.Serve(&leg); err != nil {
		return nil, "", err
	}
	q := &leg.Response
	if q.Body != nil {
		defer func() { _ = q.Body.Close() }() // what matters has been read
	}
	if q.Conn != nil {
		_ = q.Conn.Close() // it wasn't asked for
	}
	switch q.Status {
	case 301, 302, 303, 307, 308:
		if next = q.Header.Get("Location"); next != "" {
			return nil, next, nil
		}
	}
	f, err = receive(q, old)
	return f, "", err
}

var errURL = errors.New("it isn't a URL")

// receive reads a response.
func receive(r *gateway.Response, old *fetched) (*fetched, error) {
	content := r.Bytes
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
