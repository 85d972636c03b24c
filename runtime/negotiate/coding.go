package negotiate

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// Coding returns the index of the content coding that the client prefers, or -1 if the content should stay as it
// is (RFC 9110, section 12.5.3). Offers are names of codings in the order of the server's preference,
// which decides among those of the same quality. A client that prefers "identity" gets that.
//
// Without an Accept-Encoding field any coding would be acceptable; but who doesn't name one can rarely decode it. For
// the same reason "*" stands for gzip alone, which all know.
//
// Every response for which a coding could have been chosen has to carry "Vary: Accept-Encoding".
func Coding(h gateway.Header, offers []string) int {
	best, bestQuality := -1, 0
	identity, all := -1, -1 // not mentioned
	var few [8]int          // on the stack
	qualities := few[:]
	if len(offers) > len(few) {
		qualities = make([]int, len(offers))
	}
	qualities = qualities[:len(offers)]
	for i := range qualities {
		qualities[i] = -1
	}
	for i := range h {
		if !gateway.EqualName(h[i].Name, "Accept-Encoding") {
			continue
		}
		for rest := h[i].Value; rest != ""; {
			var item string
			item, rest = cut(rest, ',')
			name, quality, ok := parseCoding(item)
			switch {
			case !ok:
			case name == "*":
				all = quality
			case gateway.EqualName(name, "identity"):
				identity = quality
			default:
				for k, offer := range offers {
					if gateway.EqualName(name, offer) || offer == "gzip" && gateway.EqualName(name, "x-gzip") {
						qualities[k] = quality
					}
				}
			}
		}
	}
	for k, q := range qualities {
		if q < 0 && offers[k] == "gzip" {
			q = all
		}
		if q > bestQuality {
			best, bestQuality = k, q
		}
	}
	if identity > bestQuality {
		return -1
	}
	return best
}

// parseCoding parses an element of Accept-Encoding.
func parseCoding(item string) (name string, quality int, ok bool) {
	name, rest := cut(item, ';')
	name, quality = trim(name), 1000
	for rest != "" {
		var parameter string
		parameter, rest = cut(rest, ';')
		if key, value := cut(trim(parameter), '='); gateway.EqualName(trim(key), "q") {
			if quality, ok = parseQuality(trim(value)); !ok {
				return name, 0, false
			}
		}
	}
	return name, quality, name != ""
}
