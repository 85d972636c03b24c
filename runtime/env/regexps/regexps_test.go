package regexps

import (
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/env"
)

func ExampleUse() {
	vars := env.New([]string{"FILE=site.tar.gz"})
	Use(vars)
	fmt.Println(vars.String("config.yaml:7:9", `${FILE%(\.[a-z]+)+}`), vars.Err())
	// Output: site <nil>
}
