package digest_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
	"github.com/aileron-gateway/aileronc/runtime/replace/digest/blake2"
	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
)

// The sums of "abc", and with the key 0102ff.
var tests = []struct {
	name      string
	alg       digest.Alg
	sum, hmac string
}{
	{"SHA1", digest.SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d", "4e516aee911ccbdeed7a91a9105f8ec99e5ad4ba"},
	{"SHA224", digest.SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7", "1c3670e3341983371b5e64c1ba64995a0189cd23d5b8a6b3f20aa085"},
	{"SHA256", digest.SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "1e0456617c53d5e919b245b12cea920cabbe21adf408db753d32b3cf09c22108"},
	{"SHA384", digest.SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7", "9e7558f3b50a948196fb2519befdeb1078bb4a1586f33fe148164d4d01d634003da609f925229452b3ac45645dc78302"},
	{"SHA512", digest.SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", "b9f814f5ba0867316d3337482448d2e0f8a372c8ffdc77c6cfb206a1de9879a5fc2b3d20991dbf842ecc61a8cd06c4b046406edbc07fafa8cccfb41b3c1df500"},
	{"SHA512_224", digest.SHA512_224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa", "417531a5f68da39bcf5cecdad50d7d1147e47249cf9d88320321f62d"},
	{"SHA512_256", digest.SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23", "5a5ef196cebf3287352db907420afbcbd246eda19de33de9fd3bb114be06c4a3"},
	{"SHA3_224", digest.SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf", "5acd2369b908c083b2954952281a3857ed3fed54b2c04eec1db93da7"},
	{"SHA3_256", digest.SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532", "2be8b65cd79b8b6ec3967cf0f1fa282c38959a15d695f32979a8c03230a3fa54"},
	{"SHA3_384", digest.SHA3_384, "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25", "4917651c35b61bafca1585c5cea179fac9f5b59f74aa5aebe6bdd49a7a5f9b673e4449e313aaeed0d4b93388df43ddb7"},
	{"SHA3_512", digest.SHA3_512, "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0", "8d3b485504009f23075f07f6f184e5894f3a893c5ca21ea71608e289ae473ccce6bf400ae32a1e1439778a1727d6e57b813244a84a879e6a7206ac2c11f74331"},
	{"SHAKE128", digest.SHAKE128, "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8", ""},
	{"SHAKE256", digest.SHAKE256, "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739d5a15bef186a5386c75744c0527e1faa9f8726e462a12a4feb06bd8801e751e4", ""},
	{"BLAKE2s_256", blake2.S256, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", "10ce1a87571c04ddecf8ade6695e583622863c82cafc6f959418134686a74f66"},
	{"BLAKE2b_256", blake2.B256, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319", "4fbc5428db7e2b9924934e451826e4e93cc65f1ecd1cceb24c8dfc04f14cbcad"},
	{"BLAKE2b_384", blake2.B384, "6f56a82c8e7ef526dfe182eb5212f7db9df1317e57815dbda46083fc30f54ee6c66ba83be64b302d7cba6ce15bb556f4", "41f49b0c4fdeec82960c2971a561bc2e29c50eaf590f5997b4f9ea9d3973030ebd47fedab07144658d58a78cf96da169"},
	{"BLAKE2b_512", blake2.B512, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923", "814b2c4862b9cda2a1556869d7a8ea841da4a08c558b61e33bd2cb5b470297cee0666ab646b5216d73edc799ca69742ab64e8e05da1b3e625718310a3c7215f5"},
}

func TestAlgs(t *testing.T) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := digest.Hash(tt.alg, encode.Base16)
			for range 2 { // the second call must not depend on the first
				if got := f("abc"); got != tt.sum {
					t.Errorf("hash: got %s, want %s", got, tt.sum)
				}
			}
			if tt.hmac == "" {
				return
			}
			f, err := digest.HMAC(tt.alg, "0102FF", encode.Base16)
			if err != nil {
				t.Fatal(err)
			}
			if got := f("abc"); got != tt.hmac {
				t.Errorf("hmac: got %s, want %s", got, tt.hmac)
			}
		})
	}
}

func TestHMACBadKey(t *testing.T) {
	for _, key := range []string{"", "0", "secret"} {
		if _, err := digest.HMAC(digest.SHA256, key, encode.Base16); err == nil {
			t.Errorf("key %q was accepted", key)
		}
	}
}

func Example() {
	pseudonym := digest.Hash(digest.SHA256, encode.Base64RawURL)
	fmt.Println(pseudonym("alice"))
	// Output: K9gGyX8OAK8aH8Myj6djqSaXI8jbj6xPk69x2xhtbpA
}

func BenchmarkHash(b *testing.B) {
	f := digest.Hash(digest.SHA256, encode.Base16)
	b.ReportAllocs()
	for b.Loop() {
		f("Bearer abcdefghijklmnop")
	}
}
