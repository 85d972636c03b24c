package app_test

import (
	"context"
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/app"
	"github.com/aileron-gateway/aileronc/runtime/env"
)

type hello struct{ name string }

func (h hello) Run(context.Context) error {
	fmt.Println("Hello,", h.name)
	return nil
}

func Example() {
	code := app.Main(nil, app.Program{
		Wire: func(vars *env.Env) (*app.Gateway, error) {
			name := vars.String("config.yaml:7:9", "${APP_EXAMPLE_NAME:-World}")
			return &app.Gateway{Runners: []app.Runner{hello{name}}}, nil
		},
	})
	fmt.Println("exit", code)
	// Output:
	// Hello, World
	// exit 0
}
