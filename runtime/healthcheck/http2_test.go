package healthcheck

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/transport"
)

// HTTP/2 keeps its connections; those of checks end with the check.
func TestHTTP2KeepsNoConnection(t *testing.T) {
	var opened, open atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	defer s.Close()
	tr, err := transport.HTTP2(transport.HTTP2Options{AllowHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	once := checked(lb.Check{Addr: "/", Interval: time.Hour}, s.URL)
	stop := run(t, Options{Balancers: []*lb.Balancer{once}, Transport: tr})
	eventually(t, "a check, and the end of its connection", func() bool { return opened.Load() == 1 && open.Load() == 0 })
	if !once.Targets()[0].Usable() {
		t.Error(once.Targets()[0].Why())
	}
	stop()
	again := checked(lb.Check{Addr: "/", Interval: 5 * time.Millisecond}, s.URL)
	run(t, Options{Balancers: []*lb.Balancer{again}, Transport: tr})
	eventually(t, "a connection for each check", func() bool { return opened.Load() > 5 })
}
