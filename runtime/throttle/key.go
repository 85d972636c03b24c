package throttle

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Key tells clients apart. Requests that lack what it asks for have the empty value, and a
// limit in common. Who can choose the value, of a header for example, has as many limits as they like.
type Key struct {
	kind    keyKind
	name    string
	path    string
	address Address
}

type keyKind uint8

const (
	keyConstant keyKind = iota
	keyAddress
	keyHeader
	keyCookie
	keyClaim
	keyPath
)

// An Address says what of the address of a client counts.
type Address struct {
	// IPv4 and IPv6 are how many bits of addresses of these families count; 0 is 32 and 64. Clients with IPv6
	// commonly have a network of 64 bits, or fewer, to themselves.
	IPv4, IPv6 int
	// TrustedProxies are the proxies whose X-Forwarded-For is believed. The client is the last address in it, from
	// right to left, that isn't one of theirs.
	TrustedProxies []netip.Prefix
}

// ClientAddress is the key of the client's IP address.
func ClientAddress(a Address) Key {
	a.IPv4, a.IPv6 = or(min(a.IPv4, 32), 32), or(min(a.IPv6, 128), 64)
	return Key{kind: keyAddress, address: a}
}

// Header is the key of the first header field of that name.
func Header(name string) Key { return Key{kind: keyHeader, name: name} }

// Cookie is the key of the first cookie of that name.
func Cookie(name string) Key { return Key{kind: keyCookie, name: name} }

// Claim is the key of a claim that an authentication has established; nothing else of a token counts.
// key is that of the claims, [claims.DefaultKey] if it's empty, and path leads to the claim, as [claims.Find] has it.
func Claim(key, path string) Key {
	if key == "" {
		key = claims.DefaultKey
	}
	return Key{kind: keyClaim, name: key, path: path}
}

// Path is the key of the decoded path.
func Path() Key { return Key{kind: keyPath} }

// Constant is the same key for all requests.
func Constant(value string) Key { return Key{kind: keyConstant, name: value} }

// append appends the value that x has. b needn't hold it all: values may be long.
func (k *Key) append(b []byte, x *gateway.Exchange) []byte {
	switch k.kind {
	case keyAddress:
		return k.address.append(b, &x.Request)
	case keyHeader:
		return append(b, x.Request.Header.Get(k.name)...)
	case keyCookie:
		value, _ := cookie.Get(x.Request.Header, k.name)
		return append(b, value...)
	case keyClaim:
		value, _ := claims.Find(claims.Get(x, k.name), k.path)
		return appendClaim(b, value)
	case keyPath:
		return append(b, x.Request.Path...)
	}
	return append(b, k.name...)
}

// appendClaim appends a claim. Those of different types are never the same, and lists and objects tell nobody apart.
func appendClaim(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return append(append(b, '"'), v...)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return b
}

// keys are the keys of one gate.
type keys struct {
	list []Key
	seed maphash.Seed
}

func newKeys(list []Key) keys { return keys{list, maphash.MakeSeed()} }

// hash returns 64 bits for the values that x has. Nobody outside can tell for which values they are the same.
func (k *keys) hash(x *gateway.Exchange) uint64 {
	var room [128]byte
	return k.hashOf(k.append(room[:0], x))
}

func (k *keys) hashOf(values []byte) uint64 { return maphash.Bytes(k.seed, values) }

// append appends all values, each with its length behind it: "a" and "bc" aren't "ab" and "c".
func (k *keys) append(b []byte, x *gateway.Exchange) []byte {
	for i := range k.list {
		n := len(b)
		b = k.list[i].append(b, x)
		if len(k.list) > 1 {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(b)-n))
		}
	}
	return b
}
