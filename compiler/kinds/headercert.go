package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var headerCertMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "HeaderCertMiddleware",
	Roles:      []Role{Middleware},
	New: func() Spec {
		return &HeaderCertMiddlewareSpec{CertHeader: "X-SSL-Client-Cert", ClaimsKey: defaultClaimsKey}
	},
}

// HeaderCertMiddlewareSpec is the spec of a HeaderCertMiddleware, which lets requests pass that have a client's certificate in a header, put there by a proxy
// that ends TLS before the gateway. Without a certificate the answer is 400, with one that isn't a valid client's 401.
//
// A certificate is no secret: that the client has its key is what the proxy has found out. So nobody else may be able to send requests to the gateway
// (listen on a local address, or name the proxies in httpConfig.listenConfig.networks), and the proxy must replace headers of that name.
//
// The certificate must be one for clients, or for any use. (AILERON Gateway asks for one for servers.) Intermediate certificates may stand behind it. The claims are method
// (Certificate), auth_time (seconds since 1970), name, which is the common name, and attrs: subject, issuer, serial, fingerprint, not_after, dns, email and uri.
// One that was valid isn't verified again for five minutes.
type HeaderCertMiddlewareSpec struct {
	// RootCAs are PEM files of the authorities that are trusted: these and no others.
	RootCAs []string `json:"rootCAs" required:"true"`
	// CertHeader is the header with the certificate. Empty is the default, and with the format ClientCert the default is Client-Cert.
	CertHeader string `json:"certHeader"`
	// FingerprintHeader is the header with the SHA-256 of the certificate, in hexadecimal. If it's set, requests with another one, or without, are refused with 401.
	FingerprintHeader string `json:"fingerprintHeader" alt:"FingerprintpHeader"`
	// CertFormat is how the certificate is written in the header: Base64PEM is PEM text in URL-safe Base64 with padding, EscapedPEM is PEM text that is
	// percent-encoded, like $ssl_client_escaped_cert of nginx, and ClientCert is that of RFC 9440, with intermediate certificates in Client-Cert-Chain.
	// (AILERON Gateway has no such field, and the first format only.)
	CertFormat CertFormat `json:"certFormat"`
	// KeepCredentials leaves the headers in the request, so that the upstream sees them. (AILERON Gateway has no such field, and leaves them.)
	KeepCredentials bool `json:"keepCredentials"`
	// ClaimsKey is the name under which policies and others find the claims. Empty is the default. (AILERON Gateway has no such field, and no claims.)
	ClaimsKey string `json:"claimsKey"`
}

// CertFormat is how a certificate is written in a header.
type CertFormat string

// Values lists the formats, the default first.
func (CertFormat) Values() []string { return []string{"Base64PEM", "EscapedPEM", "ClientCert"} }

// Refuses tells that preflight requests may be refused.
func (s *HeaderCertMiddlewareSpec) Refuses() bool { return true }

// TrustsPeers tells that what is in a header comes from a proxy.
func (s *HeaderCertMiddlewareSpec) TrustsPeers() string { return "certificates, which are no secret" }

// Check looks into the files.
func (s *HeaderCertMiddlewareSpec) Check(c *Check) {
	checkCredentialHeader(c, &s.CertHeader)
	checkCredentialHeader(c, &s.FingerprintHeader)
	if len(s.RootCAs) == 0 && c.IsSet(&s.RootCAs) {
		c.Warnf(&s.RootCAs, diag.NoEffect, "without authorities no certificate is valid, and all requests are refused")
	}
	for i := range s.RootCAs {
		checkAuthorities(c, &s.RootCAs[i])
	}
}

// Lower returns the middleware.
func (s *HeaderCertMiddlewareSpec) Lower(l *Lower) ir.Expr {
	var format ir.Expr
	if s.CertFormat != "" && s.CertFormat != "Base64PEM" {
		format = ir.Runtime("headercert." + string(s.CertFormat))
	}
	return l.Try("headercert.New", l.Struct("headercert.Options",
		ir.Set("RootCAs", l.Strings(s.RootCAs)),
		ir.Set("Header", l.ifSet(&s.CertHeader, l.String(&s.CertHeader))),
		ir.Set("Format", format),
		ir.Set("FingerprintHeader", l.String(&s.FingerprintHeader)),
		ir.Set("KeepCredentials", l.Bool(&s.KeepCredentials)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
	))
}
