package session

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
)

var encoders = map[string]Encoder{
	"default":         {},
	"compressed":      {Compress: true},
	"SHA-512":         {Hash: digest.SHA512},
	"CBC":             {Cipher: AESCBC},
	"CFB":             {Cipher: AESCFB},
	"CTR":             {Cipher: AESCTR},
	"OFB":             {Cipher: AESOFB},
	"no MAC":          {NoMAC: true},
	"no MAC, CBC":     {NoMAC: true, Cipher: AESCBC, Compress: true},
	"no encryption":   {NoEncryption: true},
	"neither":         {NoEncryption: true, NoMAC: true},
	"compressed only": {NoEncryption: true, NoMAC: true, Compress: true},
}

func TestCodec(t *testing.T) {
	long := bytes.Repeat([]byte("all work and no play "), 1000)
	for name, e := range encoders {
		t.Run(name, func(t *testing.T) {
			c, err := newCodec(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, values := range []map[string][]byte{{}, {"a": []byte("1")}, {"": {}, "é\"\\\n": {0}, "b": long}} {
				data, err := c.encode(values)
				if err != nil {
					t.Fatal(err)
				}
				if secret := e.NoEncryption || e.Compress; !secret && bytes.Contains(data, []byte(`"a"`)) {
					t.Errorf("%q can be read", data)
				}
				if e.Compress && len(data) > 2000 {
					t.Errorf("%d bytes aren't compressed", len(data))
				}
				got, current, ok := c.decode(data)
				if d := cmp.Diff(values, got); d != "" || !current || !ok {
					t.Errorf("%t, %t: %s", current, ok, d)
				}
			}
		})
	}
}

// The layout is that of AILERON Gateway: what one has encoded the other can decode.
func TestLayout(t *testing.T) {
	c, err := newCodec(Encoder{NoEncryption: true, Keys: []Keys{{MAC: base64.StdEncoding.EncodeToString([]byte("key"))}}})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := c.encode(map[string][]byte{"b": []byte("2"), "a": []byte("1")})
	const want = `{"a":"MQ==","b":"Mg=="}`
	// printf %s '{"a":"MQ==","b":"Mg=="}' | openssl dgst -sha256 -hmac key
	if n := len(data) - 32; string(data[:n]) != want || !bytes.Equal(data[n:], c.sum(nil, &c.keys[0], []byte(want))) {
		t.Errorf("%q", data)
	}
}

// A few bytes can't fill the memory.
func TestBomb(t *testing.T) {
	c, err := newCodec(Encoder{NoEncryption: true, NoMAC: true, Compress: true})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(`{"a":"`))
	for range 100 {
		_, _ = w.Write([]byte(strings.Repeat("A", 1<<20)))
	}
	_ = w.Close()
	if _, _, ok := c.decode(b.Bytes()); ok {
		t.Error("100 MB are taken for a session")
	}
}

func FuzzDecode(f *testing.F) {
	var codecs []*codec
	for _, e := range encoders {
		e.Keys = []Keys{{MAC: "MTIzNDU2Nzg5MDEyMzQ1Ng==", Cipher: "MTIzNDU2Nzg5MDEyMzQ1Ng=="}}
		c, err := newCodec(e)
		if err != nil {
			f.Fatal(err)
		}
		codecs = append(codecs, c)
		data, _ := c.encode(map[string][]byte{"a": []byte("1"), "b": {}})
		f.Add(data)
	}
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, c := range codecs {
			before := bytes.Clone(data)
			c.decode(data)
			if !bytes.Equal(before, data) {
				panic("the data has changed")
			}
		}
	})
}

// FuzzJSON compares with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, ` { "a" : "MQ==" , "b":null } `, `{"a":"MQ=="}x`, `{"a":"MQ"}`, `{"a":"MQ==",}`, `{"\u00e9\ud83d\ude00\ud83dx\n\/":""}`, `{"a":1}`, `[`, `{"a"`, `{"a":"\`, `{"a":"\u12`, `{,}`, `{"a":"","a":"MQ=="}`, "{\"\x00\":\"\"}", `{"\ud83d\u0041":""}`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := parseJSON(data)
		if !utf8.Valid(data) || strings.ContainsAny(string(data), "\r\n") || strings.Contains(string(data), `\r`) || strings.Contains(string(data), `\n`) || strings.Contains(string(data), `\u`) && !ok {
			return // encoding/base64 skips line feeds, and so do both, but by other ways
		}
		var want map[string][]byte
		err := json.Unmarshal(data, &want)
		if want == nil && err == nil {
			return // null
		}
		if (err == nil) != ok {
			t.Fatalf("%q: %t, but %v", data, ok, err)
		}
		if !ok {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %q, not %q", data, got, want)
		}
		for name, value := range want {
			if v, ok := got[name]; !ok || !bytes.Equal(v, value) {
				t.Fatalf("%q: %q, not %q", data, got, want)
			}
		}
		again, ok := parseJSON(appendJSON(nil, got))
		if !ok || len(again) != len(got) {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}
