package plugin

import (
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc"
)

const symbols = `
package p

import (
	"context"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

type Auth struct{}

func (*Auth) Middleware(next http.Handler) http.Handler               { return next }
func (*Auth) Tripperware(next http.RoundTripper) http.RoundTripper    { return next }
func (*Auth) Init(l gateway.Logger, e gateway.ErrorHandler) error      { return nil }
func (*Auth) ServeHTTPError(http.ResponseWriter, *http.Request, error) {}

type Life struct{ n int }

func (Life) Initialize() error                                              { return nil }
func (Life) Finalize() error                                                { return nil }
func (Life) Run(ctx context.Context) error                                  { return nil }
func (Life) HealthCheck(c context.Context) (ctx context.Context, ok bool) { return c, true }
func (Life) Serve(x *gateway.Exchange) error                                { return nil }
func (Life) HandleError(x *gateway.Exchange, err error)                     {}

type Log struct{}

func (Log) Enabled(gateway.Level) bool                                         { return true }
func (Log) Log(*gateway.Exchange, gateway.Level, string, ...gateway.Attr) {}
func (Log) WriteLine([]byte)                                                  {}

type Authn struct{}

func (Authn) Authenticate(*gateway.Exchange) (authn.Outcome, error) { return authn.Absent, nil }
func (Authn) Challenge(*gateway.Header, error)                      {}

type HalfAuthn struct{}

func (HalfAuthn) Authenticate(*gateway.Exchange) (authn.Outcome, error) { return authn.Absent, nil }

type Request = *http.Request

var (
	Plugin       Auth
	Pointer      = &Auth{}
	Handler      http.Handler
	Func         = func(next http.Handler) http.Handler { return next }
	Gateway      gateway.Middleware
	Nothing      int
	unexported   Auth
	LifeValue    Life
	Transport    http.RoundTripper = http.DefaultTransport
)

func Middleware(next http.Handler) http.Handler                { return next }
func Tripperware(next http.RoundTripper) http.RoundTripper     { return next }
func Serve(x *gateway.Exchange) error                          { return nil }
func ServeHTTP(w http.ResponseWriter, r Request)               {}
func New() *Auth                                               { return nil }
func NewFails() (func(http.Handler) http.Handler, error)       { return nil, nil }
func Args(int) http.Handler                                    { return nil }
func OnlyInit() interface{ Init(gateway.Logger, gateway.ErrorHandler) error } { return nil }

type Generic[T any] struct{}

const Constant = 1
`

func TestSymbols(t *testing.T) {
	auth := []Shape{HTTPMiddleware, HTTPTripperware, HTTPErrorHandler, Init}
	life := []Shape{Handler, ErrorHandler, HealthChecker, Initializer, Finalizer, Runner}
	pkg, at := load(t)
	for _, want := range []Symbol{
		{Name: "Plugin", Form: Address, Type: "*p.Auth", Shapes: auth},
		{Name: "Pointer", Form: Value, Type: "*p.Auth", Shapes: auth},
		{Name: "Handler", Form: Value, Type: "http.Handler", Shapes: []Shape{HTTPHandler}},
		{Name: "Func", Form: Value, Type: "func(next http.Handler) http.Handler", Shapes: []Shape{HTTPMiddlewareFunc}},
		{Name: "Gateway", Form: Value, Type: "gateway.Middleware", Shapes: []Shape{MiddlewareFunc}},
		{Name: "LifeValue", Form: Value, Type: "p.Life", Shapes: life},
		{Name: "Transport", Form: Value, Type: "http.RoundTripper", Shapes: []Shape{RoundTripper}},
		{Name: "Middleware", Form: Value, Type: "func(next http.Handler) http.Handler", Shapes: []Shape{HTTPMiddlewareFunc}},
		{Name: "Tripperware", Form: Value, Type: "func(next http.RoundTripper) http.RoundTripper", Shapes: []Shape{HTTPTripperwareFunc}},
		{Name: "Serve", Form: Value, Type: "func(x *gateway.Exchange) error", Shapes: []Shape{HandlerFunc}},
		{Name: "ServeHTTP", Form: Value, Type: "func(w http.ResponseWriter, r p.Request)", Shapes: []Shape{HTTPHandlerFunc}},
		{Name: "New", Form: Constructor, Type: "*p.Auth", Shapes: auth},
		{Name: "NewFails", Form: Constructor, Fails: true, Type: "func(http.Handler) http.Handler", Shapes: []Shape{HTTPMiddlewareFunc}},
		{Name: "Auth", Form: Type, Type: "*p.Auth", Shapes: auth},
		{Name: "Life", Form: Type, Type: "*p.Life", Shapes: life},
		{Name: "Authn", Form: Type, Type: "*p.Authn", Shapes: []Shape{AuthenticationHandler}},
		{Name: "Log", Form: Type, Type: "*p.Log", Shapes: []Shape{Logger}},
	} {
		got, err := find(pkg, want.Name, at)
		if err != nil {
			t.Error(err)
			continue
		}
		if d := cmp.Diff(want, *got); d != "" {
			t.Error(d)
		}
	}
}

func TestNoSymbols(t *testing.T) {
	pkg, at := load(t)
	for _, tt := range [][2]string{
		{"Plugn", "package p has no Plugn; did you mean Plugin?"},
		{"Xyz", "package p has no Xyz; it has Args, Auth, "},
		{"unexported", "unexported of package p is not exported: its name must begin with an upper-case letter"},
		{"Nothing", "Nothing of package p has the type int, which is no handler"},
		{"Args", "Args of package p has the type func(int) http.Handler, which"},
		{"OnlyInit", "which is no handler"},
		{"HalfAuthn", "which is no handler"},
		{"Generic", "Generic of package p is a generic type"},
		{"Request", "Request of package p has the type *p.Request, which"},
		{"Constant", "Constant of package p is a constant"},
	} {
		if got, err := find(pkg, tt[0], at); err == nil || !strings.Contains(err.Error(), tt[1]) {
			t.Errorf("%s: got %v, %v", tt[0], got, err)
		}
	}
}

// load type-checks the package above.
func load(t *testing.T) (*types.Package, *location) {
	t.Helper()
	t.Setenv("GOPROXY", "off")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "p"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "p", "p.go"), []byte(symbols), 0o644); err != nil {
		t.Fatal(err)
	}
	at, err := locate(dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	w, err := newScratch(aileronc.Source, at)
	if err != nil {
		t.Fatal(err)
	}
	defer w.remove()
	pkg, err := w.load()
	if err != nil {
		t.Fatal(err)
	}
	return pkg, at
}
