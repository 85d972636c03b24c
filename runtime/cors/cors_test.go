package cors

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// errors is an error handler like the one of a server.
type errors struct{}

func (errors) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status = gateway.StatusOf(err)
	x.Response.Header.Add("Vary", "Accept")
}

func fields(pairs ...string) gateway.Header {
	h := gateway.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// ok answers as an upstream with a policy of its own.
var ok = gateway.HandlerFunc(func(x *gateway.Exchange) error {
	x.Response.Status = 204
	x.Response.Header = append(x.Response.Header, fields(
		"access-control-allow-origin", "https://upstream.example", "Access-Control-Allow-Credentials", "true",
		"X-A", "1", "cross-origin-opener-policy", "unsafe-none")...)
	return nil
})

func TestRequests(t *testing.T) {
	listed := Policy{AllowedOrigins: []string{"http://a.example", "http://b.example"}, AllowedMethods: []string{"HEAD", "GET", "GET"}}
	credentials := Policy{AllowedOrigins: []string{"http://a.example", "*"}, AllowCredentials: true, ExposedHeaders: []string{"X-A", "X-B"}}
	echo := Policy{AllowCredentials: true, EchoOrigin: true}
	policies := Policy{EmbedderPolicy: "require-corp", OpenerPolicy: "same-origin", ResourcePolicy: "same-site"}
	const methods, headers = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
	const get, get2, std = "GET,HEAD", "GET,OPTIONS,POST", "Content-Type,X-Requested-With"
	up := fields("X-A", "1", "cross-origin-opener-policy", "unsafe-none")
	for name, tt := range map[string]struct {
		p      Policy
		method string
		origin string
		next   gateway.Handler
		status int
		want   gateway.Header
		code   string
	}{
		"listed": {
			p: listed, origin: "http://b.example", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get, headers, std, allowOrigin, "http://b.example")...),
		},
		"other origin": {
			p: listed, origin: "http://b.example.evil", status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get, headers, std, "Vary", "Accept"),
		},
		"origins differ by case": {
			p: listed, origin: "http://B.example", status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get, headers, std, "Vary", "Accept"),
		},
		"null": {
			p: listed, origin: "null", status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get, headers, std, "Vary", "Accept"),
		},
		"no origin, listed": {
			p: listed, status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get, headers, std, "Vary", "Accept"),
		},
		"other method": {
			p: listed, origin: "http://b.example", method: "POST", status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get, headers, std, allowOrigin, "http://b.example", "Vary", "Accept"),
		},
		"OPTIONS that is no preflight": {
			p: listed, origin: "http://b.example", method: "OPTIONS", status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get, headers, std, allowOrigin, "http://b.example", "Vary", "Accept"),
		},
		"any": {
			origin: "http://x.example", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std, allowOrigin, "*")...),
		},
		"any, HEAD beside GET": {
			origin: "http://x.example", method: "HEAD", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std, allowOrigin, "*")...),
		},
		"any, other method": {
			origin: "http://x.example", method: "PUT", status: 403, code: "E3204",
			want: fields("Vary", "Origin", methods, get2, headers, std, allowOrigin, "*", "Vary", "Accept"),
		},
		"any, not cross-origin": {
			method: "PUT", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std, allowOrigin, "*")...),
		},
		"no credentials for any": {
			p: credentials, origin: "http://x.example", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std,
				"Access-Control-Expose-Headers", "X-A,X-B", allowOrigin, "*")...),
		},
		"credentials for the listed": {
			p: credentials, origin: "http://a.example", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std,
				"Access-Control-Expose-Headers", "X-A,X-B", allowOrigin, "http://a.example", allowCredentials, "true")...),
		},
		"credentials for the echoed": {
			p: echo, origin: "http://x.example", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std,
				allowOrigin, "http://x.example", allowCredentials, "true")...),
		},
		"nothing to echo": {
			p: echo, status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, headers, std)...),
		},
		"no headers": {
			p: Policy{AllowedHeaders: []string{""}}, origin: "http://x.example", status: 204,
			want: append(up[:2:2], fields("Vary", "Origin", methods, get2, allowOrigin, "*")...),
		},
		"cross-origin policies": {
			p: policies, origin: "http://x.example", status: 204,
			want: fields("X-A", "1", "Cross-Origin-Opener-Policy", "same-origin", "Vary", "Origin", methods, get2, headers, std,
				allowOrigin, "*", "Cross-Origin-Embedder-Policy", "require-corp", "Cross-Origin-Resource-Policy", "same-site"),
		},
		"refused further in": {
			origin: "http://x.example", status: 404,
			next: gateway.HandlerFunc(func(*gateway.Exchange) error { return &gateway.Error{Status: 404} }),
			want: fields("Vary", "Accept", "Vary", "Origin", methods, get2, headers, std, allowOrigin, "*"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := &gateway.Exchange{Errors: errors{}}
			x.Request.Method = "GET"
			if tt.method != "" {
				x.Request.Method = tt.method
			}
			if tt.origin != "" {
				x.Request.Header.Add("origin", tt.origin)
			}
			if tt.next == nil {
				tt.next = ok
			}
			code := ""
			if err := New(tt.p)(tt.next).Serve(x); err != nil {
				e, _ := gateway.AsError(err)
				code = e.Code
				x.Fail(err)
			}
			if d := cmp.Diff(tt.want, x.Response.Header); d != "" || x.Response.Status != tt.status || code != tt.code {
				t.Error(x.Response.Status, code, d)
			}
		})
	}
}

func TestPreflights(t *testing.T) {
	p := Policy{
		AllowedOrigins: []string{"http://a.example"}, AllowedHeaders: []string{"X-One", "X-Two"},
		ExposedHeaders: []string{"X-E"}, AllowCredentials: true, MaxAge: 10 * time.Minute,
		AllowPrivateNetwork: true, OpenerPolicy: "same-origin",
	}
	const methods, headers, exposed = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers"
	const vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	const std, age = "GET,OPTIONS,POST", "Access-Control-Max-Age"
	for name, tt := range map[string]struct {
		p       Policy
		request gateway.Header
		status  int
		want    gateway.Header
	}{
		"allowed": {
			p: p, request: fields("Origin", "http://a.example"), status: 200,
			want: fields(methods, std, exposed, "X-E", age, "600", "Vary", vary, allowOrigin, "http://a.example", allowCredentials, "true"),
		},
		"with headers": {
			p: p, request: fields("Origin", "http://a.example", "Access-Control-Request-Headers", "x-three"), status: 200,
			want: fields(methods, std, exposed, "X-E", age, "600", headers, "X-One,X-Two", "Vary", vary,
				allowOrigin, "http://a.example", allowCredentials, "true"),
		},
		"private network": {
			p: p, request: fields("Origin", "http://a.example", "Access-Control-Request-Private-Network", "true"), status: 200,
			want: fields(methods, std, exposed, "X-E", age, "600", "Access-Control-Allow-Private-Network", "true",
				"Vary", vary+", Access-Control-Request-Private-Network", allowOrigin, "http://a.example", allowCredentials, "true"),
		},
		"private network not allowed": {
			request: fields("Origin", "http://a.example", "Access-Control-Request-Private-Network", "true"), status: 200,
			want: fields(methods, std, "Vary", vary+", Access-Control-Request-Private-Network", allowOrigin, "*"),
		},
		"no caching": {
			p: Policy{MaxAge: -time.Second}, request: fields("Origin", "http://a.example"), status: 200,
			want: fields(methods, std, age, "0", "Vary", vary, allowOrigin, "*"),
		},
		"other origin": {
			p: p, request: fields("Origin", "http://b.example"), status: 403,
			want: fields(methods, std, exposed, "X-E", age, "600", "Vary", vary),
		},
		"no origin": {
			p: p, status: 403,
			want: fields(methods, std, exposed, "X-E", age, "600", "Vary", vary),
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := new(gateway.Exchange)
			x.Request.Method = "OPTIONS"
			x.Request.Header = append(fields("Access-Control-Request-Method", "DELETE"), tt.request...)
			if err := New(tt.p)(nil).Serve(x); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, x.Response.Header); d != "" || x.Response.Status != tt.status {
				t.Error(x.Response.Status, d)
			}
			if x.Response.Body != nil || len(x.Response.Bytes) != 0 {
				t.Error("the answer has a body")
			}
		})
	}
}

func BenchmarkRequest(b *testing.B) {
	h := New(Policy{AllowedOrigins: []string{"https://a.example"}})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Add("Content-Type", "text/plain")
		return nil
	}))
	x := new(gateway.Exchange)
	x.Request.Method = "GET"
	x.Request.Header = fields("User-Agent", "bench", "Accept", "*/*", "Origin", "https://a.example")
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		x.Response.Reset()
	}
}

func Example() {
	hello := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	})
	h := New(Policy{AllowedOrigins: []string{"https://example.com"}, MaxAge: time.Hour})(hello)

	x := new(gateway.Exchange)
	x.Request.Method = "GET"
	x.Request.Header.Add("Origin", "https://example.com")
	fmt.Println(h.Serve(x), x.Response.Status, x.Response.Header.Get("Access-Control-Allow-Origin"))

	x = new(gateway.Exchange)
	x.Request.Method = "GET"
	x.Request.Header.Add("Origin", "https://elsewhere.example")
	fmt.Println(h.Serve(x))
	// Output:
	// <nil> 200 https://example.com
	// E3204.AppMiddleCORSForbidden origin is not allowed
}
