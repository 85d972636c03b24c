package interop

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestCurl asks for HTTP/2 in the clear in both ways that there are: knowing that it's spoken, and by an Upgrade from HTTP/1.1.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no curl")
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			g := start(t, engine)
			for _, tt := range []struct {
				option   string
				requests int
				want     string
			}{
				{"--http2-prior-knowledge", 1, "2"}, // curl 7.88 fails with more, whatever the server
				{"--http2", 2, "2"},                 // an Upgrade
				{"--http1.1", 2, "1.1"},
			} {
				args := []string{"--noproxy", "*", "-sS", "-m", "20", tt.option, "-w", "%{http_version} "}
				for range tt.requests {
					args = append(args, "-o", os.DevNull, "http://"+g.addrs[clearToClear]+"/page")
				}
				out, err := exec.Command(curl, args...).CombinedOutput()
				if err != nil || string(out) != strings.Repeat(tt.want+" ", tt.requests) {
					t.Errorf("%s: version %q, %v", tt.option, out, err)
				}
			}
		})
	}
}
