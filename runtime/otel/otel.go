// Package otel is what the tracer and the meter of OpenTelemetry have in common: who the gateway is, and what becomes of
// exports that fail. What is exported, and how, is in the packages below: tracer and meter, and one for each
// exporter, so that a gateway carries only those that it uses.
package otel

import (
	"context"
	"log"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// DefaultService is the service.name of a gateway that nobody has given one.
const DefaultService = "gateway"

// FlushTimeout limits how long what hasn't been exported yet may hold up the end of the gateway.
const FlushTimeout = 5 * time.Second

// Resource describes the gateway: the attributes in OTEL_RESOURCE_ATTRIBUTES, and service.name, which is service, or
// if that is empty what the environment says (OTEL_SERVICE_NAME), or else DefaultService.
func Resource(service string) *resource.Resource {
	env := resource.Environment()
	if _, known := env.Set().Value("service.name"); service == "" && known && !unknownService(env) {
		return env
	}
	if service == "" {
		service = DefaultService
	}
	// Neither has a schema that could be at odds with the other's.
	own := resource.NewSchemaless(attribute.String("service.name", strings.ToValidUTF8(service, "\uFFFD")))
	merged, err := resource.Merge(resource.NewSchemaless(env.Attributes()...), own)
	if err != nil {
		return own
	}
	return merged
}

// unknownService tells that the service.name isn't one that somebody has chosen.
func unknownService(r *resource.Resource) bool {
	v, _ := r.Set().Value("service.name")
	return v.AsString() == "" || strings.HasPrefix(v.AsString(), "unknown_service") && os.Getenv("OTEL_SERVICE_NAME") == ""
}

// Library is the name of the instrumentation scope, if nobody gives another one.
const Library = "github.com/aileron-gateway/aileronc/runtime/otel"

// A Report tells a log when exports begin to fail, and when they succeed again, rather than of each.
type Report struct {
	What    string // what is exported, in the plural
	Logger  gateway.Logger
	failing atomic.Bool
}

// Outcome notes how an export has ended. It returns nil: nobody else has to be told.
func (r *Report) Outcome(err error) error {
	switch {
	case err != nil && !r.failing.Swap(true):
		r.log(gateway.LevelWarn, r.What+" can't be exported, and are lost", err)
	case err == nil && r.failing.Swap(false):
		r.log(gateway.LevelInfo, r.What+" are exported again", nil)
	}
	return nil
}

// Lost notes that so many didn't even get to an export, because there were too many at a time.
func (r *Report) Lost(n int64) {
	r.log(gateway.LevelWarn, strconv.FormatInt(n, 10)+" "+r.What+" are lost so far, since more of them came than could be exported", nil)
}

// Flushed notes how the last export, at the end of the gateway, has ended.
func (r *Report) Flushed(err error) {
	if err != nil {
		r.log(gateway.LevelWarn, "the last "+r.What+" weren't exported in time", err)
	}
}

// Errors has the log told of what else goes wrong in OpenTelemetry, of which there is only one in a program. Some of it is what
// clients send, who must not fill the log: it's told of one in a minute.
func (r *Report) Errors() {
	var next atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		now := time.Now()
		if at := next.Load(); now.UnixNano() >= at && next.CompareAndSwap(at, now.Add(time.Minute).UnixNano()) {
			r.log(gateway.LevelWarn, "an error in OpenTelemetry; others of the next minute aren't logged", err)
		}
	}))
}

func (r *Report) log(level gateway.Level, msg string, err error) {
	switch {
	case r.Logger == nil && err != nil:
		log.Printf("%s: %v", msg, err)
	case r.Logger == nil && level >= gateway.LevelWarn:
		log.Print(msg)
	case r.Logger == nil || !r.Logger.Enabled(level):
	case err == nil:
		r.Logger.Log(nil, level, msg)
	default:
		r.Logger.Log(nil, level, msg, gateway.String("error", err.Error()))
	}
}

// Flush runs what exports all that is left, for FlushTimeout at most.
func (r *Report) Flush(shutdown func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), FlushTimeout)
	defer cancel()
	r.Flushed(shutdown(ctx))
}
