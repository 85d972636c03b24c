package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Get returns the value of key, nil if there is none.
func (c *Client) Get(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	value, err := c.client().Get(ctx, key).Bytes()
	if errors.Is(err, goredis.Nil) {
		_ = c.note(nil)
		return nil, nil
	}
	if c.note(err) != nil {
		return nil, failure("GET", err)
	}
	return value, nil
}

// Set keeps value under key for ttl; 0 is the Expiration of the Options.
func (c *Client) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	if ttl <= 0 {
		ttl = c.options.Expiration
	}
	if ttl < 0 {
		ttl = goredis.KeepTTL
	}
	if err := c.note(c.client().Set(ctx, key, value, ttl).Err()); err != nil {
		return failure("SET", err)
	}
	return nil
}

// Delete removes key. It's no error if it isn't there.
func (c *Client) Delete(ctx context.Context, key string) error {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	if err := c.note(c.client().Del(ctx, key).Err()); err != nil {
		return failure("DEL", err)
	}
	return nil
}

// Exists reports whether key has a value.
func (c *Client) Exists(ctx context.Context, key string) (bool, error) {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	n, err := c.client().Exists(ctx, key).Result()
	if c.note(err) != nil {
		return false, failure("EXISTS", err)
	}
	return n > 0, nil
}

// deadline is the context of an operation on a value.
func (c *Client) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if !c.options.Deadlines {
		return context.WithoutCancel(ctx), func() {}
	}
	return context.WithTimeout(ctx, c.options.Timeout)
}
