package jwt

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/backchannel"
)

const (
	// staleAfter is how old a set of keys may be before it's read again, beside its use: so a key that its owner has withdrawn
	// is forgotten.
	staleAfter = 15 * time.Minute
	// againAfter is how soon a set is read again because a token names a key that isn't in it. Anybody can make such tokens.
	againAfter = 10 * time.Second
	// retryAfter is how soon it's tried again to read a set that couldn't be.
	retryAfter = 2 * time.Second
	// fetchTimeout is how long reading a set may take.
	fetchTimeout = 10 * time.Second
	// maxKeys is how many keys of a set are looked at.
	maxKeys = 256
)

var (
	errStatus = errors.New("the answer isn't 200 (OK)")
	errSet    = errors.New("the answer is no JSON Web Key Set")
)

// A remote is a set of keys that a server publishes. It's read when it's needed. If it can't be read again, the keys that are known stay.
type remote struct {
	url string
	h   *Handler

	keys  atomic.Pointer[keySet] // nil before it has been read
	stale atomic.Int64           // when it will be, in nanoseconds since 1970

	mu   sync.Mutex
	call *fetch // that is under way
	last error  // of the last one
	next time.Time
	raw  []byte // what was read
	away bool   // the log has been told
}

// A fetch is one request for the set.
type fetch struct {
	done chan struct{}
	err  error
}

func (h *Handler) newRemote(url string) *remote { return &remote{url: url, h: h} }

// find returns the keys of that ID for that algorithm. It may read the set.
func (r *remote) find(ctx context.Context, id string, alg Algorithm) ([]*key, error) {
	if set := r.keys.Load(); set != nil {
		if found := set.find(id, alg); len(found) > 0 {
			r.refreshIfStale()
			return found, nil
		}
	}
	err := r.refresh(ctx)
	set := r.keys.Load()
	if set == nil {
		return nil, noKeys(r.url, err)
	}
	if found := set.find(id, alg); len(found) > 0 {
		return found, nil
	}
	return nil, errNoKey
}

// refreshIfStale has the set read again if it's time to, while the keys that are known are used.
func (r *remote) refreshIfStale() {
	if time.Now().UnixNano() < r.stale.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.call == nil && !time.Now().Before(r.next) {
		r.start()
	}
}

// refresh reads the set, or waits for who does, unless that has been done just now.
func (r *remote) refresh(ctx context.Context) error {
	r.mu.Lock()
	if r.call == nil {
		if time.Now().Before(r.next) {
			defer r.mu.Unlock()
			return r.last
		}
		r.start()
	}
	call := r.call
	r.mu.Unlock()
	select {
	case <-call.done:
		return call.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// start begins to read the set; r.mu is held. It doesn't end with the request for which it's read: others may wait, too.
func (r *remote) start() {
	call := &fetch{done: make(chan struct{})}
	r.call = call
	go func() {
		raw, keys, err := r.read()
		r.finish(raw, keys, err)
		call.err = err
		close(call.done)
	}()
}

// finish keeps what was read.
func (r *remote) finish(raw []byte, keys keySet, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.call, r.last = nil, err
	if err != nil {
		r.next = now.Add(retryAfter)
		r.tell(err)
		return
	}
	r.next = now.Add(againAfter)
	r.stale.Store(now.Add(staleAfter).UnixNano())
	r.away = false
	if r.keys.Load() == nil || !bytes.Equal(raw, r.raw) {
		r.raw = raw
		r.keys.Store(&keys)
		r.h.generation.Add(1)
	}
}

// tell tells the log that the set can't be read, once until it can be again.
func (r *remote) tell(err error) {
	if l := r.h.options.Logger; l != nil && !r.away && l.Enabled(gateway.LevelWarn) {
		l.Log(nil, gateway.LevelWarn, "a set of keys can't be read", gateway.String("url", r.url), gateway.String("reason", err.Error()))
	}
	r.away = true
}

// read asks the server.
func (r *remote) read() ([]byte, keySet, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	resp, err := backchannel.Do(ctx, r.h.options.Transport, backchannel.Request{
		Method: "GET", URL: r.url, Header: gateway.Header{{Name: "Accept", Value: "application/json"}},
	})
	switch {
	case err != nil:
		return nil, nil, err
	case resp.Status != 200:
		return nil, nil, errStatus
	}
	keys, err := parseSet(resp.Body)
	return resp.Body, keys, err
}

// parseSet reads a set (RFC 7517, section 5). Keys that can't be used are left out, as are secret ones, which have no place in what anybody can read.
func parseSet(text []byte) (keySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil || set.Keys == nil {
		return nil, errSet
	}
	keys := make(keySet)
	for i, text := range set.Keys {
		if i == maxKeys {
			break
		}
		var jwk jose.JSONWebKey
		if err := json.Unmarshal(text, &jwk); err != nil || !jwk.IsPublic() || !jwk.Valid() || jwk.Use != "" && jwk.Use != "sig" {
			continue
		}
		k := &key{id: jwk.KeyID, alg: Algorithm(jwk.Algorithm), verifier: jwk.Key}
		keys[k.id] = append(keys[k.id], k)
	}
	return keys, nil
}
