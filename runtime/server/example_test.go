package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

func Example() {
	hello := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Add("Content-Type", "text/plain; charset=utf-8")
		x.Response.Bytes = []byte("hello, " + x.Request.Path[1:])
		return nil
	})
	public := server.New(server.Options{
		Listen:            listen.Options{Addr: "127.0.0.1:0"},
		ReadHeaderTimeout: 30 * time.Second,
		ShutdownTimeout:   30 * time.Second,
		MaxHeaderBytes:    8192,
	}, hello)
	if err := public.Listen(); err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- public.Run(ctx) }()

	res, err := http.Get("http://" + public.Addr().String() + "/world")
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	fmt.Println(res.Status, string(body))
	http.DefaultClient.CloseIdleConnections()

	stop()
	fmt.Println(<-stopped)
	// Output:
	// 200 OK hello, world
	// <nil>
}
