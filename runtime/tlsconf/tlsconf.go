// Package tlsconf makes configurations of crypto/tls out of the names of certificate and key
// files, and keeps them up to date when the files change: new connections get what is in the
// files now, those that are open stay as they are. No restart is needed, and nobody has to be told.
//
// There is no watcher. A handshake that comes a second or more after the last look asks the system for
// the files' identity, size and time of change, and reads them again only if one of these is another. That
// is a few system calls beside a handshake that costs a hundred times as much. It needs no goroutine, no descriptor
// and nothing that would have to be stopped; and it works where notifications don't come or come late: on network and
// overlay file systems, and for symbolic links that are swapped far up in the path, as Kubernetes does.
//
// Files that can't be used, since they are being written or are broken, leave all as it is. What is
// wrong with them is logged once.
package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
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
	// Logger is told when files have been read again, and when they can't be used. Nil is nobody.
	Logger gateway.Logger
}

// A KeyPair names the PEM files of a certificate, followed by its intermediates, and
// of its private key.
type KeyPair struct{ CertFile, KeyFile string }

// Server returns the configuration of a server. Its GetConfigForClient returns what is in the files at the
// time of a handshake. Sessions are resumed only while the files are the same, so that nobody gets
// in by a ticket whose certificate would be refused now.
//
// RootCAs, ServerName, InsecureSkipVerify and Renegotiation are for clients and not looked at.
func Server(o Options) (*tls.Config, error) {
	if len(o.Certificates) == 0 {
		return nil, errors.New("a TLS server needs a certificate")
	}
	if o.ClientAuth >= tls.VerifyClientCertIfGiven && len(o.ClientCAs) == 0 {
		// Go would fall back to the system's authorities: whoever has a certificate for a web site could come in.
		return nil, errors.New("client certificates are to be verified, but no client CA is given")
	}
	f, err := follow(o.Logger, o.names(o.ClientCAs), func(files contents) (*tls.Config, error) { return o.server(files) })
	if err != nil {
		return nil, err
	}
	c := f.get().Clone() // for those who look into it
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.get(), nil }
	return c, nil
}

func (o *Options) server(files contents) (*tls.Config, error) {
	c, err := o.common(files)
	if err != nil {
		return nil, err
	}
	c.ClientAuth = o.ClientAuth
	if len(o.ClientCAs) > 0 {
		c.ClientCAs = x509.NewCertPool()
		if err := files.addAuthorities(c.ClientCAs, o.ClientCAs); err != nil {
			return nil, err
		}
	}
	// The keys of tickets are those of this very configuration, and not, as by default, those of the one
	// that has the GetConfigForClient.
	c.WrapSession, c.UnwrapSession = c.EncryptTicket, c.DecryptTicket
	return c, nil
}

// A Client is the configuration of a client.
type Client struct{ follower *follower }

// NewClient returns the configuration of a client. Each configuration that comes of the files, now and when they
// change, is given to adjust before it's used, if that isn't nil. ClientAuth and ClientCAs are for servers and not
// looked at.
func NewClient(o Options, adjust func(*tls.Config)) (*Client, error) {
	f, err := follow(o.Logger, o.names(o.RootCAs), func(files contents) (*tls.Config, error) {
		c, err := o.client(files)
		if err == nil && adjust != nil {
			adjust(c)
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	return &Client{f}, nil
}

// Config returns the configuration for the files as they are now. It's the same one as long as they are; it must not be changed.
// Each has sessions of its own.
func (c *Client) Config() *tls.Config { return c.follower.get() }

func (o *Options) client(files contents) (*tls.Config, error) {
	c, err := o.common(files)
	if err != nil {
		return nil, err
	}
	c.ServerName = o.ServerName
	c.InsecureSkipVerify = o.InsecureSkipVerify
	c.Renegotiation = o.Renegotiation
	if !o.SessionTicketsDisabled {
		// Resumption saves the upstream the costly part of a handshake.
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	if len(o.RootCAs) > 0 {
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool() // a system without authorities, as in a minimal container
		}
		if err := files.addAuthorities(c.RootCAs, o.RootCAs); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (o *Options) common(files contents) (*tls.Config, error) {
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
		cert, err := files.keyPair(p)
		if err != nil {
			return nil, fmt.Errorf("load certificate %q with key %q: %w", p.CertFile, p.KeyFile, err)
		}
		c.Certificates = append(c.Certificates, cert)
	}
	return c, nil
}

// names are the files that the configuration is made of.
func (o *Options) names(authorities []string) []string {
	var names []string
	for _, p := range o.Certificates {
		names = append(names, p.CertFile, p.KeyFile)
	}
	return append(names, authorities...)
}

func (files contents) keyPair(p KeyPair) (tls.Certificate, error) {
	cert, err := files.of(p.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := files.of(p.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

func (files contents) addAuthorities(pool *x509.CertPool, names []string) error {
	for _, name := range names {
		pem, err := files.of(name)
		if err != nil {
			return fmt.Errorf("load CA certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return fmt.Errorf("load CA certificates: %q holds no certificate in PEM form", name)
		}
	}
	return nil
}
