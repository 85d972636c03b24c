package kinds

import (
	"strconv"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var throttleMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "ThrottleMiddleware",
	Roles:      []Role{Middleware},
	New:        func() Spec { return &ThrottleMiddlewareSpec{} },
}

// ThrottleMiddlewareSpec is the spec of a ThrottleMiddleware, which refuses requests that come too fast, or too many at a time, with 429 and a Retry-After.
// It belongs before what is costly, and behind the authentication if it limits by claims.
//
// Unlike in AILERON Gateway, a bucket fills while it's in use, and no fraction of a token is lost; a window begins with the first request
// after the last one, with a full limit and no more; the place of a connection is free when the response has been sent; and there can be limits for each client.
type ThrottleMiddlewareSpec struct {
	// APIThrottlers are limits for some requests. The first entry that is for a request decides. Requests that none is for pass.
	APIThrottlers []APIThrottlerSpec `json:"apiThrottlers" alt:"APIThrottlers"`
}

// APIThrottlerSpec is a limit for some requests. One of maxConnections, fixedWindow, tokenBucket and leakyBucket must be set.
type APIThrottlerSpec struct {
	// Matcher chooses requests by their decoded path.
	Matcher *MatcherSpec `json:"matcher" required:"true"`
	// Methods are the methods that the limit is for. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// MaxRetry is how often a request that's refused tries again before the client hears of it, with a short pause before each try: 1 ms and, at random, up to 1, 2, 4 … ms more.
	MaxRetry int32 `json:"maxRetry" min:"0"`
	// MaxConnections limits how many requests there are at a time.
	MaxConnections *MaxConnectionsSpec `json:"maxConnections" oneof:"throttler"`
	// FixedWindow limits the requests in each window of time.
	FixedWindow *FixedWindowSpec `json:"fixedWindow" oneof:"throttler"`
	// TokenBucket limits the rate of requests, and lets bursts through.
	TokenBucket *TokenBucketSpec `json:"tokenBucket" oneof:"throttler"`
	// LeakyBucket spaces requests evenly: they wait for their turn.
	LeakyBucket *LeakyBucketSpec `json:"leakyBucket" oneof:"throttler"`
	// Keys tell the clients apart that have a limit each: those with the same values of all keys share one. Without keys, all clients share one. AILERON Gateway has no such field.
	Keys []ThrottleKeySpec `json:"keys"`
	// MaxKeys is for how many clients there is room, at 16 bytes each. It's rounded up to a power of two. When there are more, a new one takes the place of one that has used little, and begins with what
	// that one had used: so nobody gets more than the limit, whoever sends however many keys, but if all known clients are at their limit, new ones are refused like them.
	// It isn't needed with maxConnections, where there are no more keys than requests. 0 stands for the default.
	MaxKeys int32 `json:"maxKeys" min:"0" max:"268435456"`
	// Redis is a RedisClient by which several gateways count together. Redis is asked once for each request, and not at all for those that are known to be refused. With fixedWindow,
	// windows begin at the same moments for all clients then. AILERON Gateway has no such field.
	Redis resource.Ref `json:"redis" role:"ScriptRunner"`
	// RedisPrefix begins the keys in Redis. Gateways, and entries, count together if it's the same. The default has the namespace and name of the resource and the number of the entry: throttle:default/default:1:.
	RedisPrefix string `json:"redisPrefix" pattern:"^[!-~]*$"`
	// RedisTimeout is how long Redis may take for a decision, in milliseconds. 0 stands for the default.
	RedisTimeout int32 `json:"redisTimeout" min:"0"`
	// OnFailure says what becomes of requests while Redis is away: Local has each gateway limit by itself, Allow lets all pass, Deny refuses all.
	// When Redis has failed a few times, requests don't wait for it any more until it's back.
	OnFailure OnFailure `json:"onFailure"`
	// RateLimitHeaders tells clients what they have left, in the headers RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10).
	RateLimitHeaders bool `json:"rateLimitHeaders"`
	// Name is the name of the limit in these headers. The default is that of the resource, with the number of the entry if there are several.
	Name string `json:"name" pattern:"^[ -~]*$"`
}

// SetDefaults sets the defaults.
func (s *APIThrottlerSpec) SetDefaults() { s.MaxKeys, s.RedisTimeout = 1<<20, 100 }

// OnFailure is what becomes of requests while Redis is away.
type OnFailure string

// Values lists the values in the order of their numbers.
func (OnFailure) Values() []string { return []string{"Local", "Allow", "Deny"} }

// MaxConnectionsSpec limits how many requests there are at a time.
type MaxConnectionsSpec struct {
	// MaxConns is the number of requests. With 0 or less all are refused.
	MaxConns int32 `json:"maxConns"`
}

// SetDefaults sets the defaults.
func (s *MaxConnectionsSpec) SetDefaults() { s.MaxConns = 128 }

// FixedWindowSpec limits the requests in each window of time. A window begins with the first request after the last one has ended; with keys, windows
// begin at fixed times, which aren't the same for all clients.
type FixedWindowSpec struct {
	// WindowSize is the length of a window, in milliseconds. 0 stands for the default.
	WindowSize int64 `json:"windowSize" min:"0" max:"9000000000000"`
	// Limit is the number of requests in each. 0 stands for the default.
	Limit int32 `json:"limit" min:"0"`
}

// SetDefaults sets the defaults.
func (s *FixedWindowSpec) SetDefaults() { s.WindowSize, s.Limit = 1000, 1000 }

// TokenBucketSpec lets a request through for each token in a bucket, which is full at first.
type TokenBucketSpec struct {
	// BucketSize is for how many tokens there is room: the longest burst. 0 stands for the default.
	BucketSize int32 `json:"bucketSize" min:"0"`
	// FillInterval is the time in which fillRate tokens come in, in milliseconds. They come one by one. 0 stands for the default.
	FillInterval int64 `json:"fillInterval" min:"0" max:"9000000000000"`
	// FillRate is how many tokens come in each fillInterval. 0 stands for the default.
	FillRate int32 `json:"fillRate" min:"0"`
}

// SetDefaults sets the defaults.
func (s *TokenBucketSpec) SetDefaults() { s.BucketSize, s.FillInterval, s.FillRate = 1000, 1000, 1000 }

// LeakyBucketSpec lets one request through in each interval, the first after a pause at once. The others wait, and those for whom there's no room are refused.
type LeakyBucketSpec struct {
	// BucketSize is how many requests may wait. 0 stands for the default.
	BucketSize int32 `json:"bucketSize" min:"0"`
	// LeakInterval is the time between two requests, in milliseconds. 0 stands for the default.
	LeakInterval int64 `json:"leakInterval" min:"0" max:"9000000000000"`
}

// SetDefaults sets the defaults.
func (s *LeakyBucketSpec) SetDefaults() { s.BucketSize, s.LeakInterval = 1000, 1 }

// Check reports limits that can't be, and what has no effect.
func (s *ThrottleMiddlewareSpec) Check(c *Check) {
	for i := range s.APIThrottlers {
		s.APIThrottlers[i].check(c)
	}
}

func (s *APIThrottlerSpec) check(c *Check) {
	if s.Matcher != nil {
		s.Matcher.check(c)
	}
	for i := range s.Keys {
		s.Keys[i].check(c)
	}
	switch {
	case s.MaxConnections != nil:
		if s.MaxConnections.MaxConns <= 0 {
			c.Warnf(&s.MaxConnections.MaxConns, diag.NoEffect, "with a maxConns of %d no request passes", s.MaxConnections.MaxConns)
		}
	case s.FixedWindow != nil:
	case s.TokenBucket != nil:
		b := s.TokenBucket
		checkFillTime(c, &b.BucketSize, &b.FillInterval, &b.FillRate)
	case s.LeakyBucket != nil:
		checkFillTime(c, &s.LeakyBucket.BucketSize, &s.LeakyBucket.LeakInterval, nil)
		if s.MaxRetry > 0 {
			c.Warnf(&s.MaxRetry, diag.NoEffect, "maxRetry has no effect with leakyBucket, in which requests wait already")
		}
	default:
		c.Errorf(s, diag.MissingField, "a throttler needs one of the fields maxConnections, fixedWindow, tokenBucket, leakyBucket")
	}
	if c.IsSet(&s.MaxKeys) && (len(s.Keys) == 0 || s.MaxConnections != nil) {
		c.Warnf(&s.MaxKeys, diag.NoEffect, "maxKeys has no effect without keys, nor with maxConnections")
	}
	for _, f := range []struct {
		name string
		p    any
	}{{"redisPrefix", &s.RedisPrefix}, {"redisTimeout", &s.RedisTimeout}, {"onFailure", &s.OnFailure}} {
		if c.IsSet(f.p) && s.Redis.IsZero() {
			c.Warnf(f.p, diag.NoEffect, "%s has no effect without redis", f.name)
		}
	}
	if c.IsSet(&s.Name) && !s.RateLimitHeaders && !c.Deferred(&s.RateLimitHeaders) {
		c.Warnf(&s.Name, diag.NoEffect, "name has no effect without rateLimitHeaders")
	}
}

// checkFillTime reports a bucket that takes too long to fill: its time is counted in 64 bits.
func checkFillTime(c *Check, size *int32, interval *int64, rate *int32) {
	const longest = 9 * 365 * 24 * 3600 * 1000.0 // in milliseconds
	millis := float64(*size) * float64(*interval)
	if rate != nil {
		if c.Deferred(rate) {
			return
		}
		millis /= float64(max(*rate, 1))
	}
	if millis > longest && !c.Deferred(size) {
		c.Errorf(interval, diag.OutOfRange, "a bucket for %d requests would take more than 9 years to be as at first; that is the limit", *size)
	}
}

// Lower returns the middleware.
func (s *ThrottleMiddlewareSpec) Lower(l *Lower) ir.Expr {
	var rules []ir.Expr
	for i := range s.APIThrottlers {
		rules = append(rules, s.APIThrottlers[i].lower(l, i+1, len(s.APIThrottlers)))
	}
	return l.Call("throttle.New", l.Struct("throttle.Options", ir.Set("Rules", l.List("throttle.Rule", rules...))))
}

// lower returns the throttle.Rule of entry number i of so many.
func (s *APIThrottlerSpec) lower(l *Lower, i, of int) ir.Expr {
	var keys []ir.Expr
	for i := range s.Keys {
		keys = append(keys, s.Keys[i].lower(l))
	}
	var shown ir.Expr
	if l.asks(&s.RateLimitHeaders) || l.Deferred(&s.RateLimitHeaders) {
		name := l.ID.Name
		if of > 1 {
			name += "-" + strconv.Itoa(i)
		}
		if shown = ir.String(name); isSet(l.Check, &s.Name) {
			shown = l.String(&s.Name)
		}
	}
	return l.Struct("throttle.Rule",
		ir.Set("Match", s.Matcher.lower(l)),
		ir.Set("Methods", ir.Strings(methodNames(s.Methods))),
		ir.Set("Limit", s.lowerLimit(l)),
		ir.Set("MaxRetry", l.Int(&s.MaxRetry)),
		ir.Set("Keys", l.List("throttle.Key", keys...)),
		ir.Set("MaxKeys", l.ifSet(&s.MaxKeys, l.Int(&s.MaxKeys))),
		ir.Set("Shared", s.lowerShared(l, i)),
		ir.Set("Headers", l.Bool(&s.RateLimitHeaders)),
		ir.Set("Name", shown))
}

// lowerShared returns a *throttle.Shared, or nil.
func (s *APIThrottlerSpec) lowerShared(l *Lower, i int) ir.Expr {
	if s.Redis.IsZero() {
		return nil
	}
	prefix := ir.String("throttle:" + l.ID.Namespace + "/" + l.ID.Name + ":" + strconv.Itoa(i) + ":")
	if isSet(l.Check, &s.RedisPrefix) {
		prefix = l.String(&s.RedisPrefix)
	}
	var failure ir.Expr
	switch s.OnFailure {
	case "Allow":
		failure = ir.Runtime("throttle.AllowAll")
	case "Deny":
		failure = ir.Runtime("throttle.DenyAll")
	}
	return ir.Struct{Type: ir.Runtime("throttle.Shared"), Pointer: true, Fields: []ir.Field{
		ir.Set("Store", l.Use(&s.Redis, ScriptRunner)),
		ir.Set("Prefix", prefix),
		ir.Set("Timeout", l.ifSet(&s.RedisTimeout, l.Millis(&s.RedisTimeout))),
		ir.Set("OnFailure", failure),
	}}
}

func (s *APIThrottlerSpec) lowerLimit(l *Lower) ir.Expr {
	switch {
	case s.MaxConnections != nil:
		return l.Struct("throttle.MaxConnections", ir.Set("Max", l.Int(&s.MaxConnections.MaxConns)))
	case s.FixedWindow != nil:
		w := s.FixedWindow
		return l.Struct("throttle.FixedWindow",
			ir.Set("Size", l.ifSet(&w.WindowSize, l.Millis(&w.WindowSize))),
			ir.Set("Limit", l.ifSet(&w.Limit, l.Int(&w.Limit))))
	case s.TokenBucket != nil:
		b := s.TokenBucket
		return l.Struct("throttle.TokenBucket",
			ir.Set("Size", l.ifSet(&b.BucketSize, l.Int(&b.BucketSize))),
			ir.Set("Rate", l.ifSet(&b.FillRate, l.Int(&b.FillRate))),
			ir.Set("Interval", l.ifSet(&b.FillInterval, l.Millis(&b.FillInterval))))
	default:
		b := s.LeakyBucket
		return l.Struct("throttle.LeakyBucket",
			ir.Set("Size", l.ifSet(&b.BucketSize, l.Int(&b.BucketSize))),
			ir.Set("Interval", l.ifSet(&b.LeakInterval, l.Millis(&b.LeakInterval))))
	}
}
