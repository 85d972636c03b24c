package bodylimit

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// here is a body that has come.
type here struct {
	io.Reader
	text string
}

func (here) Close() error               { return nil }
func (h here) Buffered() ([]byte, bool) { return []byte(h.text), true }

// A transport learns what has come, but has to read it, and so meets the limit before it has sent anything.
func TestBuffered(t *testing.T) {
	const text = "four and more"
	l := &limited{body: here{strings.NewReader(text), text}, left: 4}
	if p, all := gateway.Buffered(l); string(p) != text || all {
		t.Errorf("%q has come, all of it: %t", p, all)
	}
	if b, err := io.ReadAll(l); string(b) != "four" || !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("read %q, %v", b, err)
	}
}
