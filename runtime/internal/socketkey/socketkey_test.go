package socketkey

import "testing"

func TestAccept(t *testing.T) {
	if got := Accept("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455, section 1.3
		t.Error(got)
	}
	if a, b := New(), New(); a == b || len(a) != 24 {
		t.Error(a, b)
	}
}
