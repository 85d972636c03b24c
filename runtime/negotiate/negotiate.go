// Package negotiate chooses the media type of a response by the Accept fields of
// the request (RFC 9110, section 12.5.1). It doesn't allocate for up to eight types.
package negotiate

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// Best returns the index of the offer that the client prefers, or -1 if it
// accepts none of them. Offers are media types without parameters, in the order
// of the server's preference.
//
// The quality of an offer is that of the most specific media range it fits. Among
// offers of the same quality the one whose range stands first in Accept wins, then
// the one that is offered first. Without an Accept field, or with one that holds
// no media range at all, every type is accepted and the first offer is returned.
//
// Every response that was chosen this way has to carry "Vary: Accept".
func Best(h gateway.Header, offers []string) int {
	var few [8]rating // on the stack
	ratings := few[:]
	if len(offers) > len(few) {
		ratings = make([]rating, len(offers))
	}
	ratings = ratings[:len(offers)]
	if !rate(h, offers, ratings) {
		return min(0, len(offers)-1)
	}
	best := -1
	for i, r := range ratings {
		if r.quality > 0 && (best < 0 || r.beats(ratings[best])) {
			best = i
		}
	}
	return best
}

// A rating is what the Accept fields say of one media type.
type rating struct {
	quality     int // in thousandths
	position    int // of the range in the list
	specificity specificity
}

// specificity is the precedence of a media range over others that fit, too.
type specificity int

const (
	noFit specificity = iota
	// inexactFit is a range with parameters that the offer lacks, "text/html;level=1". It
	// asks for another variant; that one of the plain type is better than none.
	inexactFit
	anyType    // */*
	anySubtype // text/*
	exactFit   // text/html
)

// rate finds the most specific range for each offer. It returns false if there is
// no range at all.
func rate(h gateway.Header, offers []string, ratings []rating) bool {
	position := 0
	for i := range h {
		if !gateway.EqualName(h[i].Name, "Accept") {
			continue
		}
		for rest := h[i].Value; rest != ""; {
			var item string
			item, rest = cut(rest, ',')
			r, ok := parseRange(item)
			if !ok {
				continue
			}
			for k, offer := range offers {
				if s := r.fit(offer); s > ratings[k].specificity {
					ratings[k] = rating{quality: r.quality, position: position, specificity: s}
				}
			}
			position++
		}
	}
	return position > 0
}

func (r rating) beats(other rating) bool {
	return r.quality > other.quality || r.quality == other.quality && r.position < other.position
}

// A mediaRange is one element of Accept.
type mediaRange struct {
	mainType, subtype string
	parameters        bool // others than q and charset=utf-8
	quality           int
}

// fit tells how a range fits a media type without parameters.
func (r mediaRange) fit(offer string) specificity {
	if r.mainType != "*" {
		n := len(r.mainType)
		if len(offer) <= n || offer[n] != '/' || !gateway.EqualName(r.mainType, offer[:n]) {
			return noFit
		}
		if r.subtype != "*" && !gateway.EqualName(r.subtype, offer[n+1:]) {
			return noFit
		}
	}
	switch {
	case r.parameters:
		return inexactFit
	case r.mainType == "*":
		return anyType
	case r.subtype == "*":
		return anySubtype
	}
	return exactFit
}

func parseRange(item string) (r mediaRange, ok bool) {
	name, rest := cut(item, ';')
	r.mainType, r.subtype = cut(trim(name), '/')
	if r.mainType == "*" && r.subtype == "" {
		r.subtype = "*" // old Java clients send a lone "*"
	}
	if r.mainType == "" || r.subtype == "" || r.mainType == "*" && r.subtype != "*" {
		return r, false
	}
	r.quality = 1000
	for rest != "" {
		var parameter string
		parameter, rest = cut(rest, ';')
		key, value := cut(trim(parameter), '=')
		switch {
		case key == "":
		case gateway.EqualName(key, "q"):
			// What follows the weight was an extension of RFC 7231, and is of no use to anybody.
			r.quality, ok = parseQuality(value)
			return r, ok
		case gateway.EqualName(key, "charset") && (gateway.EqualName(value, "utf-8") || gateway.EqualName(value, `"utf-8"`)):
			// All text that is negotiated here is UTF-8.
		default:
			r.parameters = true
		}
	}
	return r, true
}

// parseQuality parses a weight (RFC 9110, section 12.4.2) into thousandths. It
// takes ".5", "1.", and more than three digits, too.
func parseQuality(s string) (quality int, ok bool) {
	scale, point := 1000, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return 0, false
		case !point:
			quality = min(quality*10+int(c-'0')*1000, 1000)
		default:
			scale /= 10
			quality = min(quality+int(c-'0')*scale, 1000)
		}
	}
	return quality, s != "" && s != "."
}

// cut splits s at the first separator that isn't in a quoted string.
func cut(s string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
