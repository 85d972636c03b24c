package metricstdout_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/meter"
	"github.com/aileron-gateway/aileronc/runtime/otel/metricstdout"
)

// stdout runs f and returns what it has written to the standard output.
func stdout(t *testing.T, f func()) []byte {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = w
	read := make(chan []byte)
	go func() {
		text, _ := io.ReadAll(r)
		read <- text
	}()
	f()
	os.Stdout = old
	_ = w.Close()
	return <-read
}

func TestNew(t *testing.T) {
	for _, o := range []metricstdout.Options{{}, {Pretty: true}, {WithoutTimestamps: true}} {
		text := stdout(t, func() {
			e, err := metricstdout.New(o)
			if err != nil {
				t.Fatal(err)
			}
			c, err := meter.New(meter.Options{Exporter: e, ServiceName: "shop"})
			if err != nil {
				t.Fatal(err)
			}
			x := &gateway.Exchange{Start: time.Now()}
			_ = c.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })).Serve(x)
			x.Finish()
			_ = c.Finalize()
		})
		var doc map[string]any
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&doc); err != nil {
			t.Errorf("%+v: %v\n%s", o, err, text)
		}
		for _, want := range []string{`"ScopeMetrics"`, "shop"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%+v: there is no %s in\n%s", o, want, text)
			}
		}
		if pretty := bytes.Count(text, []byte("\n")) > 5; pretty != o.Pretty {
			t.Errorf("%+v: %d lines", o, bytes.Count(text, []byte("\n")))
		}
		if without := !strings.Contains(string(text), time.Now().UTC().Format("2006-")); without != o.WithoutTimestamps {
			t.Errorf("%+v: times in\n%s", o, text)
		}
	}
}
