package mux

import (
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestAllowHas(t *testing.T) {
	for _, tt := range []struct {
		list   Allow
		method string
		want   bool
	}{
		{"GET", "GET", true},
		{"DELETE, GET, PUT", "DELETE", true},
		{"DELETE, GET, PUT", "GET", true},
		{"DELETE, GET, PUT", "PUT", true},
		{"DELETE, GET, PUT", "PU", false},
		{"DELETE, GET, PUT", "ET", false},
		{"DELETE, GET, PUT", "PUTS", false},
		{"DELETE, GET, PUT", "get", false},
		{"DELETE, GET, PUT", "", false},
		{"GETTER, GET", "GET", true},
	} {
		if got := tt.list.has(tt.method); got != tt.want {
			t.Errorf("%q has %q: got %v", tt.list, tt.method, got)
		}
	}
}

// table routes /a/{x}/{rest...} GET, /a/{x}/b/ none, /{y}/{$}, host.example/; the comparison with
// ServeMux has many more.
var table = Table{
	Routes: []TableRoute{0: {}, {Handler: 0, Params: "x rest", Allow: "GET"}, {Handler: 1, Allow: NoMethod}, {Handler: 2, Params: "y"}, {Handler: -1}},
	Nodes: []TableNode{
		0: {Wild: 4}, 1: {Wild: 2}, 2: {Multi: 1}, 3: {Multi: 2}, 4: {End: 3}, 5: {Multi: 4},
	},
	Edges:   []TableEdge{{From: 0, Text: "a", To: 1}, {From: 2, Text: "b", To: 3}, {From: -1, Text: "host.example", To: 5}},
	Buckets: []int32{0, 3},
}

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		host, path string
		handler    int32
		answer     gateway.Handler
		params     string
	}{
		{"", "/a/1/x/y", 0, nil, "x=1 rest=x/y"},
		{"", "/a/1/", 0, nil, "x=1 rest="},
		{"", "/a/1", -1, AddSlash{}, ""},
		{"", "/a/1/b", -1, AddSlash{}, ""},
		{"", "/a/1/b/", -1, Allow(""), ""},
		{"", "/a/1/b/c", -1, Allow(""), ""},
		{"", "/a/1/bc", 0, nil, "x=1 rest=bc"},
		{"", "/a", -1, AddSlash{}, ""},
		{"", "/%2F/", 2, nil, "y=/"},
		{"", "/", -1, nil, ""},
		{"", "/b/c", -1, nil, ""},
		{"host.example", "/a/1/x", -1, nil, ""},
		{"other.example", "/a/1/x", 0, nil, "x=1 rest=x"},
	} {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET"}}
		handler, answer := table.Find(x, tt.host, tt.path)
		var params []string
		for _, p := range x.Request.Params {
			params = append(params, p.Name+"="+p.Value)
		}
		if got := strings.Join(params, " "); handler != tt.handler || answer != tt.answer || got != tt.params {
			t.Errorf("%s%s: got %d %#v %q", tt.host, tt.path, handler, answer, got)
		}
	}
}
