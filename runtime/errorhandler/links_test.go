package errorhandler_test

import (
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/errorhandler"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// What a gateway with plain error responses doesn't need must not be linked into it.
func TestLinksNoEngines(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".", "../tmpl").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	for _, heavy := range []string{"regexp", "text/template", "html/template", "net/http", "encoding/json", "encoding/xml"} {
		if slices.Contains(deps, heavy) {
			t.Errorf("%s is linked", heavy)
		}
	}
}

func TestConcurrentErrors(t *testing.T) {
	h := errorhandler.New(errorhandler.Options{Messages: []errorhandler.Message{{
		Codes:          []string{"E2*"},
		HeaderTemplate: gateway.Header{{Name: "X-Code", Value: "{{code}}"}},
		Contents:       []content.Content{{MIMEType: "text/plain", Header: gateway.Header{{Name: "X-A", Value: "1"}}, Template: content.NewPattern("{{status}}")}},
	}}})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			x := exchange("GET", "/", "")
			for range 100 {
				x.Response.Reset()
				h.HandleError(x, notFound)
				if len(x.Response.Header) != 5 || string(x.Response.Bytes) != "404" {
					t.Errorf("got %v %q", x.Response.Header, x.Response.Bytes)
				}
			}
		})
	}
	group.Wait()
}
