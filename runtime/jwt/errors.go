package jwt

import (
	"errors"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// ErrExpired is the reason of an error when nothing but the time is wrong with a token: errors.Is tells.
var ErrExpired = errors.New("it has expired")

// Why a token is refused. None of them quotes it.
var (
	errMalformed = errors.New("it is no signed JWT")
	errNoKey     = errors.New("there is no key for its key ID and algorithm")
	errSignature = errors.New("the signature is wrong")
	errMethod    = errors.New("it is signed by an algorithm that isn't allowed")
	errClaims    = errors.New("its claims are no JSON object")
	errClaimType = errors.New("a time in it is no number")
	errNoExpiry  = errors.New("it doesn't say when it expires")
	errNotYet    = errors.New("it isn't valid yet")
	errFuture    = errors.New("it was issued in the future")
	errIssuer    = errors.New("it is of another issuer")
	errAudience  = errors.New("it is for another audience")
	errNoSigner  = errors.New("there is no private key to sign by")
)

// invalid is the error of a token that is refused.
func invalid(why error) error {
	return &gateway.Error{Status: 401, Code: "E3051", Kind: "AppAuthnParseWithClaims", Message: "the token is not valid", Cause: why}
}

// noKeys is the error of a set of keys that can't be had.
func noKeys(url string, why error) error {
	return &gateway.Error{Status: 401, Code: "E3401", Kind: "AppUtilGetJWKSet", Message: "the keys can't be read from " + url, Cause: why}
}
