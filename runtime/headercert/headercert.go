// Package headercert knows clients by the certificate that they have shown to a proxy before the gateway, which
// passes it on in a header.
//
// A certificate is no secret. That the client has its key is what the proxy has found out; so nobody else may be
// able to send requests to the gateway, and the proxy must not let through headers of that name that clients send.
package headercert

import (
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of the middleware.
type Options struct {
	// RootCAs are PEM files of the authorities that are trusted: these and no others.
	RootCAs []string
	// Header is the field with the certificate; empty is X-SSL-Client-Cert, or Client-Cert with the format
	// of that name.
	Header string
	// Format is how it is written there.
	Format Format
	// FingerprintHeader is the field with the SHA-256 of the certificate, in hexadecimal. Empty
	// asks for none.
	FingerprintHeader string
	// KeepCredentials leaves the fields in the request.
	KeepCredentials bool
	// ClaimsKey is what the claims are found by; empty is claims.DefaultKey.
	ClaimsKey string
}

// New returns the middleware. A request without a certificate, or with what is none, is refused with 400; one whose
// certificate isn't that of a client, or has another fingerprint, with 401.
func New(o Options) (gateway.Middleware, error) {
	switch {
	case o.Header != "":
	case o.Format == ClientCert:
		o.Header = "Client-Cert"
	default:
		o.Header = "X-SSL-Client-Cert"
	}
	roots := x509.NewCertPool()
	for _, name := range o.RootCAs {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("load CA certificates: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("load CA certificates: %s holds no certificate in PEM form", name)
		}
	}
	verified := &cache{clients: make(map[key]*client)}
	return func(next gateway.Handler) gateway.Handler { return &handler{o, roots, verified, next} }, nil
}

type handler struct {
	Options
	roots    *x509.CertPool
	verified *cache
	next     gateway.Handler
}

// Serve lets x pass if its client has a certificate.
func (h *handler) Serve(x *gateway.Exchange) error {
	c, err := h.client(x)
	if err != nil {
		return err
	}
	if h.FingerprintHeader != "" {
		got, ok, single := authn.Header(x, h.FingerprintHeader)
		if !ok || !single || subtle.ConstantTimeCompare([]byte(strings.ToLower(got)), []byte(c.fingerprint)) != 1 {
			return &gateway.Error{Status: 401, Code: "E3215", Kind: "AppMiddleInvalidFingerprint", Message: "fingerprint missing or not that of the certificate"}
		}
	}
	if !h.KeepCredentials {
		x.Request.Header.DelFunc(h.carries)
	}
	id := authn.Identity{Method: "Certificate", Name: c.name, Time: x.Start, Attrs: c.attrs}
	id.Put(x, h.ClaimsKey)
	return h.next.Serve(x)
}

// carries reports whether a field is about the certificate.
func (h *handler) carries(f gateway.Field) bool {
	return gateway.EqualName(f.Name, h.Header) || h.FingerprintHeader != "" && gateway.EqualName(f.Name, h.FingerprintHeader) ||
		h.Format == ClientCert && gateway.EqualName(f.Name, chainHeader)
}

// client returns the client whose certificate is in the request.
func (h *handler) client(x *gateway.Exchange) (*client, error) {
	value, ok, single := authn.Header(x, h.Header)
	switch {
	case !ok || value == "":
		return nil, invalid("cert not found", nil)
	case !single: // the client's own beside that of the proxy
		return nil, invalid("more than one cert found", nil)
	}
	k := key{cert: value}
	if h.Format == ClientCert {
		k.chain, _ = x.Request.Header.Joined(chainHeader, ",")
	}
	if c := h.verified.get(k, x.Start); c != nil {
		return c, nil
	}
	certs, err := h.Format.parse(k.cert, k.chain)
	if err != nil {
		return nil, invalid("cert can't be read", err)
	}
	chain, err := h.verify(certs, x)
	if err != nil {
		return nil, &gateway.Error{Status: 401, Message: "client certificate not verified", Cause: err}
	}
	c := newClient(chain, x.Start)
	h.verified.put(k, c, x.Start)
	return c, nil
}

// verify returns a chain from the certificate of a client to an authority.
func (h *handler) verify(certs []*x509.Certificate, x *gateway.Exchange) ([]*x509.Certificate, error) {
	o := x509.VerifyOptions{Roots: h.roots, CurrentTime: x.Start, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if len(certs) > 1 {
		o.Intermediates = x509.NewCertPool()
		for _, c := range certs[1:] {
			o.Intermediates.AddCert(c)
		}
	}
	chains, err := certs[0].Verify(o)
	if err != nil {
		return nil, err
	}
	return chains[0], nil
}

func invalid(what string, cause error) error {
	return &gateway.Error{Status: 400, Code: "E3214", Kind: "AppMiddleInvalidCert", Message: what, Cause: cause}
}
