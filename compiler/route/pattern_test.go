package route_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		host    string
		want    []route.Segment
	}{
		{"/", "", []route.Segment{{Kind: route.Multi}}},
		{"/a", "", []route.Segment{{Kind: route.Text, Text: "a"}}},
		{"/a/", "", []route.Segment{{Kind: route.Text, Text: "a"}, {Kind: route.Multi}}},
		{"/{id}/{rest...}", "", []route.Segment{{Kind: route.Wild, Text: "id"}, {Kind: route.Multi, Text: "rest"}}},
		{"/a/{$}", "", []route.Segment{{Kind: route.Text, Text: "a"}, {Kind: route.End}}},
		{"/a%2Fb/100%/%2e", "", []route.Segment{{Kind: route.Text, Text: "a/b"}, {Kind: route.Text, Text: "100%"}, {Kind: route.Text, Text: "."}}},
		{"WWW.Example.com./x", "www.example.com", []route.Segment{{Kind: route.Text, Text: "x"}}},
		{"[::1]/x", "::1", []route.Segment{{Kind: route.Text, Text: "x"}}},
	} {
		p, err := route.Parse(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		want := &route.Pattern{Host: tt.host, Segments: tt.want}
		if diff := cmp.Diff(want, p, cmpopts.IgnoreUnexported(route.Pattern{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.pattern, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		bad     string // the part that the error points at
		want    string
	}{
		{"", "", `pattern "": is empty; "/" matches every path`},
		{"users", "users", `pattern "users": has no path; "/users" is a path, "users/" a host with all of its paths`},
		{"GET /users", " ", `pattern "GET /users": has a blank in it; a blank of a path is written %20, and methods are listed beside the pattern`},
		{"{id}/x", "{id}", `pattern "{id}/x": the host has a wildcard in it; wildcards stand in the path, which begins with a slash`},
		{"a.com:80/", ":80", `pattern "a.com:80/": the host has a port, but ports are not compared; write "a.com"`},
		{"[::1]:80/", ":80", `pattern "[::1]:80/": the host has a port, but ports are not compared; write "::1"`},
		{"a.com/x//y", "/x//y", `pattern "a.com/x//y": no request has this path, since paths are cleaned first; write "/x/y"`},
		{"/x/../y/", "/x/../y/", `pattern "/x/../y/": no request has this path, since paths are cleaned first; write "/y/"`},
		{"/u/{id", "{id", `pattern "/u/{id": segment "{id" opens a wildcard and doesn't close it`},
		{"/u/x{id}/y", "x{id}", `pattern "/u/x{id}/y": segment "x{id}" has text beside a wildcard; a wildcard is a whole segment, like /{id}/`},
		{"/u/{id}.json", "{id}.json", `pattern "/u/{id}.json": segment "{id}.json" has text beside a wildcard; a wildcard is a whole segment, like /{id}/`},
		{"/{$}/x", "{$}", `pattern "/{$}/x": {$} stands for the end of the path, but the path goes on`},
		{"/{p...}/x", "{p...}", `pattern "/{p...}/x": {p...} takes the rest of the path, but the path goes on; {p} takes one segment`},
		{"/{}", "{}", `pattern "/{}": wildcard {} has no name; {id} is one segment, {rest...} the rest of the path`},
		{"/{...}", "{...}", `pattern "/{...}": wildcard {...} has no name; {id} is one segment, {rest...} the rest of the path`},
		{"/{a-b}", "{a-b}", `pattern "/{a-b}": "a-b" is no name for a wildcard; a name is made of letters, digits and underscores, and begins with no digit`},
		{"/{a}/b/{a}", "{a}", `pattern "/{a}/b/{a}": has two wildcards named "a"; give each a name of its own`},
	} {
		_, err := route.Parse(tt.pattern)
		e, ok := err.(*route.Error)
		if !ok {
			t.Errorf("%q: got %v", tt.pattern, err)
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.pattern, diff)
		}
		if bad := tt.pattern[e.Offset : e.Offset+e.Length]; bad != tt.bad {
			t.Errorf("%q: the error points at %q, want %q", tt.pattern, bad, tt.bad)
		}
	}
}

func TestNormalHost(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a.com": "a.com", "A.Com:80": "a.com", "a.com.": "a.com", "a.com.:443": "a.com", "a.com:": "a.com",
		"[::1]:80": "::1", "[::1]": "::1", "::1": "::1", "[FE80::1]": "fe80::1", "\u212a.com": "\u212a.com",
	} {
		if got := route.NormalHost(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
