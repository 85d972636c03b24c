package plugin_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/plugin"
)

type auth struct {
	logger gateway.Logger
	errors gateway.ErrorHandler
	fails  error
}

func (a *auth) Init(l gateway.Logger, e gateway.ErrorHandler) error {
	a.logger, a.errors = l, e
	return a.fails
}

type handler struct{}

func (handler) HandleError(*gateway.Exchange, error) {}

func TestInit(t *testing.T) {
	boom := errors.New("boom")
	for _, fails := range []error{nil, boom} {
		given := &auth{fails: fails}
		got, err := plugin.Init(given, nil, handler{})
		if got != given || err != fails || got.errors != (handler{}) {
			t.Errorf("got %v, %v", got, err)
		}
	}
}

func Example() {
	a, err := plugin.Init(&auth{}, nil, handler{})
	fmt.Printf("%T %v", a.errors, err)
	// Output: plugin_test.handler <nil>
}
