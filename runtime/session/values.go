package session

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Session is what is kept for a client. It's for the goroutine of its exchange.
type Session struct {
	*manager
	x *gateway.Exchange

	loaded  bool
	values  map[string][]byte
	times   times
	changed bool // since it was kept

	id       string // in the Store; "" until it has one
	stale    string // an id whose session is to be removed
	kept     bool   // there is something of this session that the client, or the Store, has
	received []int  // the numbers of the cookies that the client has sent

	setCookies []string // what is sent with the response
	asides     []string // cookies beside the session that are, too
}

// times are when a session began and was last asked for, in seconds since 1970.
type times struct{ begin, seen int64 }

// Get returns the value of name. It must not be changed.
func (s *Session) Get(name string) (value []byte, ok bool) {
	value, ok = s.values[name]
	return value, ok
}

// Set keeps value under name. It must not be changed afterwards.
func (s *Session) Set(name string, value []byte) {
	if old, ok := s.values[name]; ok && bytes.Equal(old, value) {
		return
	}
	if s.values == nil {
		s.values = make(map[string][]byte)
	}
	if len(s.values) == 0 {
		s.times.begin = time.Now().Unix()
	}
	s.values[name], s.changed = value, true
}

// Delete removes the value of name. A session without values ends.
func (s *Session) Delete(name string) {
	if _, ok := s.values[name]; ok {
		delete(s.values, name)
		s.changed = true
	}
}

// IsNew reports whether nothing has been kept for the client before this request.
func (s *Session) IsNew() bool { return !s.kept }

// InStore reports whether the session is in a Store. If it isn't, it's in cookies, which come with each request: then it should be small.
func (s *Session) InStore() bool { return s.Store != nil }

// Regenerate gives the session a new id and removes the old one, with which nobody can find it any more. It belongs where a
// client logs in or gets more rights, or whoever has given them the old id would share in that (session fixation).
// The values stay; the lifetime begins again.
func (s *Session) Regenerate() {
	s.retire()
	s.times.begin = time.Now().Unix()
	s.changed = s.changed || len(s.values) > 0
}

// Destroy ends the session, with all its values. What is set afterwards belongs to a new one.
func (s *Session) Destroy() {
	s.retire()
	s.changed = s.changed || s.kept
	clear(s.values)
}

func (s *Session) retire() {
	if s.kept && s.id != "" {
		s.stale = s.id
	}
	s.id = ""
}

// load reads the session, once.
func (s *Session) load() error {
	if s.loaded {
		return nil
	}
	data, err := s.keeper.load(s)
	if err != nil {
		return failure("the session can't be read", err)
	}
	s.loaded = true
	if s.Store != nil {
		// So that an upstream that reads the same store finds what the client had before.
		s.x.OnUpstream(func(*gateway.Exchange) error { return s.save() })
	}
	if data == nil {
		return nil
	}
	values, current, ok := s.codec.decode(data)
	if !ok {
		s.id = "" // of a session that isn't one of ours
		return nil
	}
	s.kept = true
	now := time.Now().Unix()
	timed := s.takeTimes(values, now)
	if s.expired(now) {
		s.Destroy()
		return nil
	}
	s.values = values
	s.changed = !current || !timed || s.touch(now)
	return nil
}

// expired reports whether the time of the session is over.
func (s *Session) expired(now int64) bool {
	return s.IdleTimeout > 0 && now-s.times.seen >= seconds(s.IdleTimeout) || s.Lifetime > 0 && now-s.times.begin >= seconds(s.Lifetime)
}

// touch reports whether it has to be kept that the session has been asked for. Not each time: some part of the timeout
// more or less is what that saves.
func (s *Session) touch(now int64) bool {
	return s.IdleTimeout > 0 && now-s.times.seen > seconds(s.IdleTimeout)/10
}

func seconds(d time.Duration) int64 { return max(int64(d/time.Second), 1) }

// save keeps the session, if it has changed.
func (s *Session) save() error {
	if !s.changed {
		return nil
	}
	if err := s.keep(); err != nil {
		return failure("the session can't be kept", err)
	}
	s.changed = false
	return nil
}

func (s *Session) keep() error {
	if len(s.values) == 0 {
		if !s.kept && len(s.received) == 0 {
			return nil
		}
		s.kept = false
		return s.keeper.remove(s)
	}
	var data []byte
	var err error
	if s.ends() {
		s.times.seen = time.Now().Unix()
		s.putTimes()
		data, err = s.codec.encode(s.values)
		delete(s.values, timesName)
	} else {
		data, err = s.codec.encode(s.values)
	}
	if err != nil {
		return err
	}
	return s.keeper.save(s, data)
}

// ttl is how long the Store has to keep the session.
func (s *Session) ttl() time.Duration {
	ttl := s.IdleTimeout
	if s.Lifetime > 0 {
		left := s.Lifetime - time.Duration(time.Now().Unix()-s.times.begin)*time.Second
		if left = max(left, time.Second); ttl == 0 || left < ttl {
			ttl = left
		}
	}
	return ttl
}

// timesName is the name of the value that holds the times.
const timesName = "__times__"

func (s *Session) putTimes() {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.times.begin))
	s.values[timesName] = binary.BigEndian.AppendUint64(b, uint64(s.times.seen))
}

// takeTimes removes the times from the values. A session that has none, from before there were timeouts, begins now, which
// has to be kept.
func (s *Session) takeTimes(values map[string][]byte, now int64) (ok bool) {
	b := values[timesName]
	delete(values, timesName)
	if len(b) != 16 {
		s.times = times{now, now}
		return !s.ends()
	}
	s.times = times{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}
	return true
}

// ends reports whether sessions end by themselves.
func (m *manager) ends() bool { return m.IdleTimeout > 0 || m.Lifetime > 0 }
