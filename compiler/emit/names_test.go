package emit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/resource"
)

func TestNames(t *testing.T) {
	id := func(kind, namespace, name string) resource.ID { return resource.New("core/v1", kind, namespace, name) }
	tests := []struct {
		id   resource.ID
		want string
	}{
		{id("ReverseProxyHandler", "", "api"), "api"},
		{id("ReverseProxyHandler", "", "user-service"), "userService"},
		{id("CORSMiddleware", "", "cors"), "corsMiddleware"}, // cors is a package
		{id("HTTPServer", "", ""), "httpServer"},
		{id("HTTPServer", "team", ""), "teamHTTPServer"},
		{id("Entrypoint", ".entrypoint", ".entrypoint"), "entrypoint"},
		{id("TimeoutMiddleware", "", "9-lives"), "n9Lives"},
		{id("TimeoutMiddleware", "", "type"), "typeTimeoutMiddleware"}, // a keyword
		{id("TimeoutMiddleware", "", "len"), "lenTimeoutMiddleware"},   // predeclared
		{id("TimeoutMiddleware", "", "err"), "errTimeoutMiddleware"},   // generated code declares it
		{id("TimeoutMiddleware", "", "api"), "apiTimeoutMiddleware"},   // taken
		{id("TimeoutMiddleware", "b", "api"), "bAPITimeoutMiddleware"},
		{id("TimeoutMiddleware", "b", "API"), "bAPITimeoutMiddleware2"},
		{id("TimeoutMiddleware", "", "user-api"), "userAPI"},
		{id("TimeoutMiddleware", "", "ID-ids"), "idIds"},
		{id("TimeoutMiddleware", "", "oauth.json"), "oauthJSON"},
		{id("SLogger", "", "..."), "sLogger"},
	}
	n := newNames("cors", "err")
	for _, tt := range tests {
		if got := n.pick(candidates(tt.id, tt.id.Name, "")...); got != tt.want {
			t.Errorf("%s is called %s, not %s", tt.id, got, tt.want)
		}
	}
}

func TestSplitKind(t *testing.T) {
	for kind, want := range map[string][]string{
		"CORSMiddleware":      {"CORS", "Middleware"},
		"HTTPServer":          {"HTTP", "Server"},
		"ReverseProxyHandler": {"Reverse", "Proxy", "Handler"},
		"GoPlugin":            {"Go", "Plugin"},
		"SLogger":             {"S", "Logger"},
	} {
		if d := cmp.Diff(want, splitKind(kind)); d != "" {
			t.Errorf("%s (-want +got)\n%s", kind, d)
		}
	}
}
