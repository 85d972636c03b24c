package oauth

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/oauthtest"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/transport"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// A provider over real connections, which knows the client by its certificate.
func TestOverTheNetwork(t *testing.T) {
	ca := testpki.New(t)
	serverCert, serverKey := ca.Issue(t, "provider")
	clientCert, clientKey := ca.Issue(t, "gateway")
	p := oauthtest.New(t)
	var base atomic.Pointer[string]
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body)) // the client tells what is wrong
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, strings.ReplaceAll(oauthtest.Metadata(map[string]any{"issuer": "the issuer"}), oauthtest.Issuer, *base.Load()))
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		leg := &gateway.Exchange{}
		leg.Request = gateway.Request{Method: "GET", Path: "/jwks", RawPath: "/jwks"}
		leg.SetContext(r.Context())
		if err := p.Serve(leg); err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		var b strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := leg.Response.Body.Read(buf)
			b.Write(buf[:n])
			if err != nil {
				break
			}
		}
		reply(w, b.String())
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != "gateway" || r.FormValue("client_id") != "client" || r.FormValue("client_secret") != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			return
		}
		reply(w, oauthtest.JSON("access_token", p.Sign(t, map[string]any{"iss": "the issuer"})))
	})
	server := httptest.NewUnstartedServer(mux)
	cert, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: ca.Pool}
	server.StartTLS()
	defer server.Close()
	base.Store(&server.URL)

	trusting := tlsconf.Options{RootCAs: []string{ca.File}}
	presenting := trusting
	presenting.Certificates = []tlsconf.KeyPair{{CertFile: clientCert, KeyFile: clientKey}}
	for name, newTransport := range map[string]func(o tlsconf.Options) (gateway.Handler, error){
		"wire": func(o tlsconf.Options) (gateway.Handler, error) {
			return wire.NewTransport(wire.TransportOptions{TLS: o})
		},
		"nethttp": func(o tlsconf.Options) (gateway.Handler, error) {
			return transport.HTTP1(transport.HTTPOptions{TLS: o})
		},
	} {
		t.Run(name, func(t *testing.T) {
			without, err := newTransport(trusting)
			if err != nil {
				t.Fatal(err)
			}
			with, err := newTransport(presenting)
			if err != nil {
				t.Fatal(err)
			}
			o := ContextOptions{
				Provider: Provider{BaseURL: server.URL, Endpoints: Endpoints{Discovery: "/.well-known/openid-configuration"}, Transport: without},
				Client:   Client{ID: "client", Secret: "secret"},
				Redeemer: Requester{Auth: TLSClientAuth, Transport: with},
			}
			cs := newContexts(t, Options{Contexts: []ContextOptions{o}})
			if err := cs.Initialize(); err != nil {
				t.Fatal(err)
			}
			c := cs.Named("")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			tokens, _, err := c.Redeem(ctx, url.Values{"grant_type": {"client_credentials"}})
			if err != nil {
				t.Fatal(err)
			}
			if r, err := c.Validate(ctx, &tokens, ""); err != nil || r.AccessClaims.Text("iss") != "the issuer" {
				t.Error(r, err)
			}
			c.options.Redeemer.Transport = without
			if _, _, err := c.Redeem(ctx, url.Values{"grant_type": {"client_credentials"}}); gateway.StatusOf(err) != 401 {
				t.Errorf("without a certificate: %v", err)
			}
			if err := cs.Finalize(); err != nil {
				t.Error(err)
			}
		})
	}
}
