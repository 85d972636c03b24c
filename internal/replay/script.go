// Package replay sends the requests of a script to a gateway and compares the
// answers with what the script expects.
//
// A script is a list of entries, each begun by a line of three hashes and a title:
//
//	### the API answers
//	POST http://127.0.0.1:8080/api/x?y=1
//	Content-Type: text/plain
//
//	the body
//	--- 200
//	Content-Type: text/plain
//	X-Request-Id: ~ ^[0-9A-Z]+$
//	X-Powered-By: !
//
//	~ a regular expression that matches the body
//
// The request line may end in the version that is to be spoken: "HTTP/2" is HTTP/2 with prior knowledge, "HTTP/3" is what it says.
// Certificates of https URLs aren't verified.
//
// A header is expected exactly, or to match a regular expression after "~ ", or to be
// absent with "!". Instead of lines that begin with "~ ", the expected body may be
// written down as it is.
package replay

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// An Entry is a request and the answer that is expected.
type Entry struct {
	Title       string
	Line        int // of the title
	Method, URL string
	Proto       string // the version of HTTP, "" for the usual one
	Header      [][2]string
	Body        string

	Status    int
	Want      [][2]string
	WantBody  string
	Matches   []*regexp.Regexp
	ExactBody bool
}

// Parse reads a script.
func Parse(text string) ([]*Entry, error) {
	var entries []*Entry
	var block []string
	start := 0
	flush := func() error {
		if len(block) == 0 {
			return nil
		}
		e, err := parseEntry(block)
		if err != nil {
			return fmt.Errorf("line %d: %w", start, err)
		}
		e.Line = start
		entries = append(entries, e)
		block = nil
		return nil
	}
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if strings.HasPrefix(line, "### ") {
			if err := flush(); err != nil {
				return nil, err
			}
			start = i + 1
		} else if start == 0 {
			continue // remarks before the first entry
		}
		block = append(block, line)
	}
	return entries, flush()
}

func parseEntry(lines []string) (*Entry, error) {
	e := &Entry{Title: strings.TrimPrefix(lines[0], "### ")}
	split := -1
	for i, l := range lines {
		if strings.HasPrefix(l, "--- ") {
			split = i
		}
	}
	if split < 2 {
		return nil, fmt.Errorf("no line with the expected status, like: --- 200")
	}
	var ok bool
	if e.Method, e.URL, ok = strings.Cut(lines[1], " "); !ok {
		return nil, fmt.Errorf("the request line must be a method and a URL")
	}
	e.URL, e.Proto, _ = strings.Cut(e.URL, " ")
	if _, ok := clients[e.Proto]; !ok {
		return nil, fmt.Errorf("no client speaks %q", e.Proto)
	}
	var body string
	e.Header, body = message(lines[2:split])
	e.Body = body
	var err error
	if e.Status, err = strconv.Atoi(strings.TrimSpace(lines[split][4:])); err != nil {
		return nil, err
	}
	e.Want, body = message(lines[split+1:])
	return e, e.expectBody(body)
}

// message splits lines into header fields and what comes after the first empty line.
func message(lines []string) (header [][2]string, body string) {
	for i, l := range lines {
		if l == "" {
			return header, strings.TrimRight(strings.Join(lines[i+1:], "\n"), "\n")
		}
		name, value, _ := strings.Cut(l, ":")
		header = append(header, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return header, ""
}

func (e *Entry) expectBody(body string) error {
	if body == "" {
		return nil
	}
	for l := range strings.SplitSeq(body, "\n") {
		pattern, ok := strings.CutPrefix(l, "~ ")
		if !ok {
			e.WantBody, e.ExactBody, e.Matches = body, true, nil
			return nil
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return err
		}
		e.Matches = append(e.Matches, re)
	}
	return nil
}
