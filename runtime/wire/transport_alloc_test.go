//go:build !race

package wire

import "testing"

// A response costs the string of its head, and nothing else.
func TestTransportAllocates(t *testing.T) {
	for name, tt := range map[string]struct{ method, body, response string }{
		"GET":     {"GET", "", "Content-Length: 1024\r\n\r\n" + kilobyte},
		"chunked": {"GET", "", "Transfer-Encoding: chunked\r\n\r\n400\r\n" + kilobyte + "\r\n0\r\n\r\n"},
		"POST":    {"POST", kilobyte, "Content-Length: 1024\r\n\r\n" + kilobyte},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsker(t, cannedUpstream(t, cannedHead+tt.response), tt.body)
			n := testing.AllocsPerRun(200, func() {
				if err := a.ask(tt.method); err != nil {
					t.Fatal(err)
				}
			})
			if n > 1 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
