package redis

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Run runs a Lua script with one key, and returns the numbers that it answers with. The script is sent
// only to servers that don't know it yet. It's given up when ctx ends.
func (c *Client) Run(ctx context.Context, script, key string, args ...any) ([]int64, error) {
	client, keys := c.client(), []string{key}
	reply := client.EvalSha(ctx, c.hash(script), keys, args...)
	if goredis.HasErrorPrefix(reply.Err(), "NOSCRIPT") {
		reply = client.Eval(ctx, script, keys, args...)
	}
	numbers, err := reply.Int64Slice()
	if c.note(err) != nil {
		return nil, failure("EVALSHA", err)
	}
	return numbers, nil
}

// hash is the SHA-1 by which servers know a script.
func (c *Client) hash(script string) string {
	if h, ok := c.hashes.Load(script); ok {
		return h.(string)
	}
	sum := sha1.Sum([]byte(script))
	h := hex.EncodeToString(sum[:])
	c.hashes.Store(script, h)
	return h
}

// Time asks a server what time it is.
func (c *Client) Time(ctx context.Context) (time.Time, error) {
	t, err := c.client().Time(ctx).Result()
	if c.note(err) != nil {
		return time.Time{}, failure("TIME", err)
	}
	return t, nil
}
