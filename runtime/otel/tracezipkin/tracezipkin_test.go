package tracezipkin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracezipkin"
)

func TestExport(t *testing.T) {
	type span struct {
		Name, Kind    string
		LocalEndpoint struct{ ServiceName string }
		Tags          map[string]string
	}
	for _, fromEnv := range []bool{false, true} {
		got := make(chan span, 1)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			var spans []span
			if err := json.NewDecoder(q.Body).Decode(&spans); err != nil || len(spans) != 1 || q.URL.Path != "/api/v2/spans" || q.Header.Get("X-Tenant") != "shop" {
				t.Errorf("%d spans to %s, X-Tenant %q: %v", len(spans), q.URL.Path, q.Header.Get("X-Tenant"), err)
			} else {
				got <- spans[0]
			}
			w.WriteHeader(http.StatusAccepted)
		}))
		o := tracezipkin.Options{Endpoint: s.URL + "/api/v2/spans", Headers: gateway.Header{{Name: "X-Tenant", Value: "shop"}}}
		if fromEnv {
			t.Setenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT", o.Endpoint)
			o.Endpoint = ""
		}
		e, err := tracezipkin.New(o)
		if err != nil {
			t.Fatal(err)
		}
		tr := tracer.New(tracer.Options{Exporter: e, ServiceName: "shop", Batch: tracer.Batch{Timeout: 10 * time.Millisecond}})
		x := &gateway.Exchange{Start: time.Now()}
		x.Request.Method = "GET"
		_ = tr.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error { x.Response.Status = 200; return nil })).Serve(x)
		x.Finish()
		select {
		case z := <-got:
			if z.Name != "0:middleware" || z.Kind != "SERVER" || z.LocalEndpoint.ServiceName != "shop" || z.Tags["http.method"] != "GET" {
				t.Errorf("%+v", z)
			}
		case <-time.After(30 * time.Second):
			t.Error("nothing was exported")
		}
		_ = tr.Finalize()
		s.Close()
	}
	if _, err := tracezipkin.New(tracezipkin.Options{Endpoint: "localhost"}); err == nil {
		t.Error("an endpoint that is no URL is accepted")
	}
}
