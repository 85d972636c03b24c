package kinds

import "github.com/aileron-gateway/aileronc/compiler/ir"

// AuthorizationCodeHandler sends clients to the login of the provider (RFC 6749, section 4.1).
type AuthorizationCodeHandler struct {
	_ bool // so that each has an address of its own
}

// lowerCode returns the authenticator of an authorizationCodeHandler. base sets its field OAuth.
func (s *OAuthAuthenticationHandlerSpec) lowerCode(l *Lower, base ir.Field) ir.Expr {
	return l.Try("oauth/authcode.New", l.Struct("oauth/authcode.Options", base))
}
