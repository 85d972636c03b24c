package encode_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/replace/encode"
)

func TestEncodings(t *testing.T) {
	const odd = "fo\xff\xfe\x00z?"
	tests := []struct {
		name      string
		e         encode.Encoding
		f, foWant string
	}{
		{"Base16", encode.Base16, "66", "666ffffe007a3f"},
		{"Base32", encode.Base32, "MY======", "MZX777QAPI7Q===="},
		{"Base32Hex", encode.Base32Hex, "CO======", "CPNVVVG0F8VG===="},
		{"Base32Escaped", encode.Base32Escaped, "Q2======", "Q31999UBTL9U===="},
		{"Base32HexEscaped", encode.Base32HexEscaped, "DS======", "DTRZZZJ0H8ZJ===="},
		{"Base64", encode.Base64, "Zg==", "Zm///gB6Pw=="},
		{"Base64Raw", encode.Base64Raw, "Zg", "Zm///gB6Pw"},
		{"Base64URL", encode.Base64URL, "Zg==", "Zm___gB6Pw=="},
		{"Base64RawURL", encode.Base64RawURL, "Zg", "Zm___gB6Pw"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := encode.Text(tt.e)
			for in, want := range map[string]string{"": "", "f": tt.f, odd: tt.foWant} {
				if got := text(in); got != want {
					t.Errorf("%q: got %q, want %q", in, got, want)
				}
			}
		})
	}
}

func Example() {
	fmt.Println(encode.Text(encode.Base64URL)("a?>"))
	// Output: YT8-
}
