package route

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
)

// A Pattern is what a route matches.
type Pattern struct {
	Host     string // in lower case, "" for any
	Segments []Segment

	source string
}

// A Segment is one piece of a path between slashes.
type Segment struct {
	Kind Kind
	// Text is the unescaped literal, or the name of the wildcard.
	Text string
}

// A Kind tells what a segment matches.
type Kind uint8

// The kinds of segments.
const (
	Text  Kind = iota // itself
	Wild              // {name}: one segment that isn't empty
	Multi             // {name...}, or nothing after a slash: the rest of the path
	End               // {$}: the end after a slash
)

// An Error says what is wrong with a pattern.
type Error struct {
	Pattern string
	Offset  int // of the bad part, in bytes
	Length  int // of the bad part
	Message string
	Hint    string // what to write instead, if that is clear
}

// Error returns the message with the pattern in front, and the hint behind.
func (e *Error) Error() string {
	s := fmt.Sprintf("pattern %q: %s", e.Pattern, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Parse reads a pattern: [HOST]/[PATH].
func Parse(pattern string) (*Pattern, error) {
	p, err := parse(pattern)
	if err != nil {
		err.Pattern = pattern
		return nil, err
	}
	return p, nil
}

func parse(s string) (*Pattern, *Error) {
	if s == "" {
		return nil, &Error{Message: "is empty", Hint: `"/" matches every path`}
	}
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return nil, &Error{Offset: i, Length: 1, Message: "has a blank in it",
			Hint: "a blank of a path is written %20, and methods are listed beside the pattern"}
	}
	slash := strings.IndexByte(s, '/')
	if slash < 0 {
		return nil, &Error{Length: len(s), Message: "has no path",
			Hint: fmt.Sprintf("%q is a path, %q a host with all of its paths", "/"+s, s+"/")}
	}
	p := &Pattern{source: s}
	var err *Error
	if p.Host, err = parseHost(s[:slash]); err != nil {
		return nil, err
	}
	if clean := cleanPath(s[slash:]); clean != s[slash:] {
		return nil, &Error{Offset: slash, Length: len(s) - slash, Message: "no request has this path, since paths are cleaned first",
			Hint: fmt.Sprintf("write %q", clean)}
	}
	return p, p.parsePath(s, slash)
}

func parseHost(host string) (string, *Error) {
	if i := strings.IndexByte(host, '{'); i >= 0 {
		return "", &Error{Offset: i, Length: len(host) - i, Message: "the host has a wildcard in it",
			Hint: "wildcards stand in the path, which begins with a slash"}
	}
	normal := NormalHost(host)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return "", &Error{Offset: i, Length: len(host) - i, Message: "the host has a port, but ports are not compared",
			Hint: fmt.Sprintf("write %q", normal)}
	}
	return normal, nil
}

func (p *Pattern) parsePath(s string, off int) *Error {
	seen := map[string]bool{}
	for off < len(s) {
		off++ // the slash
		if off == len(s) {
			p.Segments = append(p.Segments, Segment{Kind: Multi})
			break
		}
		end := len(s)
		if i := strings.IndexByte(s[off:], '/'); i >= 0 {
			end = off + i
		}
		seg, err := parseSegment(s[off:end], end == len(s))
		if err == nil && seg.Kind != Text && seen[seg.Text] && seg.Text != "" {
			err = &Error{Message: fmt.Sprintf("has two wildcards named %q", seg.Text), Hint: "give each a name of its own"}
		}
		if err != nil {
			err.Offset, err.Length = off, end-off
			return err
		}
		if seg.Kind != Text {
			seen[seg.Text] = true
		}
		p.Segments = append(p.Segments, seg)
		off = end
	}
	return nil
}

func parseSegment(text string, last bool) (Segment, *Error) {
	switch open := strings.IndexByte(text, '{'); {
	case open < 0:
		return Segment{Kind: Text, Text: unescape(text)}, nil
	case !strings.Contains(text[open:], "}"):
		return Segment{}, &Error{Message: fmt.Sprintf("segment %q opens a wildcard and doesn't close it", text)}
	case open > 0 || text[len(text)-1] != '}':
		return Segment{}, &Error{Message: fmt.Sprintf("segment %q has text beside a wildcard", text),
			Hint: "a wildcard is a whole segment, like /{id}/"}
	}
	name := text[1 : len(text)-1]
	if name == "$" {
		if !last {
			return Segment{}, &Error{Message: "{$} stands for the end of the path, but the path goes on"}
		}
		return Segment{Kind: End}, nil
	}
	name, multi := strings.CutSuffix(name, "...")
	switch {
	case name == "":
		return Segment{}, &Error{Message: fmt.Sprintf("wildcard %s has no name", text), Hint: "{id} is one segment, {rest...} the rest of the path"}
	case !isName(name):
		return Segment{}, &Error{Message: fmt.Sprintf("%q is no name for a wildcard", name),
			Hint: "a name is made of letters, digits and underscores, and begins with no digit"}
	case multi && !last:
		return Segment{}, &Error{Message: fmt.Sprintf("%s takes the rest of the path, but the path goes on", text),
			Hint: fmt.Sprintf("{%s} takes one segment", name)}
	case multi:
		return Segment{Kind: Multi, Text: name}, nil
	}
	return Segment{Kind: Wild, Text: name}, nil
}

func isName(s string) bool {
	for i, c := range s {
		if !unicode.IsLetter(c) && c != '_' && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return s != ""
}

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.source }

func (p *Pattern) params() []string {
	var names []string
	for _, s := range p.Segments {
		if s.Kind != Text && s.Text != "" {
			names = append(names, s.Text)
		}
	}
	return names
}

// wildFrom reports whether there is a wildcard at segment i or after it.
func (p *Pattern) wildFrom(i int) bool {
	for _, s := range p.Segments[i:] {
		if s.Kind == Wild || s.Kind == Multi {
			return true
		}
	}
	return false
}

// NormalHost returns a host name as trees compare it: without the port, the
// brackets of an IPv6 address and a final dot, and in lower case.
func NormalHost(host string) string {
	if end := strings.IndexByte(host, ']'); strings.HasPrefix(host, "[") && end > 0 && (end == len(host)-1 || host[end+1] == ':') {
		host = host[1:end]
	} else if i := strings.IndexByte(host, ':'); i >= 0 && i == strings.LastIndexByte(host, ':') {
		host = host[:i]
	}
	return strings.Map(lower, strings.TrimSuffix(host, "."))
}

// lower is for ASCII alone: names in other letters come in their ASCII form.
func lower(c rune) rune {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// cleanPath removes empty segments, "." and ".." and keeps a slash at the end.
func cleanPath(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
