package metricstdout_test

import (
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/otel/meter"
	"github.com/aileron-gateway/aileronc/runtime/otel/metricstdout"
)

func ExampleNew() {
	exporter, err := metricstdout.New(metricstdout.Options{WithoutTimestamps: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := meter.New(meter.Options{Exporter: exporter, ServiceName: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = m.Finalize() }() // exports the last figures
}
