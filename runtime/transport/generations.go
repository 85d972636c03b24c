package transport

import (
	"crypto/tls"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// generations are the http.Transports of one configuration: one for each state of the TLS files. The
// TLS configuration of an http.Transport can't be changed once it's in use.
type generations struct {
	tls  *tlsconf.Client
	last atomic.Pointer[generation]
	mu   sync.Mutex // held while a new one is made
}

type generation struct {
	*http.Transport
	from *tls.Config // what its TLS configuration was copied from
}

// newGenerations returns those that begin with t. name is what its TLS verifies; empty for the host of a request.
func newGenerations(t *http.Transport, client *tlsconf.Client, name string) *generations {
	g := &generations{tls: client}
	g.add(t, client.Config(), name)
	return g
}

func (g *generations) add(t *http.Transport, config *tls.Config, name string) *http.Transport {
	t.TLSClientConfig = config.Clone() // net/http adds protocols to it
	if name != "" && config.ServerName == "" {
		t.TLSClientConfig.ServerName = name
	}
	g.last.Store(&generation{t, config})
	return t
}

// engine returns the http.Transport for the files as they are now.
func (g *generations) engine() *http.Transport {
	last := g.last.Load()
	if config := g.tls.Config(); config != last.from {
		return g.renew(config)
	}
	return last.Transport
}

// retirement is how long the connections of an old generation that are in use may be so for them to be closed when
// they are idle. Others are closed as idle ones usually are.
const retirement = time.Minute

func (g *generations) renew(config *tls.Config) *http.Transport {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := g.last.Load()
	if config == last.from { // somebody was faster
		return last.Transport
	}
	t := g.add(last.Clone(), config, last.TLSClientConfig.ServerName)
	last.CloseIdleConnections()
	time.AfterFunc(retirement, last.CloseIdleConnections)
	return t
}
