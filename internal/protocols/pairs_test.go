package protocols

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A protocol is one that clients, or upstreams, speak.
type protocol struct {
	name    string
	addr    string // of the server, or of the upstream, in the config
	scheme  string
	version int // of HTTP
	set     func(*http.Protocols, bool)
}

var (
	http1   = (*http.Protocols).SetHTTP1
	http2   = (*http.Protocols).SetHTTP2
	unhttp2 = (*http.Protocols).SetUnencryptedHTTP2
)

// clients and upstreams are the protocols on both sides. A row of either is tested with all rows of the other. The
// upstreams are known to the gateway by their names, as the first segment of the path.
var (
	clients = []protocol{
		{"http1", clearServer, "http", 1, http1},
		{"https1", secureServer, "https", 1, http1},
		{"h2c", clearServer, "http", 2, unhttp2},
		{"https2", secureServer, "https", 2, http2},
	}
	upstreams = []protocol{
		{"http1", "127.0.0.1:9001", "http", 1, http1},
		{"https1", "127.0.0.1:9002", "https", 1, http1},
		{"h2c", "127.0.0.1:9003", "http", 2, unhttp2},
		{"https2", "127.0.0.1:9004", "https", 2, http2},
	}
)

// A pair is a way through the gateway.
type pair struct {
	g        *gateway
	client   protocol
	upstream protocol
	http     *http.Client
}

// forPairs runs test for each pair.
func (g *gateway) forPairs(t *testing.T, test func(t *testing.T, p *pair)) {
	for _, c := range clients {
		for _, u := range upstreams {
			t.Run(c.name+" to "+u.name, func(t *testing.T) {
				t.Parallel()
				p := &pair{g: g, client: c, upstream: u, http: &http.Client{Timeout: patience}}
				tr := &http.Transport{
					Protocols: new(http.Protocols), DisableCompression: true, ExpectContinueTimeout: patience,
					TLSClientConfig: &tls.Config{RootCAs: g.roots},
				}
				c.set(tr.Protocols, true)
				p.http.Transport = tr
				defer tr.CloseIdleConnections()
				test(t, p)
			})
		}
	}
}

// url is that of a path of the upstream. id tells the upstream which test asks.
func (p *pair) url(path, id string) string {
	return p.client.scheme + "://" + p.g.ports[p.client.addr] + "/" + p.upstream.name + path + "?id=" + id
}

// id is a name that no other test has, known to the upstreams while the test runs.
func (p *pair) id(t *testing.T) (string, *visit) {
	id := strings.NewReplacer("/", "-", " ", "_").Replace(t.Name())
	v := &visit{next: make(chan struct{}), ended: make(chan error, 10), proto: make(chan int, 10)}
	visits.Store(id, v)
	t.Cleanup(func() { visits.Delete(id) })
	return id, v
}

// A visit is what a test and the handler of an upstream tell each other.
type visit struct {
	next  chan struct{} // the handler may go on
	ended chan error    // the handler has seen the end of the client, or of the body
	proto chan int      // the version of HTTP that has reached the upstream
}

var visits sync.Map // of *visit by id

// serveUpstreams runs the upstreams until the test ends.
func (g *gateway) serveUpstreams(t *testing.T) {
	for _, u := range upstreams {
		l, err := net.Listen("tcp", g.ports[u.addr])
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{
			Handler: http.StripPrefix("/"+u.name, upstreamHandler()), Protocols: new(http.Protocols), ReadHeaderTimeout: patience,
			ErrorLog: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{Certificates: []tls.Certificate{g.certificate}},
		}
		u.set(s.Protocols, true)
		go func() {
			if u.scheme == "https" {
				_ = s.ServeTLS(l, "", "")
			} else {
				_ = s.Serve(l)
			}
		}()
		t.Cleanup(func() { _ = s.Close() })
	}
}
