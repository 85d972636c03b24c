package stdout_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/log/stdout"
)

// TestOrder holds that what happens is told at once, behind the lines of requests that came before, and that Flush tells the rest.
func TestOrder(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = before }()
	l := log.New(log.Options{NoLocation: true, NoDatetime: true, Unstructured: true, OutputTimeFormat: "-"})
	other := log.New(log.Options{NoLocation: true})
	l.WriteLine([]byte("one\n"))
	other.WriteLine([]byte("two\n"))
	l.Log(nil, gateway.LevelInfo, "three")
	b := make([]byte, 100)
	for got := ""; ; {
		n, err := r.Read(b)
		if got += string(b[:n]); err != nil {
			t.Fatal(err)
		}
		if got == "one\ntwo\ntime=- level=INFO msg=three\n" {
			break
		}
		if strings.Contains(got, "three") {
			t.Fatalf("the lines are %q", got)
		}
	}
	l.WriteLine([]byte("four\n"))
	stdout.Flush()
	w.Close()
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "four\n" {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}
