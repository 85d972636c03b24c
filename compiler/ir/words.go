package ir

import "strings"

// initialisms are the words that names and comments write in capitals.
var initialisms = func() map[string]string {
	m := make(map[string]string)
	for w := range strings.FieldsSeq("ACL AES API CA CORS CPU CSP CSS CSV DB DNS GRPC HMAC HTML HTTP HTTPS ID IP JSON JWT " +
		"MTLS OAuth OIDC QUIC RPC SHA SPA SQL SSH SSL SSO TCP TLS TTL UDP UI URI URL UTF8 UUID VM XML YAML") {
		m[strings.ToLower(w)] = w
	}
	return m
}()

// Initialism is a word as names have it, if it is written in capitals: TLS for "tls". For
// other words it is "".
func Initialism(word string) string { return initialisms[strings.ToLower(word)] }
