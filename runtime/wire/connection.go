package wire

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// maxOptions is how many connection options there may be in the lists of a message: each may name a field, which is
// searched for among all.
const maxOptions = 64

// An option is what an element of a Connection field means.
type option uint8

const (
	optionField option = iota // the fields of that name are for this connection alone
	optionClose
	optionKeepAlive
	optionUpgrade
	optionKept    // names a field that whoever forwards the message knows
	optionIgnored // names a field that can't be for one connection alone, as the engine has already used it
)

func optionOf(s string) option {
	for _, o := range [...]struct {
		name string
		option
	}{
		{"close", optionClose}, {"keep-alive", optionKeepAlive}, {"upgrade", optionUpgrade},
		{"te", optionKept}, {"http2-settings", optionKept},
		{"content-length", optionIgnored}, {"transfer-encoding", optionIgnored}, {"connection", optionIgnored},
	} {
		if gateway.EqualName(s, o.name) {
			return o.option
		}
	}
	return optionField
}

// dropListed removes the fields that the sender has meant for this connection alone (RFC 9110,
// section 7.6.1), and their names. Removed later, they could be fields of the same name that a middleware has added.
func dropListed(h *gateway.Header) {
	var all [maxOptions]string
	listed := all[:0]
	for i := range *h {
		f := &(*h)[i]
		if !gateway.EqualName(f.Name, "Connection") {
			continue
		}
		kept := ""
		for s := range gateway.SplitList(f.Value) {
			switch optionOf(s) {
			case optionField:
				listed = append(listed, s)
			case optionIgnored:
			default:
				if kept != "" {
					kept += ", "
				}
				kept += s
			}
		}
		f.Value = kept
	}
	h.DelFunc(func(f gateway.Field) bool {
		for _, name := range listed {
			if gateway.EqualName(f.Name, name) {
				return true
			}
		}
		return false
	})
}
