// Package tlsconf makes configurations of crypto/tls out of the names of certificate
// and key files. The files are read once, when the configuration is made.
package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Options configure TLS on either side of a connection. All of them may be left out
// but a certificate on the server's side.
type Options struct {
	// Certificates are the own certificates with their keys. A server presents the
	// first one that the client can use, by server name (SNI), algorithms and versions.
	Certificates []KeyPair
	// RootCAs are PEM files of authorities that a client trusts for server certificates, besides
	// those of the system.
	RootCAs []string
	// NextProtos are the protocols to negotiate (ALPN, RFC 7301), the preferred one first.
	NextProtos []string
	// ServerName is the name that a client sends and verifies; empty is the host it connects to.
	ServerName string
	// ClientAuth says what a server asks of clients: [tls.NoClientCert] by default.
	ClientAuth tls.ClientAuthType
	// ClientCAs are PEM files of the authorities that a server trusts for client
	// certificates: these and no others, not those of the system.
	ClientCAs []string
	// InsecureSkipVerify makes a client accept any server certificate.
	InsecureSkipVerify bool
	// CipherSuites are the suites of TLS 1.2 and below that may be used, in any order. None
	// stands for Go's list of safe ones. Those of TLS 1.3 cannot be chosen.
	CipherSuites []uint16
	// SessionTicketsDisabled switches off session resumption.
	SessionTicketsDisabled bool
	// MinVersion and MaxVersion are [tls.VersionTLS12] and [tls.VersionTLS13] if they are 0.
	MinVersion, MaxVersion int
	// Curves are the key exchanges that may be used; none stands for Go's list.
	Curves []tls.CurveID
	// DynamicRecordSizingDisabled makes records large from the start of a connection.
	DynamicRecordSizingDisabled bool
	// Renegotiation says what a client lets servers renegotiate: nothing by default.
	Renegotiation tls.RenegotiationSupport
}

// A KeyPair names the PEM files of a certificate, followed by its intermediates, and
// of its private key.
type KeyPair struct{ CertFile, KeyFile string }

// Server returns the configuration of a server. RootCAs, ServerName,
// InsecureSkipVerify and Renegotiation are for clients and not looked at.
func Server(o Options) (*tls.Config, error) {
	if len(o.Certificates) == 0 {
		return nil, errors.New("a TLS server needs a certificate")
	}
	c, err := common(&o)
	if err != nil {
		return nil, err
	}
	c.ClientAuth = o.ClientAuth
	if len(o.ClientCAs) > 0 {
		c.ClientCAs = x509.NewCertPool()
		if err := addAuthorities(c.ClientCAs, o.ClientCAs); err != nil {
			return nil, err
		}
	} else if o.ClientAuth >= tls.VerifyClientCertIfGiven {
		// Go would fall back to the system's authorities: whoever has a certificate for a web site could come in.
		return nil, errors.New("client certificates are to be verified, but no client CA is given")
	}
	return c, nil
}

// Client returns the configuration of a client. ClientAuth and ClientCAs are for
// servers and not looked at.
func Client(o Options) (*tls.Config, error) {
	c, err := common(&o)
	if err != nil {
		return nil, err
	}
	c.ServerName = o.ServerName
	c.InsecureSkipVerify = o.InsecureSkipVerify
	c.Renegotiation = o.Renegotiation
	if len(o.RootCAs) > 0 {
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool() // a system without authorities, as in a minimal container
		}
		if err := addAuthorities(c.RootCAs, o.RootCAs); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func common(o *Options) (*tls.Config, error) {
	c := &tls.Config{
		NextProtos:                  o.NextProtos,
		CipherSuites:                o.CipherSuites,
		SessionTicketsDisabled:      o.SessionTicketsDisabled,
		MinVersion:                  uint16(o.MinVersion),
		MaxVersion:                  uint16(o.MaxVersion),
		CurvePreferences:            o.Curves,
		DynamicRecordSizingDisabled: o.DynamicRecordSizingDisabled,
	}
	for _, p := range o.Certificates {
		cert, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load certificate %q with key %q: %w", p.CertFile, p.KeyFile, err)
		}
		c.Certificates = append(c.Certificates, cert)
	}
	return c, nil
}

func addAuthorities(pool *x509.CertPool, files []string) error {
	for _, name := range files {
		pem, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("load CA certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return fmt.Errorf("load CA certificates: %q holds no certificate in PEM form", name)
		}
	}
	return nil
}
