package kinds

import (
	"net"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var redisClient = Kind{
	APIVersion: "app/v1",
	Name:       "RedisClient",
	Roles:      []Role{Storage, ScriptRunner, HealthChecker},
	Lifecycle:  true,
	New: func() Spec {
		return &RedisClientSpec{
			Addrs: []string{"localhost:6379"}, MaxRetries: 2, MaxRetryBackoff: 3, ReadTimeout: 5000, WriteTimeout: 5000, ContextTimeoutEnabled: true,
			PoolSize: 1000, MinIdleConns: 10, MaxIdleConns: 100, ConnMaxIdleTime: 10000, ConnMaxLifetime: 600000, Timeout: 10000,
		}
	},
}

// RedisClientSpec is the spec of a RedisClient, which keeps values in Redis, or in what speaks its protocol, for others: sessions, and limits that
// several gateways share. With a masterName the addrs are those of sentinels, else several are nodes of a cluster.
//
// A gateway starts without Redis; the log tells when it can't be used, and when it can again.
// Unlike in AILERON Gateway, connections are closed when the gateway ends, a HealthCheckHandler can ask for it among its externalProbes, and the timeout of an
// operation ends it also while it waits for the server.
type RedisClientSpec struct {
	// Addrs are the servers, as host:port, or the path of a unix socket. Empty is the default.
	Addrs []string `json:"addrs"`
	// Name is what connections call themselves in CLIENT LIST. (In AILERON Gateway it does nothing.)
	Name string `json:"name" pattern:"^[!-~]*$"`
	// DB is the number of the database. A cluster has only one.
	DB int32 `json:"db" alt:"DB" min:"0"`
	// Username is the user to log in as. Empty is the default one.
	Username string `json:"username"`
	// Password is that of the user. Write ${NAME} to read it from the environment when the gateway starts.
	Password string `json:"password" secret:"true"`
	// SentinelUsername is the user to log in as at sentinels.
	SentinelUsername string `json:"sentinelUsername"`
	// SentinelPassword is that of the user at sentinels.
	SentinelPassword string `json:"sentinelPassword" secret:"true"`
	// MaxRetries is how often a command is sent again after an error of the network. 0 and less is never.
	MaxRetries int32 `json:"maxRetries"`
	// MinRetryBackoff is the shortest pause before that, in milliseconds. 0 is 1 ms (in AILERON Gateway it's 8, which is more than the default of maxRetryBackoff); less is none.
	MinRetryBackoff int32 `json:"minRetryBackoff"`
	// MaxRetryBackoff is the longest, in milliseconds. 0 is 3 ms; less is none.
	MaxRetryBackoff int32 `json:"maxRetryBackoff"`
	// DialTimeout limits connecting, in milliseconds. 0 is 5 s; less is no limit.
	DialTimeout int32 `json:"dialTimeout"`
	// ReadTimeout limits each read, in milliseconds. 0 is 5 s; less is no limit.
	ReadTimeout int32 `json:"readTimeout"`
	// WriteTimeout limits each write, in milliseconds. 0 is 5 s; less is no limit.
	WriteTimeout int32 `json:"writeTimeout"`
	// ContextTimeoutEnabled ends operations on values by timeout while they wait for the server, too, and when the client of the gateway has gone. If false, only readTimeout and the others like it do.
	ContextTimeoutEnabled bool `json:"contextTimeoutEnabled"`
	// PoolFIFO uses the connection next that was used least recently, instead of the one that was most recently.
	PoolFIFO bool `json:"poolFIFO"`
	// PoolSize is how many connections there may be to a server. 0 is 1000.
	PoolSize int32 `json:"poolSize" min:"0"`
	// PoolTimeout is how long to wait for a connection if there are so many, in milliseconds. 0 is readTimeout and a second.
	PoolTimeout int32 `json:"poolTimeout" min:"0"`
	// MinIdleConns is how many connections are kept open.
	MinIdleConns int32 `json:"minIdleConns" min:"0"`
	// MaxIdleConns is how many connections may be idle. 0 is any number.
	MaxIdleConns int32 `json:"maxIdleConns" min:"0"`
	// ConnMaxIdleTime is how long a connection may be idle, in milliseconds. 0 and less is for ever.
	ConnMaxIdleTime int32 `json:"connMaxIdleTime"`
	// ConnMaxLifetime is how long a connection is used, in milliseconds. 0 and less is for ever.
	ConnMaxLifetime int32 `json:"connMaxLifetime"`
	// TLSConfig makes connections TLS ones.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// MaxRedirects is how often a node of a cluster may send a command to another one. 0 is 3; less is never.
	MaxRedirects int32 `json:"maxRedirects"`
	// ReadOnly lets replicas of a cluster answer what only reads.
	ReadOnly bool `json:"readOnly"`
	// RouteByLatency lets the nearest of a master and its replicas answer what only reads.
	RouteByLatency bool `json:"routeByLatency"`
	// RouteRandomly lets any of a master and its replicas answer what only reads.
	RouteRandomly bool `json:"routeRandomly"`
	// MasterName is the name under which sentinels know the master.
	MasterName string `json:"masterName" fixed:"true"`
	// Timeout limits an operation on a value, with all its retries, in milliseconds. 0 is 10 s.
	Timeout int64 `json:"timeout" min:"0" max:"9000000000000"`
	// Expiration is how long values are kept that have no time of their own, in milliseconds. 0 is for ever; -1 is as long as the value that is replaced.
	Expiration int64 `json:"expiration" min:"-1" max:"9000000000000"`
}

// Check reports addresses that are none, secrets that become part of the program, and what has no effect.
func (s *RedisClientSpec) Check(c *Check) {
	for i := range s.Addrs {
		s.checkAddr(c, &s.Addrs[i])
	}
	for _, p := range []*string{&s.Password, &s.SentinelPassword} {
		if *p != "" {
			c.Warnf(p, diag.Insecure, "the password becomes part of the program; write ${NAME} to read it from the environment at start")
		}
	}
	if s.MinRetryBackoff > s.MaxRetryBackoff && s.MaxRetryBackoff > 0 && !c.Deferred(&s.MaxRetryBackoff) {
		c.Warnf(&s.MinRetryBackoff, diag.NoEffect, "minRetryBackoff is more than maxRetryBackoff, %d ms, which is what counts", s.MaxRetryBackoff)
	}
	s.checkMode(c)
	s.TLSConfig.checkClient(c)
}

// checkMode reports what has no effect with one server, with a cluster, or with sentinels.
func (s *RedisClientSpec) checkMode(c *Check) {
	sentinels, cluster := s.MasterName != "", s.MasterName == "" && len(s.Addrs) > 1
	if c.asks(&s.DB) && cluster {
		c.Warnf(&s.DB, diag.NoEffect, "a cluster has no database but 0")
	}
	for _, f := range []struct {
		name string
		p    any
		when bool
		what string
	}{
		{"sentinelUsername", &s.SentinelUsername, sentinels, "masterName"},
		{"sentinelPassword", &s.SentinelPassword, sentinels, "masterName"},
		{"maxRedirects", &s.MaxRedirects, cluster, "several addrs, which make a cluster"},
		{"readOnly", &s.ReadOnly, cluster, "several addrs, which make a cluster"},
		{"routeByLatency", &s.RouteByLatency, cluster || sentinels, "several addrs, or masterName"},
		{"routeRandomly", &s.RouteRandomly, cluster || sentinels, "several addrs, or masterName"},
	} {
		if c.asks(f.p) && !f.when {
			c.Warnf(f.p, diag.NoEffect, "%s has no effect without %s", f.name, f.what)
		}
	}
}

func (s *RedisClientSpec) checkAddr(c *Check, addr *string) {
	if c.Deferred(addr) || strings.HasPrefix(*addr, "/") {
		return
	}
	if _, _, err := net.SplitHostPort(*addr); err != nil {
		c.Errorf(addr, diag.BadAddress, "%q is no address of a server: it must be host:port, or the path of a unix socket", *addr)
	}
}

// Lower returns the client.
func (s *RedisClientSpec) Lower(l *Lower) ir.Expr {
	var tls ir.Expr
	if s.TLSConfig != nil {
		tls = l.Link.Part(l, "tls", true, l.Call("tlsconf.NewClient", s.TLSConfig.lower(l), ir.Name{Ident: "nil"}))
	}
	return l.Call("redis.New", l.Struct("redis.Options",
		ir.Set("Addrs", l.ifSet(&s.Addrs, l.Strings(s.Addrs))),
		ir.Set("MasterName", l.String(&s.MasterName)),
		ir.Set("Name", l.String(&s.Name)),
		ir.Set("DB", l.Int(&s.DB)),
		ir.Set("Username", l.String(&s.Username)),
		ir.Set("Password", l.String(&s.Password)),
		ir.Set("SentinelUsername", l.String(&s.SentinelUsername)),
		ir.Set("SentinelPassword", l.String(&s.SentinelPassword)),
		ir.Set("MaxRetries", l.Int(&s.MaxRetries)),
		ir.Set("MinRetryBackoff", l.Millis(&s.MinRetryBackoff)),
		ir.Set("MaxRetryBackoff", l.ifSet(&s.MaxRetryBackoff, l.Millis(&s.MaxRetryBackoff))),
		ir.Set("DialTimeout", l.Millis(&s.DialTimeout)),
		ir.Set("ReadTimeout", l.ifSet(&s.ReadTimeout, l.Millis(&s.ReadTimeout))),
		ir.Set("WriteTimeout", l.ifSet(&s.WriteTimeout, l.Millis(&s.WriteTimeout))),
		ir.Set("Timeout", l.ifSet(&s.Timeout, l.Millis(&s.Timeout))),
		ir.Set("Deadlines", l.Bool(&s.ContextTimeoutEnabled)),
		ir.Set("PoolSize", l.ifSet(&s.PoolSize, l.Int(&s.PoolSize))),
		ir.Set("PoolTimeout", l.Millis(&s.PoolTimeout)),
		ir.Set("PoolFIFO", l.Bool(&s.PoolFIFO)),
		ir.Set("MinIdleConns", l.Int(&s.MinIdleConns)),
		ir.Set("MaxIdleConns", l.Int(&s.MaxIdleConns)),
		ir.Set("ConnMaxIdleTime", l.Millis(&s.ConnMaxIdleTime)),
		ir.Set("ConnMaxLifetime", l.Millis(&s.ConnMaxLifetime)),
		ir.Set("MaxRedirects", l.Int(&s.MaxRedirects)),
		ir.Set("ReadOnly", l.Bool(&s.ReadOnly)),
		ir.Set("RouteByLatency", l.Bool(&s.RouteByLatency)),
		ir.Set("RouteRandomly", l.Bool(&s.RouteRandomly)),
		ir.Set("TLS", tls),
		ir.Set("Expiration", l.Millis(&s.Expiration)),
		ir.Set("Logger", l.Logger()),
	))
}
