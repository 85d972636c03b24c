package headercert

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// A client is what is known of a certificate that has been verified.
type client struct {
	name        string
	fingerprint string // SHA-256 of the certificate, hexadecimal
	attrs       map[string]any
	until       time.Time // when it has to be verified again
}

// newClient describes the certificate at the beginning of a chain.
func newClient(chain []*x509.Certificate, now time.Time) *client {
	cert := chain[0]
	sum := sha256.Sum256(cert.Raw)
	c := &client{name: cert.Subject.CommonName, fingerprint: hex.EncodeToString(sum[:]), until: now.Add(remembered)}
	for _, x := range chain {
		if x.NotAfter.Before(c.until) {
			c.until = x.NotAfter
		}
	}
	uris := make([]any, len(cert.URIs))
	for i, u := range cert.URIs {
		uris[i] = u.String()
	}
	c.attrs = map[string]any{
		"subject": cert.Subject.String(), "issuer": cert.Issuer.String(), "serial": cert.SerialNumber.Text(16), "fingerprint": c.fingerprint,
		"not_after": float64(cert.NotAfter.Unix()), "dns": anys(cert.DNSNames), "email": anys(cert.EmailAddresses), "uri": uris,
	}
	return c
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

const (
	// remembered is how long a certificate isn't verified again.
	remembered = 5 * time.Minute
	// maxClients is how many are remembered, some 10 kB each.
	maxClients = 1024
)

// A cache remembers clients by the headers that they came with. Only certificates that were verified get into it, so strangers
// can't push them out.
type cache struct {
	mu      sync.RWMutex
	clients map[key]*client
}

type key struct{ cert, chain string }

func (c *cache) get(k key, now time.Time) *client {
	c.mu.RLock()
	cl := c.clients[k]
	c.mu.RUnlock()
	if cl == nil || now.After(cl.until) {
		return nil
	}
	return cl
}

// put remembers cl. When there are too many, those go that are out of date, or else all.
func (c *cache) put(k key, cl *client, now time.Time) {
	// Headers are parts of longer strings.
	k = key{strings.Clone(k.cert), strings.Clone(k.chain)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.clients) >= maxClients {
		for k, cl := range c.clients {
			if now.After(cl.until) {
				delete(c.clients, k)
			}
		}
		if len(c.clients) > maxClients*3/4 {
			clear(c.clients)
		}
	}
	c.clients[k] = cl
}
