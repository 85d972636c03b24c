package jwt

import (
	"slices"
	"time"
)

// Claims are what a token says (RFC 7519, section 4), as encoding/json decodes it. Nobody changes them.
type Claims map[string]any

// Text returns the claim of that name if it's a string, else "".
func (c Claims) Text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Time returns the claim of that name, which is a time in seconds since 1970 (RFC 7519, section 2), and whether there is one. It's an
// error if it's something else.
func (c Claims) Time(name string) (seconds float64, ok bool, err error) {
	v, ok := c[name]
	if !ok || v == nil {
		return 0, false, nil
	}
	if seconds, ok = v.(float64); !ok {
		return 0, false, errClaimType
	}
	return seconds, true, nil
}

// Audiences are the audiences: the claim "aud" is a string or a list of them (RFC 7519, section 4.1.3).
func (c Claims) Audiences() []string {
	switch aud := c["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		list := make([]string, 0, len(aud))
		for _, a := range aud {
			if s, ok := a.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// isFor reports whether name is among the audiences.
func (c Claims) isFor(name string) bool {
	switch aud := c["aud"].(type) {
	case string:
		return aud == name
	case []any:
		return slices.Contains(aud, any(name))
	}
	return false
}

// A Validation is what the claims of a token have to be.
type Validation struct {
	// Issuer is what "iss" has to be, and Audience what has to be in "aud". Empty takes any, or none.
	Issuer, Audience string
	// ExpOptional accepts tokens that don't say when they expire. Those that do mustn't have expired all the same.
	ExpOptional bool
	// IATDisabled accepts tokens that say that they were issued in the future.
	IATDisabled bool
	// Leeway is by how much clocks may differ. A negative one makes tokens expire so much earlier.
	Leeway time.Duration
	// Methods are the algorithms that tokens may be signed by. Empty is any that there is a key for.
	Methods []Algorithm
}

// Check returns why c isn't valid at that time, or nil.
func (v *Validation) Check(c Claims, at time.Time) error {
	now, leeway := float64(at.UnixNano())/1e9, v.Leeway.Seconds()
	switch exp, ok, err := c.Time("exp"); {
	case err != nil:
		return err
	case ok && now >= exp+leeway:
		return ErrExpired
	case !ok && !v.ExpOptional:
		return errNoExpiry
	}
	if nbf, ok, err := c.Time("nbf"); err != nil {
		return err
	} else if ok && now < nbf-leeway {
		return errNotYet
	}
	if iat, ok, err := c.Time("iat"); err != nil {
		return err
	} else if ok && !v.IATDisabled && now < iat-leeway {
		return errFuture
	}
	if v.Issuer != "" && c.Text("iss") != v.Issuer {
		return errIssuer
	}
	if v.Audience != "" && !c.isFor(v.Audience) {
		return errAudience
	}
	return nil
}

// allows reports whether tokens may be signed by alg.
func (v *Validation) allows(alg Algorithm) bool {
	return len(v.Methods) == 0 || slices.Contains(v.Methods, alg)
}
