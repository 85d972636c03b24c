package headercert

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Format is how a proxy writes a certificate into a header.
type Format uint8

const (
	// Base64PEM is PEM text in URL-safe Base64 with padding.
	Base64PEM Format = iota
	// EscapedPEM is PEM text that is percent-encoded, like $ssl_client_escaped_cert of nginx.
	EscapedPEM
	// ClientCert is DER in Base64 between colons (RFC 9440). Intermediate certificates come in a field Client-Cert-Chain.
	ClientCert
)

// chainHeader is where RFC 9440, section 2.3, has intermediate certificates.
const chainHeader = "Client-Cert-Chain"

const (
	// maxLen is how long a header may be. A certificate has some two thousand bytes.
	maxLen = 32 << 10
	// maxCerts is how many certificates may come together: who verifies a chain tries all of them.
	maxCerts = 8
)

var (
	errLong     = errors.New("the header is too long")
	errEncoding = errors.New("the header doesn't have the encoding that is configured")
	errPEM      = errors.New("there is no certificate in PEM form in the header")
	errMany     = errors.New("there are too many certificates in the header")
)

// parse reads the certificate of a client, and the intermediate ones that come with it. chain is the value of
// chainHeader.
func (f Format) parse(value, chain string) ([]*x509.Certificate, error) {
	if len(value) > maxLen || len(chain) > maxLen {
		return nil, errLong
	}
	switch f {
	case Base64PEM:
		text, err := base64.URLEncoding.DecodeString(value)
		if err != nil {
			return nil, errEncoding
		}
		return parsePEM(text)
	case EscapedPEM:
		text, err := url.PathUnescape(value)
		if err != nil {
			return nil, errEncoding
		}
		return parsePEM([]byte(text))
	}
	certs := make([]*x509.Certificate, 0, 1)
	for item := range gateway.SplitList(value + "," + chain) {
		if len(certs) == maxCerts {
			return nil, errMany
		}
		der, err := sequence(item)
		if err != nil {
			return nil, err
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errEncoding
	}
	return certs, nil
}

func parsePEM(text []byte) (certs []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if len(certs) == maxCerts {
			return nil, errMany
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errPEM
	}
	return certs, nil
}

// sequence reads a byte sequence of RFC 9651, section 3.3.5, whose parameters don't matter.
func sequence(item string) ([]byte, error) {
	text, ok := strings.CutPrefix(item, ":")
	if !ok {
		return nil, errEncoding
	}
	text, rest, ok := strings.Cut(text, ":")
	if !ok || rest != "" && rest[0] != ';' {
		return nil, errEncoding
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, errEncoding
	}
	return b, nil
}
