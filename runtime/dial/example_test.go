package dial_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
)

func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()

	dialer, err := dial.New(dial.Options{
		Timeout:        5 * time.Second,
		ReplaceTargets: []string{"(tcp|example.com:80) > (tcp|" + l.Addr().String() + ")"},
	})
	if err != nil {
		panic(err)
	}
	c, err := dialer(context.Background(), "tcp", "example.com:80")
	if err != nil {
		panic(err)
	}
	defer c.Close()
	fmt.Println(c.RemoteAddr().String() == l.Addr().String())
	// Output: true
}
