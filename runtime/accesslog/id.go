package accesslog

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An id is the log id of an exchange: 15 bytes in 20 characters.
type id [20]byte

// ids holds the log id of an exchange, for all Logs that it meets.
var ids gateway.Slot[id]

// idOf returns the log id of x, a new one if this is the first Log on the way.
func idOf(x *gateway.Exchange, now time.Time) id {
	i := ids.Ref(x)
	if *i == (id{}) {
		*i = newID(uint32(now.Unix()), counter.Add(1))
	}
	return *i
}

// counter makes the ids of this process differ within a second.
var counter atomic.Uint64

// newID is made of a hash of the host name, the second, and the lower 7 bytes of the count.
func newID(second uint32, count uint64) (text id) {
	var b [15]byte
	binary.BigEndian.PutUint64(b[7:], count)
	binary.BigEndian.PutUint32(b[4:], second)
	binary.BigEndian.PutUint32(b[0:], hostHash())
	base64.RawURLEncoding.Encode(text[:], b[:])
	return text
}

var hostHash = sync.OnceValue(func() uint32 {
	name, _ := os.Hostname() // no name is a name, too
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return h.Sum32()
})
