package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"
)

// dialer connects over TLS. Without TLS it's nil: the library connects by itself.
func dialer(o *Options) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if o.TLS == nil {
		return nil
	}
	timeout := unlimited(cmp.Or(o.DialTimeout, 5*time.Second))
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		var d net.Dialer
		plain, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := tls.Client(plain, named(o.TLS.Config(), addr))
		if err := c.HandshakeContext(ctx); err != nil {
			_ = plain.Close() // the reason is err
			return nil, err
		}
		return c, nil
	}
}

// named is the configuration for a server, whose name is that in its address unless the configuration has one.
func named(c *tls.Config, addr string) *tls.Config {
	if c.ServerName != "" {
		return c
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	c = c.Clone()
	c.ServerName = host
	return c
}
