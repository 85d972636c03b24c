package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// HTTP/2, with one connection and with several, follows the files of its authorities.
func TestHTTP2FollowsTLSFiles(t *testing.T) {
	for _, multi := range []bool{false, true} {
		t.Run(fmt.Sprint("multi ", multi), func(t *testing.T) {
			t.Parallel()
			s, ca := newTLSServer(t, true, nil, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
			roots := filepath.Join(t.TempDir(), "roots.pem")
			put := func(from string) {
				b, err := os.ReadFile(from)
				if err == nil {
					err = os.WriteFile(roots, b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			put(testpki.New(t).File)
			tr := newHTTP2(t, HTTP2Options{TLS: tlsconf.Options{RootCAs: []string{roots}}, MultiIP: multi})
			address := s.URL
			if multi {
				u, err := url.Parse(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				tr.spread.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
					return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
				}
				address = "https://example.com:" + u.Port() // a name that the certificate has
			}
			works := func() bool {
				time.Sleep(20 * time.Millisecond)
				leg, end := newLeg(t, "GET", address)
				defer end()
				return tr.Serve(leg) == nil && readAll(t, leg) == "HTTP/2.0"
			}
			if works() {
				t.Error("an unknown authority is trusted")
			}
			put(ca)
			eventually(t, "trust", works)
			first := tr.engines.engine()
			put(testpki.New(t).File)
			eventually(t, "another generation", func() bool { return tr.engines.engine() != first })
			_ = tr.Close()
			if works() {
				t.Error("an authority is trusted that isn't in the file any more")
			}
		})
	}
}
