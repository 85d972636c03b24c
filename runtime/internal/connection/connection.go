// Package connection reads the Connection field (RFC 9110, section 7.6.1).
package connection

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// MaxOptions is how many options a message should have: each may name a field, which is searched for among all.
const MaxOptions = 64

// An Option is what an element of a Connection field means.
type Option uint8

// The meanings.
const (
	Field Option = iota // the fields of that name are for this connection alone
	Close
	KeepAlive
	Upgrade
	Kept    // names a field that whoever forwards the message knows
	Ignored // names a field that can't be for one connection alone, as the engine has already used it
)

// Of returns what s, an element of the list, means.
func Of(s string) Option {
	for _, o := range [...]struct {
		name string
		Option
	}{
		{"close", Close}, {"keep-alive", KeepAlive}, {"upgrade", Upgrade},
		{"te", Kept}, {"http2-settings", Kept},
		{"content-length", Ignored}, {"transfer-encoding", Ignored}, {"connection", Ignored},
	} {
		if gateway.EqualName(s, o.name) {
			return o.Option
		}
	}
	return Field
}

// DropListed removes the fields that the sender has meant for this connection alone (RFC 9110,
// section 7.6.1), and their names. Removed later, they could be fields of the same name that a middleware has added.
func DropListed(h *gateway.Header) {
	var all [MaxOptions]string
	listed := all[:0]
	for i := range *h {
		f := &(*h)[i]
		if !gateway.EqualName(f.Name, "Connection") {
			continue
		}
		var kept strings.Builder
		for s := range gateway.SplitList(f.Value) {
			switch Of(s) {
			case Field:
				listed = append(listed, s)
			case Ignored:
			default:
				if kept.Len() > 0 {
					kept.WriteString(", ")
				}
				kept.WriteString(s)
			}
		}
		f.Value = kept.String()
	}
	h.DelFunc(func(f gateway.Field) bool {
		return slices.ContainsFunc(listed, func(name string) bool { return gateway.EqualName(f.Name, name) })
	})
}
