package listen

import (
	"net"
	"sync"
	"time"
)

// A listener hands out connections that are counted, allowed and have deadlines.
type listener struct {
	net.Listener
	networks Networks
	slots    chan struct{} // one element for each open connection; nil without a limit
	closed   chan struct{}
	once     sync.Once
	read     time.Duration
	write    time.Duration
}

func newListener(inner net.Listener, o *Options, networks Networks) *listener {
	l := &listener{Listener: inner, networks: networks, closed: make(chan struct{}), read: o.ReadDeadline, write: o.WriteDeadline}
	if o.ConnectionLimit > 0 {
		l.slots = make(chan struct{}, o.ConnectionLimit)
	}
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	if l.slots != nil {
		select {
		case l.slots <- struct{}{}:
		case <-l.closed:
			return nil, &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
		}
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			l.release()
			return nil, err
		}
		if !l.allowed(c.RemoteAddr()) {
			_ = c.Close()
			continue
		}
		if l.slots == nil && l.read <= 0 && l.write <= 0 {
			return c, nil
		}
		return &conn{Conn: c, listener: l}, nil
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *listener) release() {
	if l.slots != nil {
		<-l.slots
	}
}

func (l *listener) allowed(a net.Addr) bool {
	if len(l.networks) == 0 {
		return true
	}
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return false
	}
	return l.networks.Contains(tcp.AddrPort().Addr())
}
