package negotiate

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// Coding returns the index of the content coding that the client prefers (RFC 9110, section 12.5.3), or -1 if
// it's better served without one. Offers are the names of codings, in the order of the server's preference.
//
// A coding is chosen only if the client has asked for it, by its name or by "*". Of several with the same weight the first
// one that is offered wins. No coding at all is chosen if the client has given that, by the name of identity, more weight
// than any, or if it accepts none; one that rules it out as well gets it all the same.
//
// Every response that was chosen this way has to carry "Vary: Accept-Encoding".
func Coding(h gateway.Header, offers []string) int {
	best, weight := -1, 0
	identity := 0
	for i := range h {
		if !gateway.EqualName(h[i].Name, "Accept-Encoding") {
			continue
		}
		if q, ok := weightOf(h, "identity", false); ok {
			identity = q
		}
		for k, offer := range offers {
			if q, _ := weightOf(h, offer, true); q > weight {
				best, weight = k, q
			}
		}
		break
	}
	if identity > weight {
		return -1
	}
	return best
}

// weightOf is what Accept-Encoding gives a coding, in thousandths, by its name or, if any is allowed, by "*".
func weightOf(h gateway.Header, coding string, any bool) (weight int, ok bool) {
	for i := range h {
		if !gateway.EqualName(h[i].Name, "Accept-Encoding") {
			continue
		}
		for rest := h[i].Value; rest != ""; {
			var item, q string
			item, rest = cut(rest, ',')
			item, q = cut(item, ';')
			name := trim(item)
			exact := gateway.EqualName(name, coding) || coding == "gzip" && gateway.EqualName(name, "x-gzip") // RFC 9110, section 8.4.1.3
			if !exact && (!any || name != "*" || ok) {
				continue
			}
			w := 1000
			if key, value := cut(trim(q), '='); gateway.EqualName(trim(key), "q") {
				valid := false
				if w, valid = parseQuality(trim(value)); !valid {
					continue
				}
			}
			weight, ok = w, true
			if exact {
				return weight, true
			}
		}
	}
	return weight, ok
}
