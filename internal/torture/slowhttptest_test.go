package torture

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// runSlowHTTPTest has the tool of that name do what it's known for. Its attacks end when
// none of its connections is left, while it asks now and then whether others get answers.
func (g *process) runSlowHTTPTest(t *testing.T) {
	tool, err := exec.LookPath("slowhttptest")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Error(err)
		} else {
			t.Log("there is no slowhttptest on this system: only our own attackers attack")
		}
		return
	}
	url := "http://" + g.ports[guarded] + "/bare/a"
	var all sync.WaitGroup
	for _, attack := range []struct {
		args []string
		end  string // what the tool says at the end
	}{
		{[]string{"-H", "-c", "100", "-l", "10", "-u", url}, "No open connections left"},
		{[]string{"-B", "-c", "100", "-l", "10", "-u", url}, "No open connections left"},
		// It reads so slowly that it doesn't notice the end of its connections.
		{[]string{"-X", "-c", "20", "-l", "3", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-u", url + "?n=100000000"}, "Hit test time limit"},
	} {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			args := append([]string{"-r", "200", "-i", "1", "-v", "1"}, attack.args...)
			start := time.Now()
			out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput()
			text := colours.ReplaceAllString(string(out), "")
			if !strings.Contains(text, attack.end) || unavailable.MatchString(text) {
				t.Errorf("slowhttptest %v: %v\n%s", args, err, text[max(0, len(text)-2000):])
			}
			t.Logf("slowhttptest %s has ended after %v", attack.args[0], time.Since(start).Round(time.Millisecond))
		})
	}
	all.Wait()
}

var (
	colours     = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	unavailable = regexp.MustCompile(`service available:\s*NO`)
)
