package credfile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct {
		text   string
		keys   bool
		decode Decoder
		want   []Credential
		errs   []string
	}{
		"users": {
			text: "\ufeff# users\r\n\r\n  alice:s3cret \r\nbob:x:{\"scope\":[\"a\",1]}\n#carol:y\nd:$2a$10$abc./:{}",
			want: []Credential{
				{Line: 3, ID: "alice", Secret: []byte("s3cret")},
				{Line: 4, ID: "bob", Secret: []byte("x"), Attrs: map[string]any{"scope": []any{"a", 1.0}}},
				{Line: 6, ID: "d", Secret: []byte("$2a$10$abc./"), Attrs: map[string]any{}},
			},
		},
		"keys": {
			text: "k1\nk2:{\"name\":\"two\"}\n", keys: true,
			want: []Credential{{Line: 1, Secret: []byte("k1")}, {Line: 2, Secret: []byte("k2"), Attrs: map[string]any{"name": "two"}}},
		},
		"encoded": {
			text: "a:MTIz\nb:!!!\nc:", decode: Base64,
			want: []Credential{{Line: 1, ID: "a", Secret: []byte("123")}},
			errs: []string{
				"line 2: the secret can't be decoded: it doesn't have the encoding that is configured",
				"line 3: the secret is empty",
			},
		},
		"mistakes": {
			text: "alone\n:x\na:b:c\na:b:[1]\na:b:{\"x\":\n",
			errs: []string{
				"line 1: there is no colon in it; it should be ID:SECRET",
				"line 2: there is nothing before the colon; it should be ID:SECRET",
				"line 3: the attributes behind the secret aren't JSON: the JSON is malformed at byte 1; a secret itself can't contain a colon",
				"line 4: the attributes behind the secret must be a JSON object",
				"line 5: the attributes behind the secret aren't JSON: the JSON ends too early; a secret itself can't contain a colon",
			},
		},
		"an empty key": {text: ":{}", keys: true, errs: []string{"line 1: the secret is empty"}},
		"nothing":      {},
	} {
		t.Run(name, func(t *testing.T) {
			got, errs := Parse(tt.text, tt.keys, tt.decode)
			var texts []string
			for _, e := range errs {
				texts = append(texts, e.Error())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.errs, texts); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDecoders(t *testing.T) {
	want := []byte("fo\xff\xfe\x00z?")
	for name, tt := range map[string]struct {
		decode Decoder
		text   string
		bad    string
	}{
		"Base16":           {Base16, "666FfffE007a3f", "666g"},
		"Base32":           {Base32, "MZX777QAPI7Q====", "MZX777QAPI7Q"},
		"Base32Hex":        {Base32Hex, "CPNVVVG0F8VG====", "X======="},
		"Base32Escaped":    {Base32Escaped, "Q31999UBTL9U====", "AEIO===="},
		"Base32HexEscaped": {Base32HexEscaped, "DTRZZZJ0H8ZJ====", "AEIO===="},
		"Base64":           {Base64, "Zm///gB6Pw==", "Zm///gB6Pw"},
		"Base64Raw":        {Base64Raw, "Zm///gB6Pw", "Zm///gB6Pw=="},
		"Base64URL":        {Base64URL, "Zm___gB6Pw==", "Zm///gB6Pw=="},
		"Base64RawURL":     {Base64RawURL, "Zm___gB6Pw", "Zm///gB6Pw"},
	} {
		if got, err := tt.decode(tt.text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if _, err := tt.decode(tt.bad); err == nil || strings.Contains(err.Error(), tt.bad) {
			t.Errorf("%s: %q gives %v", name, tt.bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("alice:x:{\"a\":1}\nbob:y\n#c\n\r\n", false)
	f.Add("k:{}\n:\n::\n", true)
	f.Fuzz(func(t *testing.T, text string, keys bool) {
		list, errs := Parse(text, keys, nil)
		lines := strings.Count(text, "\n") + 1
		if len(list)+len(errs) > lines {
			t.Fatalf("%d credentials and %d errors in %d lines", len(list), len(errs), lines)
		}
		for _, c := range list {
			if c.Line < 1 || c.Line > lines || len(c.Secret) == 0 || (c.ID == "") != keys || strings.Contains(c.ID, ":") || bytes.Contains(c.Secret, []byte(":")) {
				t.Fatalf("%+v", c)
			}
		}
	})
}
