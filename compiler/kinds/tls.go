package kinds

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// TLSConfig is a TLS configuration, of a listener or of a client. The files that it names
// are read when the gateway starts, and again, within a second, when they have changed: new connections get what is in them then, those that
// are open stay. Files that can't be used leave all as it is, and a warning in the log. Relative paths are relative to the gateway's working directory.
// (AILERON Gateway reads them once.)
type TLSConfig struct {
	// CertKeyPairs are the own certificates. A listener presents the first one that the client can use, by server name (SNI) and algorithm.
	CertKeyPairs []CertKeyPair `json:"certKeyPairs"`
	// RootCAs are PEM files of the authorities that a client trusts, besides those of the system.
	RootCAs []string `json:"rootCAs" unique:"true"`
	// NextProtos are the protocols to negotiate (ALPN), the preferred one first. A server completes them by those that it speaks.
	NextProtos []string `json:"nextProtos"`
	// ServerName is the name that a client asks for, and that the server's certificate must have. The default is the host of the URL.
	ServerName string `json:"serverName"`
	// ClientAuth says whether a listener asks clients for a certificate, and whether it's verified.
	ClientAuth ClientAuthType `json:"clientAuth"`
	// ClientCAs are PEM files of the authorities that a listener trusts for certificates of clients. It trusts no others. (AILERON Gateway trusts those of the system, too.)
	ClientCAs []string `json:"clientCAs" unique:"true"`
	// InsecureSkipVerify makes a client accept any certificate.
	InsecureSkipVerify bool `json:"insecureSkipVerify"`
	// TLSCiphers are the cipher suites that may be used up to TLS 1.2, in any order. Unset is a list of safe ones. Those of TLS 1.3 are always on.
	TLSCiphers []TLSCipher `json:"tlsCipher" alt:"TLSCiphers"`
	// SessionTicketsDisabled switches off the resumption of sessions. A session isn't resumed either once the files have changed.
	SessionTicketsDisabled bool `json:"sessionTicketsDisabled"`
	// MinVersion is the lowest version: 769 is TLS 1.0, 770 TLS 1.1, 771 TLS 1.2 and 772 TLS 1.3. 0 is TLS 1.2.
	MinVersion uint32 `json:"minVersion" max:"65535"`
	// MaxVersion is the highest version. 0 is TLS 1.3.
	MaxVersion uint32 `json:"maxVersion" max:"65535"`
	// CurvePreferences are the key exchanges that may be used. Unset is a list of safe ones.
	CurvePreferences []CurveID `json:"curvePreferences" unique:"true"`
	// DynamicRecordSizingDisabled sends large records from the start of a connection.
	DynamicRecordSizingDisabled bool `json:"dynamicRecordSizingDisabled"`
	// Renegotiation says whether a client lets servers renegotiate.
	Renegotiation RenegotiationSupport `json:"renegotiation"`
}

// CertKeyPair names the files of a certificate and its private key.
type CertKeyPair struct {
	// CertFile is a PEM file of the certificate, followed by its intermediate ones.
	CertFile string `json:"certFile" required:"true"`
	// KeyFile is a PEM file of the private key.
	KeyFile string `json:"keyFile" required:"true"`
}

// ClientAuthType is what a listener asks of clients.
type ClientAuthType string

// Values lists the types in the order of their numbers.
func (ClientAuthType) Values() []string {
	return []string{"NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}
}

func (t ClientAuthType) verifies() bool {
	return t == "VerifyClientCertIfGiven" || t == "RequireAndVerifyClientCert"
}

// CurveID is a key exchange.
type CurveID string

// Values lists the curves in the order of their numbers.
func (CurveID) Values() []string { return []string{"CurveP256", "CurveP384", "CurveP521", "X25519"} }

// RenegotiationSupport says what may be renegotiated.
type RenegotiationSupport string

// Values lists the values in the order of their numbers.
func (RenegotiationSupport) Values() []string {
	return []string{"RenegotiateNever", "RenegotiateOnceAsClient", "RenegotiateFreelyAsClient"}
}

// TLSCipher is a cipher suite, named as in package crypto/tls.
type TLSCipher string

// Values lists the suites in the order of their numbers.
func (TLSCipher) Values() []string {
	return []string{
		"TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA",
		"TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_FALLBACK_SCSV",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
	}
}

// chosen reports whether naming a suite has an effect: those of TLS 1.3 are always on, and the last is none.
func (t TLSCipher) chosen() bool {
	return strings.Contains(string(t), "_WITH_")
}

// weak reports whether crypto/tls calls a suite insecure.
func (t TLSCipher) weak() bool {
	for _, s := range tls.InsecureCipherSuites() {
		if s.Name == string(t) {
			return true
		}
	}
	return false
}

// checkServer reports what's wrong with the TLS configuration of a listener.
func (t *TLSConfig) checkServer(c *Check) {
	if t == nil {
		return
	}
	t.check(c)
	switch {
	case len(t.CertKeyPairs) == 0:
		c.Errorf(t, diag.MissingField, "the tlsConfig of a listener needs certKeyPairs")
	case t.ClientAuth.verifies() && len(t.ClientCAs) == 0:
		c.Errorf(&t.ClientAuth, diag.MissingField, "clientAuth %s needs clientCAs: the authorities of the system would let in whoever has a certificate for some web site", t.ClientAuth)
	case !t.ClientAuth.verifies() && len(t.ClientCAs) > 0:
		c.Warnf(&t.ClientCAs, diag.NoEffect, "clientCAs have no effect, since clientAuth doesn't verify certificates")
	}
	t.checkSide(c, "listener", &t.RootCAs, &t.ServerName, &t.InsecureSkipVerify, &t.Renegotiation)
}

// checkClient reports what's wrong with the TLS configuration of a client.
func (t *TLSConfig) checkClient(c *Check) {
	if t == nil {
		return
	}
	t.check(c)
	if t.InsecureSkipVerify {
		c.Warnf(&t.InsecureSkipVerify, diag.Insecure, "any certificate is accepted, so that anybody between the gateway and the upstream can read and change what they say; trust the authority of the upstream by rootCAs")
	}
	t.checkSide(c, "client", &t.ClientAuth, &t.ClientCAs)
}

// checkSide reports fields that are for the other side.
func (t *TLSConfig) checkSide(c *Check, side string, others ...any) {
	for _, field := range others {
		if c.IsSet(field) {
			c.Warnf(field, diag.NoEffect, "this has no effect on the side of a %s", side)
		}
	}
}

func (t *TLSConfig) check(c *Check) {
	for i := range t.CertKeyPairs {
		t.CertKeyPairs[i].check(c)
	}
	for _, files := range [][]string{t.RootCAs, t.ClientCAs} {
		for i := range files {
			checkAuthorities(c, &files[i])
		}
	}
	for i := range t.TLSCiphers {
		switch suite := &t.TLSCiphers[i]; {
		case !suite.chosen():
			c.Warnf(suite, diag.NoEffect, "%s can't be chosen: the suites of TLS 1.3 are always on", *suite)
		case suite.weak():
			c.Warnf(suite, diag.Insecure, "%s is known to be weak", *suite)
		}
	}
	if t.MinVersion != 0 && t.MinVersion < tls.VersionTLS12 {
		c.Warnf(&t.MinVersion, diag.Insecure, "versions below TLS 1.2 (771) are known to be weak (RFC 8996)")
	}
	if c.Deferred(&t.MinVersion) || c.Deferred(&t.MaxVersion) {
		return
	}
	lowest, highest := cmp.Or(t.MinVersion, tls.VersionTLS12), cmp.Or(t.MaxVersion, tls.VersionTLS13)
	if lowest > tls.VersionTLS13 {
		c.Errorf(&t.MinVersion, diag.OutOfRange, "there is no version %d; the highest is 772, TLS 1.3", lowest)
	} else if lowest = max(lowest, tls.VersionTLS10); highest < lowest {
		c.Errorf(&t.MaxVersion, diag.OutOfRange, "maxVersion is %d, but the lowest version is %d, by minVersion or by default", highest, lowest)
	}
}

func (p *CertKeyPair) check(c *Check) {
	if c.Deferred(&p.CertFile) || c.Deferred(&p.KeyFile) {
		return
	}
	cert, ok := readPEM(c, &p.CertFile, "certificate")
	key, okKey := readPEM(c, &p.KeyFile, "private key")
	if !ok || !okKey {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		c.Errorf(&p.CertFile, diag.BadFile, "the certificate %s and the key %s can't be used: %v", p.CertFile, p.KeyFile, err)
	}
}

func checkAuthorities(c *Check, name *string) {
	if c.Deferred(name) {
		return
	}
	if pem, ok := readPEM(c, name, "CA certificates"); ok && !x509.NewCertPool().AppendCertsFromPEM(pem) {
		c.Errorf(name, diag.BadFile, "%s holds no certificate in PEM form", *name)
	}
}

// readPEM reads a file that the gateway will read when it starts. It need not be there now.
func readPEM(c *Check, name *string, what string) (content []byte, ok bool) {
	if *name == "" {
		return nil, false // which has been reported
	}
	content, err := os.ReadFile(c.path(*name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Warnf(name, diag.BadFile, "there is no file %s here; the gateway needs it when it starts", *name)
	case err != nil:
		c.Errorf(name, diag.BadFile, "the file of the %s can't be read: %v", what, err)
	}
	return content, err == nil
}

// lower returns tlsconf.Options, or nil.
func (t *TLSConfig) lower(l *Lower) ir.Expr {
	if t == nil {
		return nil
	}
	pairs := ir.List{Elem: ir.Runtime("tlsconf.KeyPair")}
	for i := range t.CertKeyPairs {
		p := &t.CertKeyPairs[i]
		pairs.Items = append(pairs.Items, l.Struct("tlsconf.KeyPair",
			ir.Set("CertFile", l.String(&p.CertFile)),
			ir.Set("KeyFile", l.String(&p.KeyFile)),
		))
	}
	return l.Struct("tlsconf.Options",
		ir.Set("Certificates", pairs),
		ir.Set("RootCAs", l.Strings(t.RootCAs)),
		ir.Set("NextProtos", l.Strings(t.NextProtos)),
		ir.Set("ServerName", l.String(&t.ServerName)),
		ir.Set("ClientAuth", tlsConstant(t.ClientAuth)),
		ir.Set("ClientCAs", l.Strings(t.ClientCAs)),
		ir.Set("InsecureSkipVerify", l.Bool(&t.InsecureSkipVerify)),
		ir.Set("CipherSuites", tlsConstants("uint16", t.TLSCiphers)),
		ir.Set("SessionTicketsDisabled", l.Bool(&t.SessionTicketsDisabled)),
		ir.Set("MinVersion", tlsVersion(l, &t.MinVersion)),
		ir.Set("MaxVersion", tlsVersion(l, &t.MaxVersion)),
		ir.Set("Curves", tlsConstants("crypto/tls.CurveID", t.CurvePreferences)),
		ir.Set("DynamicRecordSizingDisabled", l.Bool(&t.DynamicRecordSizingDisabled)),
		ir.Set("Renegotiation", tlsConstant(t.Renegotiation)),
		ir.Set("Logger", t.logger(l)),
	)
}

// logger is who is told when files change, if there are any.
func (t *TLSConfig) logger(l *Lower) ir.Expr {
	if len(t.CertKeyPairs)+len(t.RootCAs)+len(t.ClientCAs) == 0 {
		return nil
	}
	return l.Logger()
}

// lowerServer returns the *tls.Config of a listener, or nil.
func (t *TLSConfig) lowerServer(l *Lower) ir.Expr {
	if t == nil {
		return nil
	}
	return l.Link.Part(l, "tls", true, l.Call("tlsconf.Server", t.lower(l)))
}

// tlsConstant is the constant of crypto/tls that is named like an enum value, nil
// for the first one, which is zero.
func tlsConstant[T interface {
	~string
	Values() []string
}](value T) ir.Expr {
	if value == "" || string(value) == value.Values()[0] {
		return nil
	}
	return ir.Std("crypto/tls." + string(value))
}

func tlsConstants[T ~string](elem string, values []T) ir.Expr {
	list := ir.List{Elem: ir.Name{Ident: elem}}
	if strings.Contains(elem, "/") {
		list.Elem = ir.Std(elem)
	}
	for _, v := range values {
		list.Items = append(list.Items, ir.Std("crypto/tls."+string(v)))
	}
	return list
}

// tlsVersion is a version, by its name if it has one.
func tlsVersion(l *Lower, p *uint32) ir.Expr {
	names := map[uint32]string{
		tls.VersionTLS10: "VersionTLS10", tls.VersionTLS11: "VersionTLS11", tls.VersionTLS12: "VersionTLS12", tls.VersionTLS13: "VersionTLS13",
	}
	if name := names[*p]; name != "" && !l.Deferred(p) {
		return ir.Std("crypto/tls." + name)
	}
	return l.Int(p)
}
