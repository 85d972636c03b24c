package credentials

import (
	"encoding/hex"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
	"github.com/aileron-gateway/aileronc/runtime/replace/digest/blake2"
)

func TestHashers(t *testing.T) {
	const secret = "AQL/" // 0102ff
	for want, h := range map[string]Hash{
		hex.EncodeToString([]byte("abc")):                                  {},
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad": Hashed(digest.SHA256),
		"5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8": Hashed(digest.SHAKE128),
		"1e0456617c53d5e919b245b12cea920cabbe21adf408db753d32b3cf09c22108": HMAC(digest.SHA256, secret),
		"10ce1a87571c04ddecf8ade6695e583622863c82cafc6f959418134686a74f66": HMAC(blake2.S256, secret),
	} {
		r, err := h.Hasher()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // a Work is used again
			w := r.Get()
			if got := hex.EncodeToString(w.Sum("abc")); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			r.Put(w)
		}
	}
}
