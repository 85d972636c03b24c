package tracking

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"hash/fnv"
	"os"
	"time"
)

// encoding has an alphabet without vowels, in which no words arise, and in the order of
// the characters, so that ids sort as their bytes do.
var encoding = base32.NewEncoding("0123456789BCDFGHJKLMNPQRSTUVWXYZ").WithPadding(base32.NoPadding)

// A source makes ids. They are 30 bytes, 48 characters: the microseconds since 1970, a
// hash of the host's name, and 14 random bytes.
type source struct{ host uint64 }

func newSource() *source {
	h := fnv.New64a()
	name, _ := os.Hostname() // without a name all is left to chance
	h.Write([]byte(name))
	return &source{h.Sum64()}
}

func (s *source) next() string {
	var id [30]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixMicro()))
	binary.BigEndian.PutUint64(id[8:], s.host)
	_, _ = rand.Read(id[16:]) // never fails
	var text [48]byte
	encoding.Encode(text[:], id[:])
	return string(text[:])
}
