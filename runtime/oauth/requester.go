package oauth

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/backchannel"
	"github.com/aileron-gateway/aileronc/runtime/internal/uuid"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// An AuthMethod is how the client proves to the provider who it is.
type AuthMethod uint8

// The methods (OpenID Connect Core 1.0, section 9, and RFC 8705, section 2).
const (
	// FormAuth sends the ID and the secret in the form.
	FormAuth AuthMethod = iota
	// BasicAuth sends them in the Authorization header.
	BasicAuth
	// ClientSecretJWT sends a token that is signed by a secret, and PrivateKeyJWT by a private key.
	ClientSecretJWT
	PrivateKeyJWT
	// TLSClientAuth and SelfSignedTLSClientAuth send the ID. The certificate is that of the Transport.
	TLSClientAuth
	SelfSignedTLSClientAuth
)

// A Requester is how forms are sent to a provider.
type Requester struct {
	// Transport sends them; nil is that of the provider.
	Transport gateway.Handler
	Auth      AuthMethod
	// Header is sent, too, and Query is put behind what the URL has.
	Header gateway.Header
	Query  map[string]string
}

// requestTimeout is how long a request to a provider may take, beside the limits of its transport.
const requestTimeout = 30 * time.Second

// An Answer is what a provider has answered to a form.
type Answer struct {
	Status int
	// Body is JSON, and Values the object in it.
	Body   []byte
	Values map[string]any
}

// Push sends a form to an endpoint as the redeemer does, and returns the answer whatever its status is: for endpoints like that of RFC 9126.
// The error is a 500 if there is no answer, or one that isn't JSON.
func (c *Context) Push(ctx context.Context, endpoint func(*Endpoints) string, form url.Values) (*Answer, error) {
	return c.post(ctx, &c.options.Redeemer, endpoint, form)
}

// post sends a form.
func (c *Context) post(ctx context.Context, r *Requester, which func(*Endpoints) string, form url.Values) (*Answer, error) {
	to, err := c.Endpoint(ctx, which)
	if err != nil {
		return nil, err
	}
	if r.Auth == TLSClientAuth || r.Auth == SelfSignedTLSClientAuth {
		to = cmp.Or(which(&c.metadata.Load().mtls), to)
	}
	h := gateway.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}, {Name: "Accept", Value: "application/json"}}
	for _, f := range r.Header {
		h.Set(f.Name, f.Value)
	}
	if err := c.authenticate(r, to, form, &h); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := backchannel.Do(ctx, r.Transport, backchannel.Request{Method: "POST", URL: withQuery(to, r.Query), Header: h, Body: []byte(form.Encode())})
	if err != nil {
		return nil, &gateway.Error{Status: 500, Code: "E3001", Kind: "AppGenRoundTrip", Message: "the provider can't be asked", Cause: err}
	}
	if !strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "application/json") {
		return nil, &gateway.Error{Status: 500, Code: "E3002", Kind: "AppGenInvalidResponse", Message: "the answer of the provider isn't application/json"}
	}
	v, _ := jsonval.Parse(string(resp.Body))
	values, ok := v.(map[string]any)
	if !ok && resp.Status < 400 {
		return nil, &gateway.Error{Status: 500, Code: "E3005", Kind: "AppGenUnmarshal", Message: "the answer of the provider is no JSON object"}
	}
	return &Answer{Status: resp.Status, Body: resp.Body, Values: values}, nil
}

// authenticate proves who the client is.
func (c *Context) authenticate(r *Requester, to string, form url.Values, h *gateway.Header) error {
	switch client := &c.options.Client; r.Auth {
	case BasicAuth:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(client.ID+":"+client.Secret)))
	case ClientSecretJWT, PrivateKeyJWT:
		now := time.Now()
		assertion, err := c.assertions.Sign(jwt.Claims{
			"iss": client.ID, "sub": client.ID, "aud": []string{to}, "jti": uuid.New(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		})
		if err != nil {
			return &gateway.Error{Status: 500, Code: "E3061", Kind: "AppAuthnGenerateClientAssertion", Message: "the client assertion can't be signed", Cause: err}
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		form.Set("client_id", client.ID)
		if r.Auth == FormAuth && client.Secret != "" {
			form.Set("client_secret", client.Secret)
		}
	}
	return nil
}

// withQuery puts parameters behind the query of a URL.
func withQuery(to string, params map[string]string) string {
	if len(params) == 0 {
		return to
	}
	query := make(url.Values, len(params))
	for name, value := range params {
		query.Set(name, value)
	}
	if strings.Contains(to, "?") {
		return to + "&" + query.Encode()
	}
	return to + "?" + query.Encode()
}

// refusal is the error of an answer that isn't 200: 401 if the provider refuses, 500 if it fails.
func (a *Answer) refusal(code, kind, message string) error {
	e := &gateway.Error{Status: 500, Code: code, Kind: kind, Message: message + ": the provider has answered with status " + statusText(a.Status)}
	if word, _ := a.Values["error"].(string); isWord(word) {
		e.Message += ", " + word
	}
	if a.Status >= 400 && a.Status < 500 {
		e.Status = 401
	}
	return e
}

// isWord reports whether s is an error code as those of RFC 6749, section 5.2, that can be put into a log.
func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
