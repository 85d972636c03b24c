// Package redis is a client of Redis, and of what speaks its protocol: one server, a
// cluster, or a master that sentinels watch. It keeps values for others, and runs scripts.
//
// Nothing is connected before it's needed, and a server that is away is no reason not to start: it's told in the log,
// once, and so is when it's back.
package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// Options are the settings of a Client.
type Options struct {
	// Addrs are the servers, as host:port, or the path of a unix socket; none is localhost:6379. With MasterName they are sentinels; else several are
	// nodes of a cluster, which need not be all of them.
	Addrs []string
	// MasterName is the name under which sentinels know the master.
	MasterName string
	// Name is what connections call themselves in CLIENT LIST.
	Name string
	// DB is the number of the database. A cluster has only one.
	DB int

	// Username and Password are for the servers, SentinelUsername and SentinelPassword for sentinels.
	Username, Password                 string
	SentinelUsername, SentinelPassword string

	// MaxRetries is how often a command is sent again after an error of the network.
	MaxRetries int
	// MinRetryBackoff and MaxRetryBackoff are the shortest and the longest pause before that. 0 is 1 and 3 milliseconds, less is none.
	MinRetryBackoff, MaxRetryBackoff time.Duration
	// DialTimeout, ReadTimeout and WriteTimeout limit connecting, and each read and write; 0 is 5 seconds, less is for ever.
	DialTimeout, ReadTimeout, WriteTimeout time.Duration
	// Timeout limits an operation on a value, with all its retries; 0 is 10 seconds. A script has the time that its
	// context has.
	Timeout time.Duration
	// Deadlines ends also an operation at its Timeout that waits for a server's answer. Else that lasts until the ReadTimeout.
	Deadlines bool

	// PoolSize is how many connections there may be to a server; 0 is 1000. Others wait for PoolTimeout; 0 is a second more than ReadTimeout.
	PoolSize    int
	PoolTimeout time.Duration
	// PoolFIFO takes the connection that was used least recently, instead of the one that was most recently.
	PoolFIFO bool
	// MinIdleConns are kept open, MaxIdleConns at most are; 0 is any number.
	MinIdleConns, MaxIdleConns int
	// ConnMaxIdleTime and ConnMaxLifetime are how long a connection may be idle, and last; 0 is for ever.
	ConnMaxIdleTime, ConnMaxLifetime time.Duration

	// MaxRedirects is how often a node of a cluster may send a command to another one; 0 is 3, less is never.
	MaxRedirects int
	// ReadOnly lets replicas answer what only reads. RouteByLatency and RouteRandomly do so, too, and choose among them and the master.
	ReadOnly, RouteByLatency, RouteRandomly bool

	// TLS is the configuration of TLS; nil is none. New connections follow changes of its files.
	TLS *tlsconf.Client

	// Expiration is how long values are kept that are set for no time of their own; 0 is for ever, and less is as long as the value that is replaced.
	Expiration time.Duration

	// Logger is told when the server is away, and when it's back. Nil tells nobody.
	Logger gateway.Logger
}

// A Client is a client of Redis.
type Client struct {
	options Options
	client  func() goredis.UniversalClient
	made    atomic.Bool
	away    atomic.Bool
	told    atomic.Int64 // when the log was told that the server is away, in seconds since 1970
	hashes  sync.Map     // of scripts
}

// New returns a client. It doesn't connect.
func New(o Options) *Client {
	o.Timeout = cmp.Or(max(o.Timeout, 0), 10*time.Second)
	c := &Client{options: o}
	c.client = sync.OnceValue(func() goredis.UniversalClient {
		c.made.Store(true)
		return connect(&c.options)
	})
	return c
}

// connect makes a client of the library. Idle connections are made from now on.
func connect(o *Options) goredis.UniversalClient {
	silence()
	backoff := max(cmp.Or(o.MinRetryBackoff, time.Millisecond), -1)
	return goredis.NewUniversalClient(&goredis.UniversalOptions{
		Addrs: addrs(o), MasterName: o.MasterName, ClientName: o.Name, DB: o.DB,
		Username: o.Username, Password: o.Password, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
		MaxRetries:      cmp.Or(max(o.MaxRetries, -1), -1),
		MinRetryBackoff: backoff,
		MaxRetryBackoff: max(cmp.Or(o.MaxRetryBackoff, max(backoff, 3*time.Millisecond)), -1),
		DialTimeout:     unlimited(cmp.Or(o.DialTimeout, 5*time.Second)),
		DialerRetries:   1, // MaxRetries says how often
		ReadTimeout:     max(cmp.Or(o.ReadTimeout, 5*time.Second), -1),
		WriteTimeout:    max(cmp.Or(o.WriteTimeout, 5*time.Second), -1),
		// So that contexts always count. Whose don't is decided where they are made.
		ContextTimeoutEnabled: true,
		PoolFIFO:              o.PoolFIFO,
		PoolSize:              cmp.Or(o.PoolSize, 1000),
		PoolTimeout:           o.PoolTimeout,
		MinIdleConns:          o.MinIdleConns,
		MaxIdleConns:          o.MaxIdleConns,
		ConnMaxIdleTime:       cmp.Or(max(o.ConnMaxIdleTime, -1), -1),
		ConnMaxLifetime:       o.ConnMaxLifetime,
		Dialer:                dialer(o),
		MaxRedirects:          o.MaxRedirects,
		ReadOnly:              o.ReadOnly,
		RouteByLatency:        o.RouteByLatency,
		RouteRandomly:         o.RouteRandomly,
		// What not all servers know isn't asked of them.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ReadBufferSize:           8 << 10,
		WriteBufferSize:          4 << 10,
	})
}

func addrs(o *Options) []string {
	if len(o.Addrs) == 0 {
		return []string{"localhost:6379"}
	}
	return o.Addrs
}

func unlimited(d time.Duration) time.Duration {
	if d < 0 {
		return 1<<63 - 1
	}
	return d
}

// silence keeps the library from writing to the standard error.
var silence = sync.OnceFunc(func() { goredis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Initialize begins to connect, so that the log tells if the server is away.
func (c *Client) Initialize() error {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.options.Timeout)
		defer cancel()
		_ = c.ping(ctx) // who needs the server will see
	}()
	return nil
}

// Finalize closes all connections.
func (c *Client) Finalize() error {
	if !c.made.Load() {
		return nil
	}
	return c.client().Close()
}

// HealthCheck reports whether the server answers.
func (c *Client) HealthCheck(ctx context.Context) (context.Context, bool) {
	return ctx, c.ping(ctx) == nil
}

func (c *Client) ping(ctx context.Context) error {
	return c.note(c.client().Ping(ctx).Err())
}

// note tells the log when the server goes away, and when it's back. It returns err.
func (c *Client) note(err error) error {
	var answer goredis.Error // of the server: it's there
	if err == nil || errors.As(err, &answer) && !refuses(answer) {
		if c.away.Load() && c.away.CompareAndSwap(true, false) {
			c.log(gateway.LevelInfo, "redis is back", nil)
		}
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, goredis.ErrClosed) {
		return err // which says nothing about the server
	}
	if !c.away.Load() && c.away.CompareAndSwap(false, true) {
		// Not each time, if it comes and goes.
		if now := time.Now().Unix(); now-c.told.Swap(now) >= 10 {
			c.log(gateway.LevelWarn, "redis can't be used", err)
		}
	}
	return err
}

// refuses tells if the answer is that the server can't be used, not by us, or not now.
func refuses(err goredis.Error) bool {
	return goredis.IsAuthError(err) || goredis.IsPermissionError(err) || goredis.IsLoadingError(err) || goredis.IsMaxClientsError(err) ||
		goredis.IsReadOnlyError(err) || goredis.IsMasterDownError(err) || goredis.IsClusterDownError(err)
}

func (c *Client) log(level gateway.Level, msg string, err error) {
	l := c.options.Logger
	if l == nil || !l.Enabled(level) {
		return
	}
	attrs := []gateway.Attr{gateway.String("addr", addrs(&c.options)[0])}
	if err != nil {
		attrs = append(attrs, gateway.String("error", err.Error()))
	}
	l.Log(nil, level, msg, attrs...)
}

func failure(op string, err error) error {
	return &gateway.Error{Status: 500, Code: "E3250", Kind: "AppStorageKVS", Message: fmt.Sprintf("redis: %s failed", op), Cause: err}
}
